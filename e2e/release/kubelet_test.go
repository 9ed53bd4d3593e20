package release

import (
	"cmp"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
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

// openKubelet: a second kubelet lets everybody in, and podreeve says so of this one: on the node, by its files and processes.
func (a *agent) openKubelet(t *testing.T) {
	end, err := a.node.StartOpenKubelet(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := end(); err != nil {
			t.Error(err)
		}
	})
	words := a.node.Inside(os.Getenv("PODREEVE_BIN"), "node", "--policy", "owasp", "-o", "json")
	out, err := exec.Command(words[0], words[1:]...).Output()
	var report struct {
		Results []struct{ Rule, Verdict, Subject, Found, Source string }
	}
	if failed := json.Unmarshal(out, &report); failed != nil {
		t.Fatalf("%v: %s", cmp.Or(err, failed), out)
	}
	verdicts := map[string]map[string]int{}
	for _, result := range report.Results {
		if kubelet, key, found := strings.Cut(result.Subject, ": "); result.Rule == "node-authorization" && found && strings.HasPrefix(kubelet, "kubelet") {
			if verdicts[key] == nil {
				verdicts[key] = map[string]int{}
			}
			verdicts[key][result.Verdict]++
		}
	}
	open, token := fmt.Sprintf("https://%s:%d/pods", node.Address, node.OpenPort), a.must(t, "", "create", "token", "default", "-n", shop)
	for key, does := range map[string]struct{ url, token string }{
		"authentication.anonymous.enabled": {open, ""},
		"authorization.mode":               {open, token},
		"readOnlyPort":                     {fmt.Sprintf("http://%s:%d/pods", node.Address, node.OpenReadOnlyPort), ""},
	} {
		if answer := a.answers(t, does.url, does.token); answer != "200" {
			t.Errorf("%s: the open kubelet answers %s", key, answer)
		}
		// The node's own kubelet passes, as before.
		if of := verdicts[key]; of["fail"] != 1 || of["pass"] != 1 || len(of) != 2 {
			t.Errorf("%s: podreeve says %v of the two kubelets", key, of)
		}
	}
}
