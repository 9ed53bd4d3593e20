package e2e

import (
	"context"
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
	run(1, "would be admitted to namespace "+judged, "selftest", "--namespace", judged, "--wait", "0s")
	run(0, "as it should", "selftest", "--namespace", other, "--wait", "0s")
	run(2, "was not judged: ", "selftest", "--namespace", "no-such-namespace", "--wait", "0s")
}

func privileged(pod *harness.Object) *harness.Object {
	containers := harness.Lookup(pod, "spec.containers").([]any)
	containers[0].(map[string]any)["securityContext"].(map[string]any)["privileged"] = true
	delete(containers[0].(map[string]any)["securityContext"].(map[string]any), "allowPrivilegeEscalation") // the API has both or neither
	return pod
}
