package e2e

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"podreeve.dev/e2e/harness"
)

// entered tries to enter a container. No kubelet runs here: after admission the API server answers that the pod has no host.
func entered(t *testing.T, s *suite, pod *harness.Object, args ...string) (bool, harness.Said) {
	t.Helper()
	return letIn(t, kubectl(t, s, "", append([]string{"exec", "-n", pod.GetNamespace(), pod.GetName(), "-c", "app"}, append(args, "--", "true")...)...))
}

// letIn reads from kubectl's output whether admission let the user reach a container.
func letIn(t *testing.T, said harness.Said) (bool, harness.Said) {
	t.Helper()
	switch {
	case strings.Contains(said.Stderr, fmt.Sprintf("admission webhook %q denied the request", harness.ValidateHook)):
		return false, said
	case strings.Contains(said.Stderr, "does not have a host assigned"), strings.Contains(said.Stderr, "address not allowed"):
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

// attach is judged as exec is. A forwarded port and the proxy name no container and reach all of them.
func TestAttachPortForwardAndProxy(t *testing.T) {
	s := up(t)
	hook := s.NewHook().WithConnects()
	server, err := s.StartInCluster(t.Context(), map[string]string{
		"probe": harness.ProbeOnly,
		"exec":  "{match: {namespaceSelector: {matchLabels: {team: attach}}}, rules: {exec-privileged: {action: deny}}}",
	})
	must(t, err)
	t.Cleanup(server.Stop)
	must(t, s.Register(t.Context(), hook, server.URL(), server.CA))
	ns, err := s.NamespaceWith(t.Context(), "attach", hook, map[string]string{"team": "attach"})
	must(t, err)
	for name, change := range map[string][]func(*harness.Object){"good": nil, "privileged": {harness.Privileged}} {
		pod := created(t, s, s.GoodPod(ns, name, change...)).Object
		in, said := letIn(t, kubectl(t, s, "", "attach", "-n", ns, pod.GetName(), "-c", "app"))
		if in != (name == "good") || in == strings.Contains(said.Stderr, "exec-privileged") {
			t.Errorf("attach to the %s pod, let in %v: %s", name, in, said)
		}
		// `kubectl port-forward` wants a pod that runs.
		path := fmt.Sprintf("/api/v1/namespaces/%s/pods/%s", ns, pod.GetName())
		for what, said := range map[string]harness.Said{
			"port-forward":  kubectl(t, s, "{}", "create", "--raw", path+"/portforward?ports=80", "-f", "-"),
			"get by proxy":  kubectl(t, s, "", "get", "--raw", path+"/proxy/metrics"),
			"post by proxy": kubectl(t, s, "{}", "create", "--raw", path+"/proxy/", "-f", "-"),
		} {
			in, said := letIn(t, said)
			if in != (name == "good") || in == strings.Contains(said.Stderr, "exec-privileged") {
				t.Errorf("%s to the %s pod, let in %v: %s", what, name, in, said)
			}
		}
	}
	for _, what := range []string{"portforward", "proxy"} {
		if log := server.Log(); !strings.Contains(log, what) {
			t.Errorf("want a review of %s in the log of podreeve, got\n%s", what, log)
		}
	}
}

// The pod is unknown: the rule denies the user until it is known.
func TestExecIntoAPodThatNobodyKnows(t *testing.T) {
	s := up(t)
	hook := s.NewHook().WithConnects()
	gate, err := s.NewGate()
	must(t, err)
	gate.Hold("/api/v1/") // all pods, and a single one
	server, err := s.LaunchInCluster(map[string]string{
		"probe": harness.ProbeOnly,
		"exec":  "{match: {namespaceSelector: {matchLabels: {team: unknown}}}, rules: {exec-privileged: {action: deny}, exec-root: {action: deny}}}",
	}, "--kubeconfig", gate.Kubeconfig)
	must(t, err)
	t.Cleanup(server.Stop)
	// Its pods are waited for, and not for ever.
	must(t, server.AwaitReport(t.Context(), "[-]cluster: the API server answers; still to be read: pods\n"))
	must(t, server.AwaitReady(t.Context()))
	must(t, s.Register(t.Context(), hook, server.URL(), server.CA))
	ns, err := s.NamespaceWith(t.Context(), "unknown", hook, map[string]string{"team": "unknown"})
	must(t, err)
	pod := created(t, s, s.GoodPod(ns, "good")).Object
	in, said := entered(t, s, pod)
	if in || !strings.Contains(said.Stderr, "did not say in time what this pod is like") || !strings.Contains(said.Stderr, "try again") {
		t.Errorf("want a denial with its reason and the next step, got %s", said)
	}
	if strings.Contains(said.Stderr, "exec-root") {
		t.Errorf("want exec-root to let in who enters a pod that is not known, got %s", said)
	}
	gate.Hold("")
	must(t, harness.Await(t.Context(), "the caller gets in", func(context.Context) (bool, error) {
		in, said := entered(t, s, pod)
		return in, fmt.Errorf("%s", said)
	}))
}

// lookups is how often requests waited for a fact.
func lookups(t *testing.T, server *harness.Podreeve) (n int) {
	t.Helper()
	text, err := server.Metrics(t.Context())
	must(t, err)
	for line := range strings.SplitSeq(text, "\n") {
		if series, value, _ := strings.Cut(line, " "); strings.HasPrefix(series, "podreeve_lookup_duration_seconds_count") {
			count, err := strconv.Atoi(value)
			must(t, err)
			n += count
		}
	}
	return n
}

// As long as the pod is unknown, each exec looks it up. Later none does.
func TestExecIntoAKnownPodAsksNobody(t *testing.T) {
	s := up(t)
	hook := s.NewHook().WithConnects()
	gate, err := s.NewGate()
	must(t, err)
	gate.Hold("/api/v1/pods") // list and watch; a single pod has another path
	server, err := s.StartInCluster(t.Context(), map[string]string{
		"probe": harness.ProbeOnly,
		"exec":  "{match: {namespaceSelector: {matchLabels: {team: known}}}, rules: {exec-privileged: {action: deny}}}",
	}, "--kubeconfig", gate.Kubeconfig)
	must(t, err)
	t.Cleanup(server.Stop)
	must(t, s.Register(t.Context(), hook, server.URL(), server.CA))
	ns, err := s.NamespaceWith(t.Context(), "known", hook, map[string]string{"team": "known"})
	must(t, err)
	pod := created(t, s, s.GoodPod(ns, "privileged", harness.Privileged)).Object
	asks := func() int {
		t.Helper()
		before := lookups(t, server)
		if in, said := entered(t, s, pod); in {
			t.Errorf("want the caller kept out, got %s", said)
		}
		return lookups(t, server) - before
	}
	for range 2 {
		if asks() == 0 {
			t.Error("the pod is unknown, and an exec did not look it up")
		}
	}
	gate.Hold("")
	must(t, harness.Await(t.Context(), "an exec that asks nobody", func(context.Context) (bool, error) {
		n := asks()
		return n == 0, fmt.Errorf("it looked up %d facts", n)
	}))
	if n := asks() + asks(); n != 0 {
		t.Errorf("the pod is known, and two execs looked up %d facts", n)
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
			return answer.Is(denied), answer.Err
		}))
	}
	wantDenied(t, s.Create(t.Context(), s.GoodPod(ns, "pod"), true), "network-policy")
	must(t, s.Apply(t.Context(), fmt.Sprintf("{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: deny, namespace: %s}, spec: {podSelector: {}, policyTypes: [Ingress]}}", ns)))
	await(false)
	must(t, s.Remove(t.Context(), "networkpolicy", "-n", ns, "deny"))
	await(true)
}
