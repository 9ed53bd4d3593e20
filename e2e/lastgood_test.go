package e2e

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"podreeve.dev/e2e/harness"
)

// lastGood is a folder of policy files, the ConfigMap for those that loaded last, and an account with the rights that the chart gives.
type lastGood struct {
	*suite
	home, dir, file, kubeconfig, lease string
}

// A replica that starts with files that do not load serves those that the leader kept, and says so, until the files load again.
func TestTheLastGoodPolicyFilesAreServed(t *testing.T) {
	l := newLastGood(t)
	good, err := os.ReadFile(l.file)
	must(t, err)
	leader := l.launch(t)
	must(t, leader.AwaitReady(t.Context()))
	must(t, harness.Await(t.Context(), "the leader keeps the file", func(context.Context) (bool, error) {
		there := kubectl(t, l.suite, "", "get", "configmap", "-n", l.home, "kept", "-o", `jsonpath={.data.ours\.yaml}`).Stdout
		return there == string(good), fmt.Errorf("the ConfigMap has %q\n%s", there, leader.LogTail(15))
	}))
	l.metric(t, leader, 0)

	broken := strings.Replace(string(good), "privileged", "privilegd", 1)
	must(t, l.WriteFile(l.file, broken))
	must(t, leader.AwaitReport(t.Context(), "newer ones do not load: "+l.file)) // it has its own in memory
	l.metric(t, leader, 0)
	restarted := l.launch(t, "--rolled-out-policies", strings.Repeat("0", 64))
	must(t, restarted.AwaitReady(t.Context()))
	must(t, restarted.AwaitReport(t.Context(), "[+]policies: ours (generation"))
	must(t, restarted.AwaitReport(t.Context(), "; these are the last good ones, which the leader kept on 20"))
	must(t, restarted.AwaitReport(t.Context(), "there is no rule `privilegd`; did you mean `privileged`?"))
	must(t, restarted.AwaitLog(t.Context(), "the last good ones, which the leader kept in the cluster, are in force"))
	l.metric(t, restarted, 1)
	must(t, l.Register(t.Context(), l.NewHook(), restarted.URL(), restarted.CA)) // it denies and repairs as the kept file says

	// The new replicas of an upgrade that brought these files do not start, so that it stops.
	hash := fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "%x  ours.yaml\n", sha256.Sum256([]byte(broken)))))
	l.doesNotStart(t, "was rolled out with them", "--rolled-out-policies", hash)

	must(t, l.WriteFile(l.file, string(good)))
	l.metric(t, restarted, 0)
	must(t, restarted.AwaitReport(t.Context(), "[+]policies: ours (generation 2)\n"))
}

// Files that nobody kept, and those that another client wrote, are not served.
func TestOnlyWhatTheLeaderKeptIsServed(t *testing.T) {
	l := newLastGood(t)
	must(t, l.WriteFile(l.file, "spec: {rules: {}}"))
	l.doesNotStart(t, "the leader has kept none yet")
	planted := fmt.Sprintf("{apiVersion: v1, kind: ConfigMap, metadata: {name: kept, namespace: %s, annotations: {podreeve.dev/policy-files: %s}}, data: {ours.yaml: %q}}",
		l.home, strings.Repeat("a", 64), harness.PolicyYAML("open", "{rules: {privileged: {action: audit}}}"))
	must(t, l.Apply(t.Context(), planted))
	l.doesNotStart(t, "was changed by another client than the leader")
	must(t, l.Remove(t.Context(), "configmap", "-n", l.home, "kept"))
	l.doesNotStart(t, "ConfigMap kept cannot be read")
}

func newLastGood(t *testing.T) *lastGood {
	s := up(t)
	if !s.Owned {
		t.Skip("installs CRDs, which is for a cluster of our own")
	}
	must(t, s.InstallCRDs(t.Context()))
	l := &lastGood{suite: s, home: namespace(t, s, "lastgood", nil), lease: s.Name("lastgood")}
	for _, yaml := range []string{
		"{apiVersion: v1, kind: ConfigMap, metadata: {name: kept, namespace: %[1]s}}",
		"{apiVersion: v1, kind: ServiceAccount, metadata: {name: podreeve, namespace: %[1]s}}",
		`{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: podreeve, namespace: %[1]s}, rules: [
			{apiGroups: [""], resources: [configmaps], resourceNames: [kept], verbs: [get, patch]},
			{apiGroups: [coordination.k8s.io], resources: [leases], verbs: [get, create, update]}]}`,
		`{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: podreeve, namespace: %[1]s},
			roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: podreeve}, subjects: [{kind: ServiceAccount, name: podreeve, namespace: %[1]s}]}`,
	} {
		must(t, s.Apply(t.Context(), fmt.Sprintf(yaml, l.home)))
	}
	var err error
	l.kubeconfig, err = s.KubeconfigAs(t.Context(), l.home, "podreeve")
	must(t, err)
	must(t, harness.Await(t.Context(), "the role counts", func(ctx context.Context) (bool, error) {
		said, err := s.Kubectl(ctx, "", "--as=system:serviceaccount:"+l.home+":podreeve", "auth", "can-i", "patch", "configmap/kept", "-n", l.home)
		return said.Code == 0, err
	}))
	l.dir, err = s.WritePolicies(harness.NewPolicy("ours", nil, harness.ProbeRules))
	must(t, err)
	l.file = filepath.Join(l.dir, "ours.yaml")
	return l
}

func (l *lastGood) launch(t *testing.T, args ...string) *harness.Podreeve {
	t.Helper()
	server, err := l.Launch(append([]string{"--cluster", "--kubeconfig", l.kubeconfig, "--namespace", l.home, "--policy", l.dir, "--poll", "500ms",
		"--leader-election-lease", l.lease, "--scan-interval", "0", "--last-good-policies", "kept"}, args...)...)
	must(t, err)
	t.Cleanup(server.Stop)
	return server
}

func (l *lastGood) doesNotStart(t *testing.T, why string, args ...string) {
	t.Helper()
	server := l.launch(t, args...)
	must(t, harness.Await(t.Context(), "podreeve ends", func(context.Context) (bool, error) {
		return server.Exited() != nil, fmt.Errorf("it serves:\n%s", server.LogTail(15))
	}))
	if code := server.ExitCode(); code != 2 || !strings.Contains(server.Log(), why) || !strings.Contains(server.Log(), l.file) {
		t.Errorf("want exit code 2, and %q and the file in the log, got %d:\n%s", why, code, server.Log())
	}
}

func (l *lastGood) metric(t *testing.T, server *harness.Podreeve, value int) {
	t.Helper()
	line := fmt.Sprintf("\npodreeve_policies_stale %d\n", value)
	must(t, harness.Await(t.Context(), "the metric"+line, func(ctx context.Context) (bool, error) {
		text, err := server.Metrics(ctx)
		return strings.Contains(text, line), err
	}))
}
