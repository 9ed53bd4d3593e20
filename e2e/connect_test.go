package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"podreeve.dev/e2e/harness"
)

// entered tries to enter a container. No kubelet runs here: who gets past admission hears that the pod has no host.
func entered(t *testing.T, s *suite, pod *harness.Object, args ...string) (bool, harness.Said) {
	t.Helper()
	said := kubectl(t, s, "", append([]string{"exec", "-n", pod.GetNamespace(), pod.GetName(), "-c", "app"}, append(args, "--", "true")...)...)
	switch {
	case strings.Contains(said.Stderr, fmt.Sprintf("admission webhook %q denied the request", harness.ValidateHook)):
		return false, said
	case strings.Contains(said.Stderr, "does not have a host assigned"):
		return true, said
	}
	t.Fatalf("neither denied nor let through: %s", said)
	return false, said
}

// Entering a container is judged by the pod that is there, also by one that was made this instant.
func TestExec(t *testing.T) {
	s := up(t)
	hook := s.NewHook().WithConnects()
	server, err := s.StartInCluster(t.Context(), map[string]string{
		"probe": harness.ProbeOnly,
		"exec":  "{match: {namespaceSelector: {matchLabels: {team: exec}}}, rules: {exec-privileged: {action: deny}, exec-root: {action: deny}}}",
	})
	must(t, err)
	t.Cleanup(server.Stop)
	must(t, s.Register(t.Context(), hook, server.URL(), server.CA))
	ns, err := s.NamespaceWith(t.Context(), "exec", hook, map[string]string{"team": "exec"})
	must(t, err)

	good := created(t, s, s.GoodPod(ns, "good")).Object
	if in, said := entered(t, s, good); !in {
		t.Errorf("want the caller let in, got %s", said)
	}
	privileged := created(t, s, s.GoodPod(ns, "privileged", harness.Privileged)).Object
	for range 2 { // unknown at first, and known
		in, said := entered(t, s, privileged)
		if in || !strings.Contains(said.Stderr, "exec-privileged") || !strings.Contains(said.Stderr, "spec.containers[0].securityContext.privileged") {
			t.Errorf("want the caller kept out by exec-privileged, got %s", said)
		}
	}
	root := created(t, s, s.GoodPod(ns, "root", harness.Container(func(container map[string]any) {
		context := container["securityContext"].(map[string]any)
		context["runAsUser"], context["runAsNonRoot"] = int64(0), false
	}))).Object
	if in, said := entered(t, s, root); in || !strings.Contains(said.Stderr, "exec-root") {
		t.Errorf("want the caller kept out by exec-root, got %s", said)
	}
}

func TestNetworkPolicies(t *testing.T) {
	s := up(t)
	hook := s.NewHook()
	server, err := s.StartInCluster(t.Context(), map[string]string{
		"probe":   harness.ProbeOnly,
		"network": "{match: {namespaceSelector: {matchLabels: {team: network}}}, rules: {network-policy: {action: deny}}}",
	})
	must(t, err)
	t.Cleanup(server.Stop)
	must(t, s.Register(t.Context(), hook, server.URL(), server.CA))
	ns, err := s.NamespaceWith(t.Context(), "network", hook, map[string]string{"team": "network"})
	must(t, err)
	await := func(denied bool) {
		t.Helper()
		must(t, harness.Await(t.Context(), fmt.Sprintf("a pod is denied: %v", denied), func(ctx context.Context) (bool, error) {
			answer := s.Create(ctx, s.GoodPod(ns, "pod"), true)
			return answer.Denied() == denied, answer.Err
		}))
	}
	wantDenied(t, s.Create(t.Context(), s.GoodPod(ns, "pod"), true), "network-policy")
	must(t, s.Apply(t.Context(), fmt.Sprintf("{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: deny, namespace: %s}, spec: {podSelector: {}, policyTypes: [Ingress]}}", ns)))
	await(false)
	must(t, s.Remove(t.Context(), "networkpolicy", "-n", ns, "deny"))
	await(true)
}
