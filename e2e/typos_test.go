package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"podreeve.dev/e2e/harness"
)

// Clients that do not validate: the API server keeps the unknown key, and podreeve says that it is one.
const unchecked = "--validate=ignore"

// typos are specs with one key that is not known, and what podreeve says of it.
var typos = map[string]string{
	"{rules: {privilegd: {action: deny}}}":                                                     "spec.rules.privilegd: there is no rule `privilegd`; did you mean `privileged`?",
	"{rules: {privileged: {actoin: deny, action: deny}}}":                                      "spec.rules.privileged.actoin: there is no key `actoin`; did you mean `action`?",
	"{rules: {memory-limit: {action: deny, params: {mx: 1Gi}}}}":                               "spec.rules.memory-limit.params.mx: there is no key `mx`; did you mean `max`?",
	"{mach: {kinds: [Pod]}, rules: {}}":                                                        "spec.mach: there is no key `mach`; did you mean `match`?",
	"{match: {namespace: [a]}, rules: {}}":                                                     "spec.match.namespace: there is no key `namespace`; did you mean `namespaces`?",
	"{rules: {}, exemptions: [{rules: [privileged], namespaces: [a], reason: b, image: [a]}]}": "spec.exemptions[0].image: there is no key `image`; did you mean `images`?",
	"{extends: owsap}":            "spec.extends: there is no built-in policy `owsap`; did you mean `owasp`?",
	"{rules: {}}\nexemptions: []": "exemptions: there is no key `exemptions` next to `spec`; if it belongs to `spec`, indent it",
}

// The webhook refuses such an object, whatever the client checks.
func TestTyposAreRefused(t *testing.T) {
	s := up(t)
	if !s.Owned {
		t.Skip("judges Policies of the whole cluster, which is for one of our own")
	}
	hook := s.NewHook().WithPolicies()
	customWith(t, s, hook)
	t.Cleanup(func() { must(t, s.Remove(context.Background(), "validatingwebhookconfiguration", hook.Name())) })
	for spec, says := range typos {
		said, err := s.Kubectl(t.Context(), harness.PolicyYAML("typo", spec), "apply", unchecked, "-f", "-")
		must(t, err)
		if said.Code == 0 || !strings.Contains(said.Stderr, says) {
			t.Errorf("%s: want it refused with %q, got %s", spec, says, said)
		}
	}
	ns := namespace(t, s, "typos", nil)
	said, err := s.Kubectl(t.Context(), exemption(ns, "typo", "{rules: [privileged], reason: a test, contaners: [a]}"), "apply", unchecked, "-f", "-")
	must(t, err)
	if says := "spec.contaners: there is no key `contaners`; did you mean `containers`?"; !strings.Contains(said.Stderr, says) {
		t.Errorf("want it refused with %q, got %s", says, said)
	}
}

// Where the webhook did not see it, the condition says the same, and nothing of it is in force.
func TestTyposAreInTheCondition(t *testing.T) {
	s := up(t)
	ns := namespace(t, s, "typos", nil)
	custom(t, s, "--exemption-namespaces", ns)
	number := 0
	for spec, says := range typos {
		number++
		name := fmt.Sprintf("typo-%d", number)
		kubectl(t, s, harness.PolicyYAML(name, spec), "apply", unchecked, "-f", "-")
		message, err := s.AwaitCondition(t.Context(), "False", "policies.podreeve.dev", name)
		must(t, err)
		if !strings.Contains(message, says) || !strings.Contains(message, "nothing of it is in force") {
			t.Errorf("%s: want %q in the condition, got %q", spec, says, message)
		}
	}
	kubectl(t, s, exemption(ns, "typo", "{rules: [privileged], reason: a test, contaners: [a]}"), "apply", unchecked, "-f", "-")
	message, err := s.AwaitCondition(t.Context(), "False", "-n", ns, "exemptions.podreeve.dev", "typo")
	must(t, err)
	if says := "did you mean `containers`?"; !strings.Contains(message, says) {
		t.Errorf("want %q in the condition, got %q", says, message)
	}
}

// In the YAML of kubectl, `off` without quotes is false: it means what its author means.
func TestOffWithoutQuotes(t *testing.T) {
	s := up(t)
	custom(t, s)
	must(t, s.Apply(t.Context(), harness.PolicyYAML("milder", "{extends: owasp, rules: {privileged: {action: off}, host-pid: {action: off}}}")))
	_, err := s.AwaitCondition(t.Context(), "True", "policies.podreeve.dev", "milder")
	must(t, err)
	must(t, s.Apply(t.Context(), harness.PolicyYAML("all", "{extends: owasp}")))
	_, err = s.AwaitCondition(t.Context(), "True", "policies.podreeve.dev", "all")
	must(t, err)
	var milder, all int
	said := kubectl(t, s, "", "get", "policies.podreeve.dev", "milder", "all", "-o", "jsonpath={.items[*].status.rules}").Stdout
	if _, err := fmt.Sscan(said, &milder, &all); err != nil || milder != all-2 || milder < 30 {
		t.Errorf("want two rules less than all, got %q (%v)", said, err)
	}
	for _, action := range []string{"on", "maybe", "7"} {
		err := s.Apply(t.Context(), harness.PolicyYAML("wrong", "{rules: {privileged: {action: "+action+"}}}"))
		if err == nil || !strings.Contains(err.Error(), "Unsupported value") {
			t.Errorf("action: %s: want it refused, got %v", action, err)
		}
	}
}

// An empty list could mean all or none: the API server refuses it with a sentence.
func TestEmptyListsAreRefused(t *testing.T) {
	s := up(t)
	ns := namespace(t, s, "empty", nil)
	custom(t, s)
	objects := map[string]string{}
	for _, key := range []string{"namespaces", "kinds", "users", "groups"} {
		objects["match."+key] = harness.PolicyYAML("empty", "{rules: {}, match: {"+key+": []}}")
	}
	for _, key := range []string{"containers", "images"} {
		objects["exemptions[0]."+key] = harness.PolicyYAML("empty", "{rules: {}, exemptions: [{rules: [privileged], namespaces: [a], reason: b, "+key+": []}]}")
		objects["Exemption "+key] = exemption(ns, "empty", "{rules: [privileged], reason: b, "+key+": []}")
	}
	for what, object := range objects {
		err := s.Apply(t.Context(), object)
		if says := "is an empty list, which could mean all or none"; err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: want it refused with %q, got %v", what, says, err)
		}
	}
	for spec, says := range map[string]string{
		"{rules: {image-registries: {action: deny, params: {allow: []}}}}": "should have at least 1 items",
		"{rules: {volume-types: {action: deny, params: {only: []}}}}":      "should have at least 1 items",
		"{match: {kinds: [Pod]}}": "a policy needs rules, or a built-in policy that it extends",
	} {
		if err := s.Apply(t.Context(), harness.PolicyYAML("empty", spec)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: want it refused with %q, got %v", spec, says, err)
		}
	}
	must(t, s.Apply(t.Context(), harness.PolicyYAML("empty", "{rules: {image-registries: {action: deny}}}")))
	message, err := s.AwaitCondition(t.Context(), "False", "policies.podreeve.dev", "empty")
	must(t, err)
	if says := "`allow` is missing, and without it every image would be denied"; !strings.Contains(message, says) {
		t.Errorf("want %q in the condition, got %q", says, message)
	}
}

// The condition of an exemption says when it ends and that it ended, and so does the metric.
func TestExpiredExemptions(t *testing.T) {
	s := up(t)
	ns := namespace(t, s, "expired", nil)
	server, _ := custom(t, s, "--exemption-namespaces", ns)
	for name, until := range map[string]string{"far": "2999-12-31", "over": "2020-01-31"} {
		must(t, s.Apply(t.Context(), exemption(ns, name, "{rules: [privileged], reason: a test, until: '"+until+"'}")))
	}
	_, err := s.AwaitCondition(t.Context(), "True", "-n", ns, "exemptions.podreeve.dev", "far")
	must(t, err)
	message, err := s.AwaitCondition(t.Context(), "False", "-n", ns, "exemptions.podreeve.dev", "over")
	must(t, err)
	if says := "its last day was 2020-01-31, so it exempts nothing any more"; !strings.Contains(message, says) {
		t.Errorf("want %q in the condition, got %q", says, message)
	}
	table := strings.Join(strings.Fields(kubectl(t, s, "", "get", "prex", "-n", ns).Stdout), " ")
	for _, row := range []string{"NAME RULES EXPIRES READY REASON AGE", `far ["privileged"] 2999-12-31 True Compiled `, `over ["privileged"] 2020-01-31 False Expired `} {
		if !strings.Contains(table, row) {
			t.Errorf("want %q in the table, got %s", row, table)
		}
	}
	must(t, s.Apply(t.Context(), harness.PolicyYAML("ended", "{rules: {}, exemptions: [{rules: [privileged], namespaces: [a], reason: b, until: '2020-01-31'}]}")))
	message, err = s.AwaitCondition(t.Context(), "True", "policies.podreeve.dev", "ended")
	must(t, err)
	if says := "spec.exemptions[0] exempts nothing any more"; !strings.Contains(message, says) {
		t.Errorf("want %q in the condition, got %q", says, message)
	}
	must(t, harness.Await(t.Context(), "the metric counts them", func(ctx context.Context) (bool, error) {
		text, err := server.Metrics(ctx)
		for _, line := range []string{`podreeve_exemptions{end="far"} 1`, `podreeve_exemptions{end="soon"} 0`, `podreeve_exemptions{end="over"} 2`} {
			if !strings.Contains(text, line) {
				return false, fmt.Errorf("no line %s (%w)", line, err)
			}
		}
		return true, err
	}))
}
