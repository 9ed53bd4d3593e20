package release

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"podreeve.dev/e2e/chart"
)

var idAtEnd = regexp.MustCompile(`\(id ([0-9a-f]{8})\)`)

// commands: whoever may exec into podreeve's pods has the whole program there, with the rights of its service account. Its own rules judge that,
// and let it in without a warning.
func (r *release) commands(t *testing.T) {
	manifest, err := os.ReadFile(filepath.Join(chart.Root(), "examples", "privileged-deployment.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	denied := r.kubectl(t, string(manifest), "create", "-n", shop, "-f", "-")
	id := idAtEnd.FindStringSubmatch(denied.err)
	if denied.code == 0 || id == nil {
		t.Fatalf("wanted a denial with an id: %s", denied)
	}
	// A line takes a moment from a replica to its log.
	var logs string
	r.await(t, "the denial in the logs", func() (bool, error) {
		logs = r.must(t, "", "logs", "-n", namespace, "-l", ours+",app.kubernetes.io/component=webhook", "--tail=-1", "--prefix")
		return strings.Contains(logs, `"uid":"`+id[1]), nil
	})
	judged := r.metric(t, `operation="CONNECT"`)
	for _, test := range []struct {
		stdin string
		args  []string
		code  int
		want  string
	}{
		{"", []string{"explain", "privileged"}, 0, "privileged: "},
		{string(manifest), []string{"check", "-"}, 1, "privileged critical denied: Deployment default/web, container \"web\""},
		{"", []string{"scan", "--summary", "-n", namespace}, 0, "Nothing would be denied."},
		// What runs since before podreeve.
		{"", []string{"scan", "--summary"}, 1, "podreeve explain "},
		{"", []string{"scan", "-n", before}, 1, "Deployment " + before + "/old: would be denied"},
		{logs, []string{"why", id[1]}, 0, "Deployment " + shop + "/web was denied"},
		{logs, []string{"why", shop + "/web"}, 0, "Deployment " + shop + "/web was denied"},
	} {
		said := r.kubectl(t, test.stdin, append([]string{"exec", "-i", "-n", namespace, "deploy/podreeve", "--", "/podreeve"}, test.args...)...)
		if said.code != test.code || !strings.Contains(said.out, test.want) {
			t.Errorf("wanted exit code %d and %q: %s", test.code, test.want, said)
		}
		if strings.Contains(said.err, "Warning:") || strings.Contains(said.err, "could not be read") {
			t.Errorf("podreeve's own rules warn of it, or its rights do not suffice: %s", said)
		}
	}
	if now := r.metric(t, `operation="CONNECT"`); now <= judged {
		t.Errorf("podreeve answered %d CONNECT requests before and %d after it", judged, now)
	}
}
