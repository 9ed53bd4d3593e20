package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"podreeve.dev/e2e/harness"
)

// What agents report of their nodes, and what Nodes say of their runtimes, decides about repairs and warnings of the pods that may run there. podreeve has
// no right to call a kubelet.
func TestNodeFactsFeedAdmission(t *testing.T) {
	s := up(t)
	if !s.Owned {
		t.Skip("makes nodes, which is for a cluster of our own")
	}
	must(t, s.InstallReports(t.Context(), harness.ClusterReports))
	t.Cleanup(func() {
		must(t, s.Remove(context.Background(), harness.ClusterReports.Resource(), "-l", "app.kubernetes.io/managed-by=podreeve-node"))
	})
	const report = `{apiVersion: openreports.io/v1alpha1, kind: ClusterReport, metadata: {name: podreeve-node.%[1]s, labels: {app.kubernetes.io/managed-by: podreeve-node},
  annotations: {podreeve.dev/node-facts: '%[2]s', podreeve.dev/checked: '%[3]d'}}, scope: {apiVersion: v1, kind: Node, name: %[1]s}}`
	now := time.Now().Unix()
	names := map[string]string{}
	for pool, node := range map[string]struct{ facts, handlers string }{
		"new": {`{"podPidsLimit":1024,"userNamespaces":true,"appArmor":true,"seLinux":false}`, ""},
		"old": {`{"podPidsLimit":4096,"userNamespaces":false,"appArmor":false,"seLinux":false}`, ""},
		// Without an agent the status of the Node says what its runtime can, and nothing is known of the rest.
		"silent":     {"", `[{"name":"","features":{"userNamespaces":true}},{"name":"other","features":{"userNamespaces":false}}]`},
		"containerd": {"", "null"}, // 1.7
		// Its agent ended long ago, so nothing is known of it.
		"ended": {`{"podPidsLimit":4096,"userNamespaces":false,"appArmor":false,"seLinux":false}`, ""},
	} {
		name := s.Name("podreeve-e2e-facts-" + pool)
		names[pool] = name
		must(t, s.Apply(t.Context(), fmt.Sprintf("{apiVersion: v1, kind: Node, metadata: {name: %s, labels: {facts: %s}}}", name, pool)))
		t.Cleanup(func() { must(t, s.Remove(context.Background(), "node/"+name)) })
		if node.facts != "" {
			checked := now
			if pool == "ended" {
				checked -= 5 * 24 * 3600
			}
			must(t, s.Apply(t.Context(), fmt.Sprintf(report, name, node.facts, checked)))
			continue
		}
		status := fmt.Sprintf(`{"status":{"nodeInfo":{"kubeletVersion":"v1.36.3"},"runtimeHandlers":%s}}`, node.handlers)
		kubectl(t, s, "", "patch", "node", name, "--subresource=status", "--type=merge", "-p", status)
	}
	// A report that claims to be that of another node counts for nothing.
	forged := fmt.Sprintf(report, names["old"], `{"podPidsLimit":1,"userNamespaces":true,"appArmor":true}`, now)
	must(t, s.Apply(t.Context(), strings.Replace(forged, "name: podreeve-node.", "name: podreeve-node.x-", 1)))

	hook := s.NewHook()
	server, err := s.StartInCluster(t.Context(), map[string]string{"probe": harness.ProbeOnly,
		"facts": `{match: {namespaceSelector: {matchLabels: {team: facts}}},
  rules: {host-users: {action: patch}, apparmor-profile: {action: deny}, selinux-options: {action: deny}, pids-limit: {action: deny, params: {max: 1024}}}}`,
	}, "--node-reports")
	must(t, err)
	t.Cleanup(server.Stop)
	must(t, s.Register(t.Context(), hook, server.URL(), server.CA))
	ns, err := s.NamespaceWith(t.Context(), "facts", hook, map[string]string{"team": "facts"})
	must(t, err)

	profile := func(kind string) map[string]any {
		return map[string]any{"appArmorProfile": map[string]any{"type": kind}}
	}
	for _, test := range []struct {
		pool    string
		context map[string]any
		denied  string // a part of the denial; empty: admitted
		repairs bool   // hostUsers becomes false
		warning string
	}{
		{"new", nil, "", true, ""},
		{"silent", nil, "", true, ""},
		{"containerd", nil, "", false, "host-users"},
		{"old", nil, "medium pids-limit", false, ""},
		{"ended", nil, "", true, ""},
		{"new", profile("RuntimeDefault"), "", true, ""},
		{"silent", profile("RuntimeDefault"), "", true, ""},
		{"new", profile("Unconfined"), "medium apparmor-profile", false, ""},
		{"old", profile("Unconfined"), "no node that the pod may run on has AppArmor", false, ""},
		{"new", map[string]any{"seLinuxOptions": map[string]any{"type": "spc_t"}}, "no node that the pod may run on enforces a policy of SELinux", false, ""},
	} {
		must(t, harness.Await(t.Context(), fmt.Sprintf("on %s, with %v: %q", test.pool, test.context, test.denied), func(ctx context.Context) (bool, error) {
			pod := s.GoodPod(ns, "pod")
			unstructured.RemoveNestedField(pod.Object, "spec", "hostUsers")
			must(t, unstructured.SetNestedField(pod.Object, test.pool, "spec", "nodeSelector", "facts"))
			for key, value := range test.context {
				must(t, unstructured.SetNestedField(pod.Object, value, "spec", "securityContext", key))
			}
			answer := s.Create(ctx, pod, true)
			if test.denied != "" {
				return answer.Denied() && strings.Contains(answer.Err.Error(), test.denied), answer.Err
			}
			if answer.Err != nil {
				return false, answer.Err
			}
			users, set, err := unstructured.NestedBool(answer.Object.Object, "spec", "hostUsers")
			warned := strings.Join(answer.Warnings, "\n")
			return (set && !users) == test.repairs && (warned != "") == (test.warning != "") && strings.Contains(warned, test.warning),
				fmt.Errorf("hostUsers %v %v %v, warnings %q", users, set, err, warned)
		}))
	}
	// No kubelet was called for a node whose agent has reported.
	if log := server.Log(); strings.Contains(log, names["new"]+": ") || strings.Contains(log, names["old"]+": ") {
		t.Errorf("a kubelet was called:\n%s", server.LogTail(20))
	}
}
