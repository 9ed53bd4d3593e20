package e2e

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"podreeve.dev/e2e/harness"
)

// podPidsLimit of the nodes is read through the API server, as from a kubelet.
func TestPidsLimitOfNodes(t *testing.T) {
	s := up(t)
	if !s.Owned {
		t.Skip("makes a node, which is for a cluster of our own")
	}
	name := node(t, s, 1024, map[string]string{"pool": "small"})
	node(t, s, 4096, map[string]string{"pool": "large"})
	hook := s.NewHook()
	policy := "{match: {namespaceSelector: {matchLabels: {team: %s}}}, rules: {pids-limit: {action: deny, params: {max: %d}}}}"
	server, err := s.StartInCluster(t.Context(), map[string]string{
		"probe": harness.ProbeOnly, "loose": fmt.Sprintf(policy, "loose", 4096), "strict": fmt.Sprintf(policy, "strict", 512),
		"choosy": fmt.Sprintf(policy, "choosy", 1024),
	})
	must(t, err)
	t.Cleanup(server.Stop)
	must(t, s.Register(t.Context(), hook, server.URL(), server.CA))
	on := func(value any, path ...string) func(*harness.Object) {
		return func(pod *harness.Object) {
			must(t, unstructured.SetNestedField(pod.Object, value, append([]string{"spec"}, path...)...))
		}
	}
	anywhere := func(*harness.Object) {}
	for _, test := range []struct {
		team   string
		choose func(*harness.Object)
		denied bool
	}{
		{"loose", anywhere, false},
		{"strict", anywhere, true},
		// Only the nodes count that the pod can run on.
		{"choosy", anywhere, true},
		{"choosy", on("small", "nodeSelector", "pool"), false},
		{"choosy", on("large", "nodeSelector", "pool"), true},
		{"choosy", on(name, "nodeName"), false},
	} {
		ns, err := s.NamespaceWith(t.Context(), test.team, hook, map[string]string{"team": test.team})
		must(t, err)
		must(t, harness.Await(t.Context(), fmt.Sprintf("in %s a pod is denied: %v", test.team, test.denied), func(ctx context.Context) (bool, error) {
			pod := s.GoodPod(ns, "pod")
			test.choose(pod)
			answer := s.Create(ctx, pod, true)
			return answer.Is(test.denied), answer.Err
		}))
	}
	text, err := server.Metrics(t.Context())
	must(t, err)
	if !strings.Contains(text, "\npodreeve_pids_limit_known 1\n") {
		t.Error("each node has said what it has, and the metric does not say so")
	}
	// This one has no right to read nodes, so the value is unknown, and the rule finds nothing: no pod shows it.
	text, err = s.server.Metrics(t.Context())
	must(t, err)
	if !strings.Contains(text, "\npodreeve_pids_limit_known 0\n") {
		t.Error("no node was read, and the metric says that all is known")
	}
}

// podPidsLimit is read from the kubelet itself, by an account that has nodes/configz and no other right.
func TestPidsLimitWithConfigzAlone(t *testing.T) {
	s := up(t)
	if !s.Owned {
		t.Skip("makes a node, which is for a cluster of our own")
	}
	client, err := s.Clientset()
	must(t, err)
	home, hook, account := namespace(t, s, "home", nil), s.NewHook(), s.Name("kubelets")
	callers := make(chan string, 100)
	name := nodeOf(t, s, 1024, nil, func(kubelet *harness.Kubelet) {
		kubelet.Delegate(client, func(user string) { callers <- user })
	})
	must(t, s.Apply(t.Context(), fmt.Sprintf("{apiVersion: v1, kind: ServiceAccount, metadata: {name: %s, namespace: %s}}", account, home)))
	policy := "{match: {namespaceSelector: {matchLabels: {team: %[1]s}}}, rules: {pids-limit: {action: deny, params: {max: %[2]d}}}}"
	policies := map[string]string{"probe": harness.ProbeOnly, "loose": fmt.Sprintf(policy, "loose-configz", 1024), "strict": fmt.Sprintf(policy, "strict-configz", 1023)}
	args := []string{"--namespace", home, "--kubelet-service-account", account}

	// Without the right the kubelet refuses, and the log says what is missing.
	server, err := s.StartInCluster(t.Context(), policies, args...)
	must(t, err)
	t.Cleanup(func() { server.Stop() })
	must(t, server.AwaitLog(t.Context(), "podPidsLimit of some nodes cannot be read"))
	for _, want := range []string{"/configz answers 403", "nodes/configz"} {
		if !strings.Contains(server.Log(), want) {
			t.Errorf("no %q in the log:\n%s", want, server.LogTail(15))
		}
	}
	server.Stop()

	must(t, s.Apply(t.Context(), fmt.Sprintf(`{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: %[1]s}, rules: [{apiGroups: [""], resources: [nodes/configz], verbs: [get]}]}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: %[1]s}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: %[1]s},
  subjects: [{kind: ServiceAccount, name: %[1]s, namespace: %[2]s}]}
`, account, home)))
	t.Cleanup(func() {
		must(t, s.Remove(context.Background(), "clusterrole/"+account, "clusterrolebinding/"+account))
	})
	server, err = s.StartInCluster(t.Context(), policies, args...)
	must(t, err)
	must(t, s.Register(t.Context(), hook, server.URL(), server.CA))
	for team, denied := range map[string]bool{"loose-configz": false, "strict-configz": true} {
		ns, err := s.NamespaceWith(t.Context(), team, hook, map[string]string{"team": team})
		must(t, err)
		must(t, harness.Await(t.Context(), fmt.Sprintf("in %s a pod is denied: %v", team, denied), func(ctx context.Context) (bool, error) {
			pod := s.GoodPod(ns, "pod")
			must(t, unstructured.SetNestedField(pod.Object, name, "spec", "nodeName"))
			answer := s.Create(ctx, pod, true)
			return answer.Is(denied), answer.Err
		}))
	}
	server.Stop()
	close(callers)
	for user := range callers {
		if want := "system:serviceaccount:" + home + ":" + account; user != want {
			t.Errorf("the kubelet saw the token of %s, wanted %s", user, want)
		}
	}
}

// node makes a node whose kubelet says this, and gives its name.
func node(t *testing.T, s *suite, limit int, labels map[string]string) string {
	t.Helper()
	return nodeOf(t, s, limit, labels, func(*harness.Kubelet) {})
}

func nodeOf(t *testing.T, s *suite, limit int, labels map[string]string, prepare func(*harness.Kubelet)) string {
	t.Helper()
	kubelet, err := s.StartKubelet(limit)
	if errors.Is(err, harness.ErrOnlyLoopback) {
		t.Skip(err)
	}
	must(t, err)
	t.Cleanup(kubelet.Close)
	prepare(kubelet)
	name := s.Name("podreeve-e2e-node")
	must(t, s.CreateNode(t.Context(), kubelet, name, labels))
	t.Cleanup(func() {
		client, err := s.Clientset()
		must(t, err)
		must(t, client.CoreV1().Nodes().Delete(context.Background(), name, metav1.DeleteOptions{}))
	})
	return name
}
