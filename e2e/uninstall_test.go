package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"podreeve.dev/e2e/harness"
)

// `selftest` shows whether podreeve denies. `uninstall` removes the named pair of webhooks and no other.
func TestSelftestAndUninstall(t *testing.T) {
	t.Parallel()
	s := up(t)
	hook := s.NewHook()
	must(t, s.Register(t.Context(), hook, s.server.URL(), s.server.CA))
	judged, other := namespace(t, s, "uninstall", hook), namespace(t, s, "uninstall", s.hook)
	run := func(want int, said string, args ...string) {
		t.Helper()
		got, err := s.PodreeveCommand(t.Context(), "", append(args, "--kubeconfig", s.Kubeconfig)...)
		must(t, err)
		if got.Code != want || !strings.Contains(got.Stdout+got.Stderr, said) {
			t.Errorf("want exit code %d and %q: %s", want, said, got)
		}
	}
	run(0, "as it should", "selftest", "--namespace", judged)
	run(0, "ValidatingWebhookConfiguration "+hook.Name()+": removed\nMutatingWebhookConfiguration "+hook.Name()+": removed", "uninstall", "--webhook-configuration", hook.Name())
	run(0, "ValidatingWebhookConfiguration "+hook.Name()+": not there", "uninstall", "--webhook-configuration", hook.Name())
	// The API server learns of it by a watch.
	must(t, harness.Await(t.Context(), "the removed webhook to be forgotten", func(ctx context.Context) (bool, error) {
		answer := s.Create(ctx, privileged(s.GoodPod(judged, s.Name("free"))), true)
		return answer.Err == nil, answer.Err
	}))
	run(1, "a privileged pod in namespace "+judged+" would be admitted: ", "selftest", "--namespace", judged, "--wait", "0s")
	run(0, "as it should", "selftest", "--namespace", other, "--wait", "0s")
	run(2, "was not judged: ", "selftest", "--namespace", "no-such-namespace", "--wait", "0s")
}

// The chart's job names podreeve's Deployment: while that is there, as after `helm template | kubectl apply`, nothing is removed. So it is
// when the Deployment cannot be read.
func TestUninstallAsksForTheDeployment(t *testing.T) {
	t.Parallel()
	s := up(t)
	hook := s.NewHook()
	must(t, s.Register(t.Context(), hook, s.server.URL(), s.server.CA))
	home := namespace(t, s, "uninstall", nil)
	nobody, err := s.KubeconfigAs(t.Context(), home, "default")
	must(t, err)
	run := func(want int, said, kubeconfig string) {
		t.Helper()
		got, err := s.PodreeveCommand(t.Context(), "", "uninstall", "--webhook-configuration", hook.Name(), "--deployment", "podreeve", "--namespace", home, "--kubeconfig", kubeconfig)
		must(t, err)
		if got.Code != want || !strings.Contains(got.Stdout+got.Stderr, said) {
			t.Errorf("want exit code %d and %q: %s", want, said, got)
		}
	}
	configurations := func(want int) {
		t.Helper()
		left := kubectl(t, s, "", "get", bothConfigurations, hook.Name(), "--ignore-not-found", "-o", "name").Stdout
		if strings.Count(left, "\n") != want {
			t.Errorf("want %d configurations, there are %q", want, left)
		}
	}
	deployment := func(finalizer string) string {
		return fmt.Sprintf(`{apiVersion: apps/v1, kind: Deployment, metadata: {name: podreeve, namespace: %s, finalizers: [%s]}, spec: {replicas: 0, selector: {matchLabels: {a: b}},
template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: a}]}}}}`, home, finalizer)
	}
	// The job of plain manifests may be there a moment before the Deployment is.
	early := make(chan harness.Said, 1)
	go func() {
		said, _ := s.PodreeveCommand(t.Context(), "", "uninstall", "--webhook-configuration", hook.Name(), "--deployment", "podreeve", "--namespace", home, "--kubeconfig", s.Kubeconfig)
		early <- said
	}()
	must(t, s.Apply(t.Context(), deployment("")))
	if said := <-early; said.Code != 0 || !strings.Contains(said.Stdout, "nothing is removed: Deployment "+home+"/podreeve is there") {
		t.Errorf("a Deployment that comes later: %s", said)
	}
	run(0, "nothing is removed", s.Kubeconfig)
	run(2, "cannot be read, so nothing is removed", nobody)
	configurations(2)

	must(t, s.Apply(t.Context(), deployment("e2e.podreeve.dev/held")))
	must(t, s.Remove(t.Context(), "--wait=false", "-n", home, "deployment", "podreeve"))
	run(0, "ValidatingWebhookConfiguration "+hook.Name()+": removed", s.Kubeconfig)
	configurations(0)
	kubectl(t, s, "", "patch", "deployment", "-n", home, "podreeve", "--type=merge", "--patch", `{"metadata":{"finalizers":null}}`)
	run(0, "ValidatingWebhookConfiguration "+hook.Name()+": not there", s.Kubeconfig)
}

func privileged(pod *harness.Object) *harness.Object {
	containers := harness.Lookup(pod, "spec.containers").([]any)
	containers[0].(map[string]any)["securityContext"].(map[string]any)["privileged"] = true
	delete(containers[0].(map[string]any)["securityContext"].(map[string]any), "allowPrivilegeEscalation") // the API has both or neither
	return pod
}
