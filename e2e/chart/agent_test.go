package chart

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"podreeve.dev/e2e/harness"
)

// What an agent and a replica need of the chart.
var ofAgents = []string{"ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}

// TestAgentReportsItsNode: an agent with the rights of the chart audits this machine, through a mount that is read-only, and writes the report
// of its node. A replica counts the results, and sends an Event to the Node. The agent writes no report of another node.
func TestAgentReportsItsNode(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("e2e: skipped: mounting the host takes root")
	}
	g := newGitOps(t)
	if err := g.InstallReports(t.Context(), harness.ClusterReports); err != nil {
		t.Fatal(err)
	}
	g.objects = render(t, "nodes")
	g.objects = slices.DeleteFunc(g.objects, func(object harness.Object) bool { return !slices.Contains(ofAgents, object.GetKind()) })
	g.applied(t, "helm")
	for _, object := range []string{
		`{apiVersion: v1, kind: Node, metadata: {name: n-1, labels: {kubernetes.io/os: linux}}}`,
		`{apiVersion: v1, kind: Pod, metadata: {name: agent, namespace: podreeve}, spec: {nodeName: n-1, serviceAccountName: podreeve-nodes, containers: [{name: a, image: a}]}}`,
	} {
		if err := g.Apply(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
	inPod, err := g.KubeconfigInPod(t.Context(), "podreeve", "podreeve-nodes", "agent")
	if err != nil {
		t.Fatal(err)
	}
	g.ownReportAlone(t, inPod)

	ofReplica, err := g.KubeconfigAs(t.Context(), "podreeve", "podreeve")
	if err != nil {
		t.Fatal(err)
	}
	server, err := g.Launch("--cluster", "--kubeconfig", ofReplica, "--namespace", "podreeve", "--leader-election-lease", "podreeve", "--scan-interval", "0", "--node-reports")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	log := runAgent(t, inPod)
	var report struct {
		Metadata struct{ Annotations map[string]string }
		Summary  map[string]int
		Results  []struct{ Rule, Result string }
	}
	await(t, "the agent writes its report", func(context.Context) (bool, error) {
		said, err := g.Kubectl(t.Context(), "", "get", "clusterreports.openreports.io", "podreeve-node.n-1", "-o", "json")
		if err != nil || said.Code != 0 {
			return false, fmt.Errorf("%v %s\n%s", err, said, log())
		}
		return json.Unmarshal([]byte(said.Stdout), &report) == nil && len(report.Results) > 0, fmt.Errorf("%s", said)
	})
	if _, err := exec.LookPath("setcap"); err == nil && strings.Contains(log(), "DAC_READ_SEARCH is missing") {
		t.Errorf("the agent did not raise the capability of its file:\n%s", log())
	}
	if report.Metadata.Annotations["podreeve.dev/node-facts"] == "" || report.Summary["pass"]+report.Summary["fail"]+report.Summary["warn"] == 0 {
		t.Errorf("the report has no facts or no results: %+v", report)
	}
	await(t, "a replica counts the results", func(ctx context.Context) (bool, error) {
		metrics, err := server.Metrics(ctx)
		if err != nil {
			return false, err
		}
		counted := strings.Contains(metrics, "podreeve_node_reports 1\n") && !strings.Contains(metrics, "podreeve_node_oldest_audit_timestamp_seconds 0\n")
		return counted, fmt.Errorf("not counted\n%s", server.LogTail(10))
	})
	g.twoAgentsAndAStaleToken(t, inPod, log)
	if report.Summary["fail"]+report.Summary["warn"] > 0 {
		await(t, "the Node gets an Event", func(context.Context) (bool, error) {
			said, err := g.Kubectl(t.Context(), "", "get", "events", "-n", "default", "--field-selector", "involvedObject.kind=Node,involvedObject.name=n-1,reason=NodeViolation", "-o", "name")
			return err == nil && strings.Contains(said.Stdout, "event/n-1.node-"), fmt.Errorf("%v %s\n%s", err, said, server.LogTail(10))
		})
	}
}

// twoAgentsAndAStaleToken: two agents of one node write its report in turn. With the token of a pod that has gone, nothing is written, and the log says so.
func (g *gitops) twoAgentsAndAStaleToken(t *testing.T, inPod string, first func() string) {
	t.Helper()
	second := runAgent(t, inPod)
	audits := func(log func() string) int { return strings.Count(log(), "the node is audited") }
	begun := audits(first)
	await(t, "both agents audit on", func(context.Context) (bool, error) {
		return audits(first) >= begun+3 && audits(second) >= 3, fmt.Errorf("%d, %d\n%s", audits(first), audits(second), second())
	})
	for _, log := range []string{first(), second()} {
		if strings.Contains(log, "is not written") {
			t.Errorf("one of two agents could not write:\n%s", log)
		}
	}
	if said, err := g.Kubectl(t.Context(), "", "delete", "pod", "agent", "-n", "podreeve", "--grace-period=0", "--force"); err != nil || said.Code != 0 {
		t.Fatalf("%v %s", err, said)
	}
	await(t, "the agent of a pod that has gone says that it writes nothing", func(context.Context) (bool, error) {
		log := second()
		return strings.Contains(log, "is not written; it is tried again") && strings.Contains(log, "Unauthorized"), fmt.Errorf("%s", log)
	})
}

// ownReportAlone: by the token of a pod on n-1, the API server takes the report of n-1, about n-1, and no other one; and it lets no agent remove one.
func (g *gitops) ownReportAlone(t *testing.T, kubeconfig string) {
	t.Helper()
	report := func(name, scope, resource, more string) string {
		return fmt.Sprintf(`{apiVersion: openreports.io/v1alpha1, kind: ClusterReport, metadata: {name: %s, labels: {app.kubernetes.io/managed-by: podreeve-node}%s},
 scope: {apiVersion: v1, kind: Node, name: %s}, results: [{policy: a, result: pass, resources: [{apiVersion: v1, kind: Node, name: %s}]}]}`, name, more, scope, resource)
	}
	outside, err := g.KubeconfigAs(t.Context(), "podreeve", "podreeve-nodes")
	if err != nil {
		t.Fatal(err)
	}
	run := func(kubeconfig, object string, args ...string) harness.Said {
		said, err := g.Kubectl(t.Context(), object, append([]string{"--kubeconfig", kubeconfig}, args...)...)
		if err != nil {
			t.Fatal(err)
		}
		return said
	}
	create := func(kubeconfig, object string) harness.Said {
		return run(kubeconfig, object, "create", "--dry-run=server", "-f", "-")
	}
	own := report("podreeve-node.n-1", "n-1", "n-1", "")
	await(t, "the API server knows the policy", func(context.Context) (bool, error) {
		said := create(kubeconfig, report("podreeve-node.n-2", "n-2", "n-2", ""))
		return said.Code != 0 && strings.Contains(said.Stderr, "the report of its own node alone"), fmt.Errorf("%s", said)
	})
	if said := create(kubeconfig, own); said.Code != 0 {
		t.Errorf("the report of its own node is refused: %s", said)
	}
	const owner = `, ownerReferences: [{apiVersion: v1, kind: %s, name: %s, uid: u}]`
	many := strings.Replace(own, "results: [", "results: ["+strings.Repeat("{policy: a}, ", 1000), 1)
	large := strings.Replace(own, "policy: a", "policy: "+strings.Repeat("a", 3<<20), 1)
	for what, refused := range map[string]struct{ kubeconfig, object, says string }{
		"another scope":           {kubeconfig, report("podreeve-node.n-1", "n-2", "n-1", ""), "the scope of the report is the node n-1 alone"},
		"results of another node": {kubeconfig, report("podreeve-node.n-1", "n-1", "n-2", ""), "the results are about the node n-1 alone"},
		"a token without a node":  {outside, own, "the token names no node"},
		"another owner":           {kubeconfig, report("podreeve-node.n-1", "n-1", "n-1", fmt.Sprintf(owner, "Node", "n-2")), "the report belongs to the node n-1 alone"},
		"no node as its owner":    {kubeconfig, report("podreeve-node.n-1", "n-1", "n-1", fmt.Sprintf(owner, "ConfigMap", "n-1")), "the report belongs to the node n-1 alone"},
		"a finalizer":             {kubeconfig, report("podreeve-node.n-1", "n-1", "n-1", ", finalizers: [a.example/held]"), "the report has no finalizers"},
		"another label":           {kubeconfig, strings.Replace(own, "podreeve-node}", "other}", 1), "the report has the label"},
		"too many results":        {kubeconfig, many, "a report has 1000 results at most"},
		"3 MB":                    {kubeconfig, large, "too large"},
	} {
		if said := create(refused.kubeconfig, refused.object); said.Code == 0 || !strings.Contains(said.Stderr, refused.says) {
			t.Errorf("%s: %.2000s", what, said)
		}
	}

	// What is there already.
	for _, name := range []string{"podreeve-node.n-1", "podreeve-node.n-2", "podreeve-other"} {
		if err := g.Apply(t.Context(), report(name, strings.TrimPrefix(name, "podreeve-node."), "n-2", "")); err != nil {
			t.Fatal(err)
		}
	}
	const reports = "clusterreports.openreports.io/"
	for _, args := range [][]string{
		{"delete", reports + "podreeve-node.n-1"},
		{"delete", "clusterreports.openreports.io", "--all"},
		{"patch", reports + "podreeve-node.n-2", "--type=merge", "-p", `{"results":[]}`},
		{"patch", reports + "podreeve-other", "--type=merge", "-p", `{"results":[]}`},
		{"annotate", reports + "podreeve-node.n-2", "podreeve.dev/node-facts={}"},
		{"label", reports + "podreeve-node.n-1", "app.kubernetes.io/managed-by-"},
		{"patch", reports + "podreeve-node.n-1", "--type=merge", "-p", `{"scope":{"name":"n-2"}}`},
		{"patch", "node/n-1", "--type=merge", "-p", `{"metadata":{"labels":{"a":"b"}}}`},
		{"get", "secrets", "-A"},
		{"get", "clusterreports.openreports.io"}, // it may get its own by name, and list none
	} {
		if said := run(kubeconfig, "", args...); said.Code == 0 {
			t.Errorf("an agent may do this: %s", said)
		}
	}
	if said := run(kubeconfig, "", "patch", reports+"podreeve-node.n-1", "--type=merge", "-p", `{"results":[{"policy":"a"}]}`); said.Code != 0 {
		t.Errorf("an agent may not change its own report: %s", said)
	}
	for _, name := range []string{"podreeve-node.n-1", "podreeve-node.n-2", "podreeve-other"} {
		if err := g.Remove(t.Context(), "clusterreports.openreports.io", name); err != nil {
			t.Fatal(err)
		}
	}
}

// runAgent runs the agent as its container runs: as user 65532, without new privileges, with this machine's / below /host, read-only.
func runAgent(t *testing.T, kubeconfig string) (log func() string) {
	t.Helper()
	dir := t.TempDir()
	for _, up := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(up, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	host, config, out := filepath.Join(dir, "host"), filepath.Join(dir, "config"), filepath.Join(dir, "log")
	text, err := os.ReadFile(kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	write(t, config, string(text))
	if err := os.Chown(config, 65532, 65532); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(host, 0o755); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "podreeve")
	binary, err := os.ReadFile(os.Getenv("PODREEVE_BIN"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, binary, 0o755); err != nil {
		t.Fatal(err)
	}
	// As image/build does. A container runtime gives its first process the capability that the pod adds, and setpriv does it here.
	capabilities := "-all"
	if setcap, err := exec.LookPath("setcap"); err == nil {
		if said, err := exec.Command(setcap, "cap_dac_read_search=p", program).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, said)
		}
		capabilities = "-all,+dac_read_search"
	}
	file, err := os.Create(out)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	const run = `mount --rbind / "$0" && mount -o remount,bind,ro "$0" && exec setpriv --reuid 65532 --regid 65532 --clear-groups --no-new-privs --bounding-set "$1" --inh-caps "$1" --ambient-caps "$1" "${@:2}"`
	command := exec.Command("unshare", "--mount", "--propagation", "private", "bash", "-ec", run, host, capabilities, program, "node-agent", "--root", host,
		"--node-name", "n-1", "--interval", "2s", "--policy", "owasp", "--kubeconfig", config)
	command.Stdout, command.Stderr = file, file
	if err := command.Start(); err != nil {
		t.Skipf("e2e: skipped: %v", err)
	}
	t.Cleanup(func() {
		_ = command.Process.Signal(os.Interrupt)
		done := make(chan error, 1)
		go func() { done <- command.Wait() }()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			_ = command.Process.Kill()
			t.Error("the agent did not end after a signal")
		}
	})
	return func() string {
		said, _ := os.ReadFile(out)
		return string(said)
	}
}
