package e2e

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"podreeve.dev/e2e/harness"
)

// TestEachRuleAlone runs every example, good and bad, with its own parameters, where no other rule interferes: one
// podreeve, and for each rule and parameters a policy of its own that matches one namespace.
func TestEachRuleAlone(t *testing.T) {
	s := up(t)
	hook, plain := s.NewHook(), namespace(t, s, "plain", nil)
	rooms := map[string]string{} // rule and parameters -> namespace
	var policies []harness.Policy
	var namespaces []string
	var all []attempt
	rules := rulesOf(t, s)
	for _, a := range attempts(rules, func(harness.Rule, harness.Example) bool { return true }) {
		if a.example.Params != nil || a.action == "off" {
			a.action = "deny" // the owasp policy says nothing of these
		}
		all = append(all, a)
		if rooms[room(a)] == "" {
			name := namespace(t, s, "alone", hook)
			rooms[room(a)] = name
			namespaces = append(namespaces, name)
			policies = append(policies, harness.NewPolicy(name, map[string][]string{"namespaces": {name}},
				map[string]harness.RuleSetting{a.rule.ID: {Action: a.action, Params: a.example.Params}}))
		}
	}
	policies = append(policies, harness.NewPolicy("probe", map[string][]string{"excludeNamespaces": namespaces}, harness.ProbeRules))
	dir, err := s.WritePolicies(policies...)
	must(t, err)
	server, err := s.StartPodreeve(t.Context(), "--policy", dir)
	must(t, err)
	must(t, s.Register(t.Context(), hook, server.URL(), server.CA))

	var counts tally
	t.Run("rule", func(t *testing.T) {
		for _, a := range all {
			t.Run(a.name()+paramsNote(a), func(t *testing.T) {
				t.Parallel()
				sent := a.object(s, plain)
				without := s.Create(t.Context(), sent, true)
				if counts.unreachable(t, a, sent, without) {
					return
				}
				object := a.object(s, rooms[room(a)])
				counts.add(a.judge(t, s, object, s.Create(t.Context(), object, a.action != "patch"), without))
			})
		}
	})
	counts.report(t, fmt.Sprintf("examples of %d rules, each rule alone", len(rules)))
	if s.Owned {
		for _, name := range slices.Concat(refusedByTheAPIServer, rewrittenByTheAPIServer) {
			if !slices.Contains(counts.seen, name) {
				t.Errorf("%s is listed in unreachable_test.go, but the API server lets it in, or it is gone: remove it there", name)
			}
		}
	}
}

// judge compares podreeve's answer with what the example expects, and says which outcome it was.
func (a attempt) judge(t *testing.T, s *suite, object *harness.Object, answer, without harness.Answer) string {
	t.Helper()
	switch {
	case a.example.Expect == "good":
		wantAdmitted(t, answer)
		if len(answer.Warnings) > len(without.Warnings) {
			t.Errorf("a good example is warned about: %q", answer.Warnings)
		}
		return "good and let in"
	case a.action == "deny":
		wantDenied(t, answer, a.rule.ID, a.fields()...)
		return "bad and refused"
	case a.action == "warn":
		wantAdmitted(t, answer)
		wantWarning(t, answer, a.rule.ID)
		return "bad and let in with a warning"
	case a.action == "audit":
		wantAdmitted(t, answer)
		if warnsOf(answer.Warnings, a.rule.ID) {
			t.Errorf("the action is audit, yet the user is warned: %q", answer.Warnings)
		}
		wantAudited(t, s, object, "audited", a.rule.ID)
		return "bad and let in with an audit annotation"
	case a.action == "patch" && answer.Err != nil: // what has no repair
		wantDenied(t, answer, a.rule.ID, a.fields()...)
		return "bad and refused, no repair"
	case a.action == "patch" && len(a.workload.Template) > 0:
		wantWarning(t, answer, a.rule.ID)
		return "bad in a template, repair announced"
	case a.action == "patch":
		wantAdmitted(t, answer)
		stored := s.Get(t.Context(), object)
		wantAdmitted(t, stored)
		if reflect.DeepEqual(stored.Object.Object["spec"], without.Object.Object["spec"]) {
			t.Errorf("stored as it was sent, neither repaired nor refused:\n%v", stored.Object.Object["spec"])
		}
		if len(answer.Warnings) > 0 {
			t.Errorf("repaired, yet the user is warned: %q", answer.Warnings)
		}
		return "bad and stored repaired"
	}
	t.Fatalf("podreeve lists the unknown action %q", a.action)
	return ""
}

// room: examples with the same rule and parameters share a namespace and its policy.
func room(a attempt) string { return a.rule.ID + paramsNote(a) }

func paramsNote(a attempt) string {
	if a.example.Params == nil {
		return ""
	}
	text, _ := json.Marshal(a.example.Params) // it came from JSON
	return " " + string(text)
}
