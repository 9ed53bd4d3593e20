package e2e

import (
	"maps"
	"testing"

	"podreeve.dev/e2e/harness"
)

// An exemption lets in one image: the pod that has it gets no other one, and no debug container that it does not cover.
func TestUpdateOfAnExemptPod(t *testing.T) {
	s := up(t)
	hook := s.NewHook()
	ns := namespace(t, s, "exempt", hook)
	rules := maps.Clone(harness.ProbeRules)
	rules["host-path"] = harness.RuleSetting{Action: "deny"}
	policy := harness.NewPolicy("exempting", nil, rules)
	policy.Spec.Exemptions = []harness.Exemption{{
		Rules: []string{"privileged", "allow-privilege-escalation", "host-path"}, Namespaces: []string{ns},
		Images: []string{"registry.example.com/shop/web"}, Reason: "the node agent",
	}}
	dir, err := s.WritePolicies(policy)
	must(t, err)
	server, err := s.StartPodreeve(t.Context(), "--policy", dir)
	must(t, err)
	must(t, s.Register(t.Context(), hook, server.URL(), server.CA))
	agent := created(t, s, s.GoodPod(ns, "agent", harness.Privileged, harness.Set([]any{
		map[string]any{"name": "root", "hostPath": map[string]any{"path": "/"}},
	}, "spec", "volumes"))).Object
	name := "pod/" + agent.GetName()

	t.Run("another image", func(t *testing.T) {
		said := kubectl(t, s, "", "set", "image", "-n", ns, name, "app="+debugImage)
		wantRefused(t, said, "spec.containers[0].securityContext.privileged", "spec.volumes[0].hostPath")
	})
	t.Run("a debug container", func(t *testing.T) {
		wantRefused(t, debug(t, s, agent, "restricted"), "spec.volumes[0].hostPath")
	})
	t.Run("another image that is exempt", func(t *testing.T) {
		said := kubectl(t, s, "", "set", "image", "-n", ns, name, "app=registry.example.com/shop/web:2")
		if said.Code != 0 {
			t.Errorf("want it let in: %s", said)
		}
	})
	t.Run("label", func(t *testing.T) {
		wantAdmitted(t, s.Patch(t.Context(), agent, `{"metadata":{"labels":{"by":"api"}}}`))
	})
}

// Under a standard, what upstream's admission denies of an old pod is denied, and what it lets pass passes.
func TestUpdateUnderAStandard(t *testing.T) {
	s := up(t)
	ns := namespace(t, s, "standard", nil)
	old := s.GoodPod(ns, "old", harness.Privileged)
	old.SetFinalizers([]string{"example.com/hold"})
	old = created(t, s, old).Object
	probe, err := s.WritePolicies(harness.NewPolicy("probe", nil, harness.ProbeRules))
	must(t, err)
	server, err := s.StartPodreeve(t.Context(), "--policy", "pss-restricted", "--policy", probe)
	must(t, err)
	hook := s.NewHook()
	must(t, s.Register(t.Context(), hook, server.URL(), server.CA))
	must(t, s.LookAt(t.Context(), ns, hook))

	t.Run("image", func(t *testing.T) {
		said := kubectl(t, s, "", "set", "image", "-n", ns, "pod/"+old.GetName(), "app="+debugImage)
		wantRefused(t, said, "spec.containers[0].securityContext.privileged")
	})
	t.Run("debug container", func(t *testing.T) {
		wantRefused(t, debug(t, s, old, "restricted"), "spec.containers[0].securityContext.privileged")
	})
	t.Run("finalizer", func(t *testing.T) {
		must(t, s.Delete(t.Context(), old).Err)
		wantAdmitted(t, s.Patch(t.Context(), old, `{"metadata":{"finalizers":null}}`))
		wantNotStored(t, s, old)
	})
}
