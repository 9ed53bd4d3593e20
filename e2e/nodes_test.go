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

// node makes a node whose kubelet says this, and gives its name.
func node(t *testing.T, s *suite, limit int, labels map[string]string) string {
	t.Helper()
	kubelet, err := s.StartKubelet(limit)
	if errors.Is(err, harness.ErrOnlyLoopback) {
		t.Skip(err)
	}
	must(t, err)
	t.Cleanup(kubelet.Close)
	name := s.Name("podreeve-e2e-node")
	must(t, s.CreateNode(t.Context(), kubelet, name, labels))
	t.Cleanup(func() {
		client, err := s.Clientset()
		must(t, err)
		must(t, client.CoreV1().Nodes().Delete(context.Background(), name, metav1.DeleteOptions{}))
	})
	return name
}
