package e2e

import (
	"context"
	"strings"
	"testing"

	"podreeve.dev/e2e/harness"
)

// A Policy or Exemption that does not compile is refused when it is applied, and the one that is there stays in force.
// While podreeve is down everything is admitted, so that a Policy can be repaired.
func TestBadPolicyIsRefused(t *testing.T) {
	s := up(t)
	if !s.Owned {
		t.Skip("judges Policies of the whole cluster, which is for one of our own")
	}
	hook := s.NewHook().WithPolicies()
	server := customWith(t, s, hook)
	t.Cleanup(func() { must(t, s.Remove(context.Background(), "validatingwebhookconfiguration", hook.Name())) })
	ns, err := s.NamespaceWith(t.Context(), "team", hook, map[string]string{"team": "shop"})
	must(t, err)
	good := harness.PolicyYAML("shop", policyFor("shop", denyPrivileged))
	must(t, s.Apply(t.Context(), good))
	_, err = s.AwaitCondition(t.Context(), "True", "policies.podreeve.dev", "shop")
	must(t, err)
	eventually(t, s, ns, true)

	bad := harness.PolicyYAML("shop", policyFor("shop", "{}, exemptions: [{rules: [privilegd], namespaces: [a], reason: b}]"))
	exemption := exemption(ns, "bad", "{rules: [privilegd], reason: a test}")
	refused := func(yaml, says string) {
		t.Helper()
		err := s.Apply(t.Context(), yaml)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("want it refused with %q, got %v", says, err)
		}
	}
	refused(bad, "Policy \"shop\" is invalid: spec.exemptions[0].rules[0]: there is no rule `privilegd`; did you mean `privileged`?")
	refused(exemption, "Exemption \"bad\" is invalid: spec.rules[0]: there is no rule `privilegd`; did you mean `privileged`?")
	_, err = s.AwaitCondition(t.Context(), "True", "policies.podreeve.dev", "shop")
	must(t, err)
	eventually(t, s, ns, true)

	server.Kill()
	must(t, s.Apply(t.Context(), bad))
	must(t, s.Apply(t.Context(), exemption))
	must(t, server.Start(t.Context()))
	for _, object := range [][]string{{"policies.podreeve.dev", "shop"}, {"-n", ns, "exemptions.podreeve.dev", "bad"}} {
		_, err = s.AwaitCondition(t.Context(), "False", object...)
		must(t, err)
	}
}
