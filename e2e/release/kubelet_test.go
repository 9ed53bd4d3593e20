package release

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"podreeve.dev/e2e/node"
)

// answers is what a kubelet does with a request to its port.
func (c *target) answers(t *testing.T, url, token string) string {
	t.Helper()
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		DialContext: c.node.Dial, DisableKeepAlives: true,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // it signs its certificate itself
	}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := client.Do(request)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return "refused"
	}
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	return fmt.Sprint(answer.StatusCode)
}

// kubeletAsReported: what the agent reports of the node's kubelet is what the kubelet does.
func (a *agent) kubeletAsReported(t *testing.T) {
	// A token that the API server knows, of an account without a right.
	token := a.must(t, "", "create", "token", "default", "-n", shop)
	for subject, does := range map[string]struct{ url, token, answers string }{
		"kubelet: authentication.anonymous.enabled": {"https://" + node.Address + ":10250/pods", "", "401"},
		"kubelet: authorization.mode":               {"https://" + node.Address + ":10250/pods", token, "403"},
		"kubelet: readOnlyPort":                     {"http://" + node.Address + ":10255/pods", "", "refused"},
	} {
		results := a.of("node-authorization", subject)
		if len(results) != 1 || results[0].Properties.Verdict != "pass" {
			t.Errorf("%s: the report says %+v", subject, results)
		}
		if answer := a.answers(t, does.url, does.token); answer != does.answers {
			t.Errorf("%s: the kubelet answers %s with %s, wanted %s", subject, does.url, answer, does.answers)
		}
	}
	// Its certificate is not signed by a CA, and the report says so.
	for _, result := range a.of("node-tls", "kubelet") {
		t.Logf("%s %s: %s", result.Properties.Verdict, result.Properties.Subject, result.Properties.Found)
	}
	limit := a.of("node-pids", "kubelet")
	if len(limit) == 0 || !strings.Contains(limit[0].Properties.Found, "512") {
		t.Errorf("the limit of processes is %+v", limit)
	}
}
