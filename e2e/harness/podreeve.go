package harness

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// Podreeve is one running `podreeve serve`.
type Podreeve struct {
	*Process
	Port      int
	AdminPort int
	CA        []byte // PEM
	cluster   *Cluster
	certDir   string
	args      []string
}

// StartPodreeve starts the real binary on free ports and waits until it says that it is ready. args follow the
// addresses (`--policy FILE` ...). Unless they say otherwise it stops without the delay that a Service would need.
func (c *Cluster) StartPodreeve(ctx context.Context, args ...string) (*Podreeve, error) {
	port, admin, err := twoPorts()
	if err != nil {
		return nil, err
	}
	if !slices.Contains(args, "--drain-delay") {
		args = append([]string{"--drain-delay", "0s"}, args...)
	}
	server := &Podreeve{Port: port, AdminPort: admin, cluster: c, args: args, certDir: filepath.Join(c.dir, c.Name("certs"))}
	return server, server.Start(ctx)
}

// Start runs it again after it ended: same ports, same certificate folder.
func (p *Podreeve) Start(ctx context.Context) error {
	name := p.cluster.Name("podreeve")
	args := append([]string{"serve",
		"--listen", net.JoinHostPort(p.cluster.listenHost(), strconv.Itoa(p.Port)),
		"--admin-listen", net.JoinHostPort("127.0.0.1", strconv.Itoa(p.AdminPort)),
		"--self-signed", p.certDir}, p.args...)
	process, err := startProcess(name, p.cluster.dir, p.cluster.podreeve, args, nil)
	if err != nil {
		return err
	}
	p.Process = process
	p.cluster.Defer(func() error { process.Stop(); return nil })
	if err := Await(ctx, "podreeve ready", p.Ready); err != nil {
		return err
	}
	p.CA, err = os.ReadFile(filepath.Join(p.certDir, "ca.crt"))
	if err != nil {
		return fmt.Errorf("podreeve is ready but wrote no CA: %w", err)
	}
	return nil
}

// Ready asks /readyz once.
func (p *Podreeve) Ready(ctx context.Context) (bool, error) {
	return answersOK(ctx, p.Process, http.DefaultClient, loopback("http", p.AdminPort)+"/readyz")
}

// Metrics reads /metrics.
func (p *Podreeve) Metrics(ctx context.Context) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, loopback("http", p.AdminPort)+"/metrics", nil)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", fmt.Errorf("read podreeve's metrics: %w", err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return string(text), err
}

// URL under which the API server reaches it.
func (p *Podreeve) URL() string { return p.cluster.urlOf(p.Port) }

func (c *Cluster) urlOf(port int) string { return fmt.Sprintf("%s:%d", c.webhookURL, port) }

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

// listenHost: an API server that is not on this machine needs more than loopback.
func (c *Cluster) listenHost() string {
	parsed, _ := url.Parse(c.webhookURL) // checked by parseWebhookURL
	if ip := net.ParseIP(parsed.Hostname()); parsed.Hostname() == "localhost" || ip.IsLoopback() {
		return "127.0.0.1"
	}
	return "0.0.0.0"
}
