package e2e

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"podreeve.dev/e2e/harness"
)

// A built-in policy that podreeve serves shows in `kubectl get policies`. The copy has an owner, so that it goes with the release, and a
// change to it is refused, or undone. Nothing is judged by it.
func TestBuiltInPoliciesShow(t *testing.T) {
	s := up(t)
	if !s.Owned {
		t.Skip("judges Policies of the whole cluster, which is for one of our own")
	}
	must(t, s.InstallCRDs(t.Context()))
	t.Cleanup(func() { must(t, s.Remove(context.Background(), "policies.podreeve.dev", "--all")) })
	hook := s.NewHook().WithPolicies()
	files := map[string]string{"probe": harness.ProbeOnly, "owasp": "{extends: owasp, rules: {host-pid: {action: warn}}}"}
	server, err := s.StartInCluster(t.Context(), files, "--webhook-configuration", hook.Name())
	must(t, err)
	t.Cleanup(server.Stop)
	must(t, s.Register(t.Context(), hook, server.URL(), server.CA))
	t.Cleanup(func() { must(t, s.Remove(context.Background(), "validatingwebhookconfiguration", hook.Name())) })

	_, err = s.AwaitCondition(t.Context(), "True", "policies.podreeve.dev", "owasp")
	must(t, err)
	table := strings.Join(strings.Fields(kubectl(t, s, "", "get", "policies.podreeve.dev").Stdout), " ")
	if want := `^NAME MODE RULES MATCH READY REASON AGE owasp deny \d\d all True BuiltIn `; !regexp.MustCompile(want).MatchString(table) {
		t.Errorf("want the table %q, got %s", want, table)
	}
	action := func(rule string) string {
		return kubectl(t, s, "", "get", "policies.podreeve.dev", "owasp", "-o", "jsonpath={.spec.rules."+rule+".action}").Stdout
	}
	if got := action("host-pid") + action("privileged"); got != "warndeny" {
		t.Errorf("the copy has %q", got)
	}
	owner := kubectl(t, s, "", "get", "policies.podreeve.dev", "owasp", "-o", "jsonpath={.metadata.ownerReferences[*].kind}/{.metadata.ownerReferences[*].name}").Stdout
	if want := "ValidatingWebhookConfiguration/" + hook.Name(); owner != want {
		t.Errorf("the owner of the copy is %q, wanted %q", owner, want)
	}
	if log := server.Log(); strings.Count(log, "new policies are in force") > 2 {
		t.Errorf("the copy came into force:\n%s", log)
	}

	const edit = `--patch=[{"op":"replace","path":"/spec/rules/privileged/action","value":"off"}]`
	refuse := func(args ...string) {
		t.Helper()
		said, err := s.Kubectl(t.Context(), "", args...)
		must(t, err)
		if said.Code == 0 || !strings.Contains(said.Stderr, "it is a copy of a built-in policy, which podreeve writes; change the chart values `policyOverrides`") {
			t.Errorf("%v: want it refused, got %s", args, said)
		}
	}
	refuse("patch", "policies.podreeve.dev", "owasp", "--type=json", edit)
	refuse("label", "policies.podreeve.dev", "owasp", "podreeve.dev/copy-of-built-in-")
	err = s.Apply(t.Context(), "{apiVersion: podreeve.dev/v1alpha1, kind: Policy, metadata: {name: mine, labels: {podreeve.dev/copy-of-built-in: a}}, spec: {rules: {}}}")
	if err == nil || !strings.Contains(err.Error(), "it is a copy of a built-in policy") {
		t.Errorf("a copy that podreeve did not write: %v", err)
	}

	// Without the webhook, the leader undoes a change.
	must(t, s.Remove(t.Context(), "mutatingwebhookconfiguration", hook.Name()))
	kubectl(t, s, "", "patch", "validatingwebhookconfiguration", hook.Name(), "--type=merge", `--patch={"webhooks": null}`)
	must(t, harness.Await(t.Context(), "the API server does not call podreeve", func(ctx context.Context) (bool, error) {
		said, err := s.Kubectl(ctx, "", "patch", "policies.podreeve.dev", "owasp", "--type=json", edit)
		return said.Code == 0, err
	}))
	must(t, harness.Await(t.Context(), "the change is undone", func(context.Context) (bool, error) {
		return action("privileged") == "deny", nil
	}))
	must(t, s.Remove(t.Context(), "policies.podreeve.dev", "owasp"))
	_, err = s.AwaitCondition(t.Context(), "True", "policies.podreeve.dev", "owasp")
	must(t, err)
}

// Two installations in one cluster: each shows what it serves, and leaves the copies of the other alone.
func TestTwoInstallationsShowTheirBuiltInPolicies(t *testing.T) {
	s := up(t)
	if !s.Owned {
		t.Skip("judges Policies of the whole cluster, which is for one of our own")
	}
	must(t, s.InstallCRDs(t.Context()))
	t.Cleanup(func() { must(t, s.Remove(context.Background(), "policies.podreeve.dev", "--all")) })
	var servers []*harness.Podreeve
	for _, policy := range []string{"owasp", "pss-baseline"} {
		hook := s.NewHook().WithPolicies()
		files := map[string]string{policy: "{extends: " + policy + "}", "probe": harness.ProbeOnly}
		server, err := s.StartInCluster(t.Context(), files, "--webhook-configuration", hook.Name(), "--leader-election-lease", s.NewLease())
		must(t, err)
		t.Cleanup(server.Stop)
		must(t, s.Register(t.Context(), hook, server.URL(), server.CA))
		t.Cleanup(func() { must(t, s.Remove(context.Background(), "validatingwebhookconfiguration", hook.Name())) })
		_, err = s.AwaitCondition(t.Context(), "True", "policies.podreeve.dev", policy)
		must(t, err)
		servers = append(servers, server)
	}
	_, err := s.AwaitCondition(t.Context(), "True", "policies.podreeve.dev", "owasp")
	must(t, err)
	for _, server := range servers {
		if log := server.Log(); strings.Contains(log, "built-in policy that podreeve does not serve") {
			t.Errorf("it judged the copy of the other installation:\n%s", log)
		}
	}
}

// A Policy cannot take the name of a policy that podreeve serves from a file. One that was there before stays in force too, its
// condition says so, and a violation of both is one.
func TestNamesOfServedPolicies(t *testing.T) {
	s := up(t)
	if !s.Owned {
		t.Skip("judges Policies of the whole cluster, which is for one of our own")
	}
	must(t, s.InstallCRDs(t.Context()))
	t.Cleanup(func() { must(t, s.Remove(context.Background(), "policies.podreeve.dev", "--all")) })
	must(t, s.Apply(t.Context(), harness.PolicyYAML("probe", "{rules: {host-pid: {action: deny}, privileged: {action: deny}}}")))
	hook := s.NewHook().WithPolicies()
	server := customWith(t, s, hook)
	t.Cleanup(func() { must(t, s.Remove(context.Background(), "validatingwebhookconfiguration", hook.Name())) })
	message, err := s.AwaitCondition(t.Context(), "True", "policies.podreeve.dev", "probe")
	must(t, err)
	if says := "so is the policy of the same name that podreeve serves from --policy"; !strings.Contains(message, says) {
		t.Errorf("want %q in the condition, got %q", says, message)
	}
	must(t, server.AwaitLog(t.Context(), "an object needs attention"))
	ns := namespace(t, s, "team", hook)
	answer := s.Create(t.Context(), s.GoodPod(ns, "bad", harness.Privileged), true)
	if answer.Err == nil || strings.Count(answer.Err.Error(), "critical privileged") != 1 {
		t.Errorf("want one violation, got %v", answer.Err)
	}

	must(t, s.Remove(t.Context(), "policies.podreeve.dev", "probe"))
	err = s.Apply(t.Context(), harness.PolicyYAML("probe", "{rules: {}}"))
	if says := "`probe` is the name of a policy that podreeve serves from --policy"; err == nil || !strings.Contains(fmt.Sprint(err), says) {
		t.Errorf("want it refused with %q, got %v", says, err)
	}
}
