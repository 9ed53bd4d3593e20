package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"podreeve.dev/e2e/harness"
)

const planted = "Zq7RvX2mKw9TbL4cNd8HsJ5gYp3F"

// plant makes a pod with secrets in its environment, in a namespace of its own without a webhook.
func (s *suite) plant(t *testing.T) (string, *harness.Object) {
	t.Helper()
	ns := namespace(t, s, "planted", nil)
	pod := s.GoodPod(ns, "planted", harness.Container(func(container map[string]any) {
		container["env"] = []any{
			map[string]any{"name": "DB_PASSWORD", "value": planted},
			map[string]any{"name": "DATABASE", "value": "postgres://app:" + planted + "@db:5432/app"},
			map[string]any{"name": "DOCKER_HOST", "value": "tcp://10.0.0.1:2375/" + planted},
		}
	}))
	return ns, created(t, s, pod).Object
}

// wantNoSecret looks for it in everything that a scan says of the namespace: there is the rule, and no part of the secret.
func wantNoSecret(t *testing.T, s *suite, server *harness.Podreeve, api harness.ReportAPI, ns string) {
	t.Helper()
	must(t, harness.Await(t.Context(), "a report of the secret", func(ctx context.Context) (bool, error) {
		_, err := s.report(ctx, api, ns)
		return err == nil, err
	}))
	scans(t, server, 1)
	metrics, err := server.Metrics(t.Context())
	must(t, err)
	said := map[string]string{
		"the report": kubectl(t, s, "", "get", api.Resource(), "-n", ns, "-o", "json").Stdout,
		"the events": kubectl(t, s, "", "get", "events", "-n", ns, "-o", "json").Stdout,
		"metrics":    metrics,
	}
	for _, output := range []string{"text", "json"} {
		scan, err := s.PodreeveCommand(t.Context(), "", "scan", "--kubeconfig", s.Kubeconfig, "-n", ns, "-o", output)
		must(t, err)
		said["scan -o "+output] = fmt.Sprint(scan)
	}
	for where, text := range said {
		if !strings.Contains(text, "env-secrets") {
			t.Errorf("%s does not report it:\n%s", where, text)
		}
	}
	said["the log"] = server.Log()
	for where, text := range said {
		// However it was cut.
		for at := range len(planted) - 5 {
			if strings.Contains(text, planted[at:at+6]) {
				t.Fatalf("a part of the secret is in %s:\n%s", where, text)
			}
		}
	}
}
