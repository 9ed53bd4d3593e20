package harness

import (
	"fmt"
	"net"
	"net/url"
)

const loopbackURL = "https://127.0.0.1"

// parseWebhookURL checks PODREEVE_E2E_WEBHOOK_URL: scheme and host only, because each podreeve has a port of its own.
func parseWebhookURL(text string) (string, error) {
	if text == "" {
		return loopbackURL, nil
	}
	parsed, err := url.Parse(text)
	if err != nil || parsed.Scheme != "https" || parsed.Hostname() == "" || parsed.Port() != "" || parsed.Path != "" {
		return "", fmt.Errorf("the webhook URL %q must be https://HOST without a port or path: each podreeve that the tests start listens on a port of its own", text)
	}
	return text, nil
}

// WebhookURL under which the API server reaches a port of this machine.
func (c *Cluster) WebhookURL(port int) string { return fmt.Sprintf("%s:%d", c.webhookURL, port) }

func (c *Cluster) webhookHost() string {
	parsed, _ := url.Parse(c.webhookURL) // checked by parseWebhookURL
	return parsed.Hostname()
}

// listenHost: an API server that is not on this machine needs more than loopback.
func (c *Cluster) listenHost() string {
	switch host := c.webhookHost(); {
	case host == "::1":
		return "::" // as in a cluster
	case host == "localhost" || net.ParseIP(host).IsLoopback():
		return "127.0.0.1"
	}
	return "0.0.0.0"
}
