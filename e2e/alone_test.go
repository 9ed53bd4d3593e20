package e2e

import (
	"encoding/json"
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
	for _, a := range attempts(t, s, plain, func(harness.Rule, harness.Example) bool { return true }) {
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
	counts.report(t, "examples of all rules, each rule alone")
	counts.wantEachRule(t, all)
	if s.Owned && !harness.IsOlder(minor(t)) {
		for _, name := range slices.Concat(refusedByTheAPIServer, rewrittenByTheAPIServer) {
			if !slices.Contains(counts.seen, name) {
				t.Errorf("%s is listed in unreachable_test.go, but the API server lets it in, or it is gone: remove it there", name)
			}
		}
	}
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
