package release

import (
	"fmt"
	"strings"
	"testing"

	"podreeve.dev/e2e/harness"
)

// old is a workload that is older than podreeve.
const old = `apiVersion: apps/v1
kind: Deployment
metadata: {name: old}
spec:
  selector: {matchLabels: {app: old}}
  template:
    metadata: {labels: {app: old}}
    spec: {containers: [{name: app, image: IMAGE, args: [serve, --self-signed, /certs], securityContext: {privileged: true}}]}
`

// workBefore deploys it, and installs the definition of reports where it is missing: podreeve never does.
func (r *release) workBefore(t *testing.T) {
	t.Helper()
	r.must(t, strings.ReplaceAll(old, "IMAGE", r.image), "apply", "-n", before, "-f", "-")
	if r.must(t, "", "get", "crd", harness.OpenReports.Resource(), "--ignore-not-found", "-o", "name") == "" {
		r.must(t, harness.OpenReports.Definition(), "apply", "-f", "-")
		r.reports = true
	}
}

// scan: what was there before shows on its Deployment, in a report and as an Event, with the rights that the chart gives.
func (r *release) scan(t *testing.T) {
	r.await(t, "a report of the old Deployment", func() (bool, error) {
		said := r.kubectl(t, "", "get", harness.OpenReports.Resource(), "podreeve", "-n", before, "-o",
			`jsonpath={range .results[*]}{.resources[0].kind}/{.resources[0].name} {.result}: {.message}{"\n"}{end}`)
		return strings.Contains(said.out, "Deployment/old fail: ") && strings.Contains(said.out, "privileged"), fmt.Errorf("%s", said)
	})
	r.await(t, "an Event on the old Deployment", func() (bool, error) {
		said := r.must(t, "", "get", "events", "-n", before, "--field-selector", "reason=PolicyViolation", "-o",
			"jsonpath={range .items[*]}{.involvedObject.kind}/{.involvedObject.name} {.message}{end}")
		return strings.Contains(said, "Deployment/old ") && strings.Contains(said, "privileged (critical)"), fmt.Errorf("the Events are %q", said)
	})
}

// awaitScanned: the leader has scanned, so nothing is written any more before the next hour.
func (r *release) awaitScanned(t *testing.T) {
	t.Helper()
	r.await(t, "the leader's first scan to be done", func() (bool, error) {
		return r.metricOf(t, r.awaitLeader(t, ""), "podreeve_scan_last_completed_timestamp_seconds", "") > 0, nil
	})
}

// pidsLimit: what the node's kubelet says of itself is read through the chart's rights, and pods are judged by it.
func (r *release) pidsLimit(t *testing.T) {
	if r.node == nil {
		t.Skip("e2e: skipped: another cluster's kubelets have limits of their own")
	}
	pod := r.careful(t)
	for _, test := range []struct {
		max    int // the kubelet has 512
		denied bool
	}{{512, false}, {511, true}} {
		r.must(t, harness.PolicyYAML("pids", fmt.Sprintf("{match: {namespaces: [%s]}, rules: {pids-limit: {action: deny, params: {max: %d}}}}", before, test.max)), "apply", "-f", "-")
		r.must(t, "", "wait", "policies.podreeve.dev/pids", "--for=condition=Ready", "--timeout=30s")
		r.await(t, fmt.Sprintf("with at most %d a pod is denied: %v", test.max, test.denied), func() (bool, error) {
			err := r.dryRun(t, before, pod)
			denied := err != nil && strings.Contains(err.Error(), "medium pids-limit")
			return denied == test.denied && (denied || err == nil), err
		})
	}
	r.must(t, "", "delete", "policies.podreeve.dev", "pids")
}
