package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"podreeve.dev/e2e/harness"
)

// TestOwaspCommand: `podreeve owasp --cluster` counts what exists, and what agents reported, and writes a page with all 93 items.
func TestOwaspCommand(t *testing.T) {
	s := up(t)
	shop := namespace(t, s, "shop", nil)
	if err := s.InstallReports(t.Context(), harness.ClusterReports); err != nil {
		t.Fatal(err)
	}
	for _, object := range []string{
		fmt.Sprintf(`{apiVersion: v1, kind: Pod, metadata: {name: bad, namespace: %s}, spec: {containers: [{name: a, image: a, securityContext: {privileged: true}}]}}`, shop),
		`{apiVersion: openreports.io/v1alpha1, kind: ClusterReport, metadata: {name: podreeve-node.n-1, labels: {app.kubernetes.io/managed-by: podreeve-node}}, scope: {kind: Node, name: n-1},
 results: [{policy: owasp, rule: node-tls, result: fail, properties: {verdict: fail, subject: dockerd, found: tcp, wanted: TLS, owasp: "33"}}]}`,
	} {
		if err := s.Apply(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
	page := filepath.Join(t.TempDir(), "owasp.html")
	said, err := s.PodreeveCommand(t.Context(), "", "owasp", "--cluster", "--kubeconfig", s.Kubeconfig, "--policy", "owasp", "-o", "json", "-o", "html="+page)
	if err != nil {
		t.Fatal(err)
	}
	var report struct {
		Judged map[string]int
		Items  []struct {
			Item     int
			Verdict  string
			Findings []struct{ Subject, Rule, Verdict string }
		}
	}
	if err := json.Unmarshal([]byte(said.Stdout), &report); err != nil || said.Code != 1 || len(report.Items) != 93 {
		t.Fatalf("%v: %s", err, said)
	}
	if report.Judged["nodes"] != 1 || report.Judged["workloads"] == 0 {
		t.Errorf("judged: %v", report.Judged)
	}
	for item, want := range map[int]struct{ subject, rule string }{59: {"Pod " + shop + "/bad", "privileged"}, 33: {"node n-1", "node-tls"}} {
		found := report.Items[item-1]
		has := slices.ContainsFunc(found.Findings, func(finding struct{ Subject, Rule, Verdict string }) bool {
			return finding.Subject == want.subject && finding.Rule == want.rule && finding.Verdict == "fail"
		})
		if found.Verdict != "fail" || !has {
			t.Errorf("item %d: %+v", item, found)
		}
	}
	html, err := os.ReadFile(page)
	if err != nil || strings.Count(string(html), `<section class="item"`) != 93 || !strings.Contains(string(html), shop+"/bad") {
		t.Errorf("the page has not all items: %v", err)
	}
}
