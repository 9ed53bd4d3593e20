package e2e

import (
	"slices"
	"strings"
	"testing"

	"podreeve.dev/e2e/harness"
)

// TestOwaspRefuses: under the built-in policy every bad example of a rule that denies is refused, through kubectl and
// through the API, as a pod and in a Deployment.
func TestOwaspRefuses(t *testing.T) {
	s := up(t)
	watched, plain := namespace(t, s, "owasp", s.hook), namespace(t, s, "plain", nil)
	var counts tally
	all := attempts(t, s, plain, func(rule harness.Rule, example harness.Example) bool {
		return rule.Action == "deny" && example.Params == nil && example.Expect == "bad"
	})
	t.Run("rule", func(t *testing.T) {
		for _, a := range all {
			t.Run(a.name(), func(t *testing.T) {
				t.Parallel()
				sent := a.object(s, plain)
				if counts.unreachable(t, a, sent, s.Create(t.Context(), sent, true)) {
					return
				}
				object := a.object(s, watched)
				wantDenied(t, s.Create(t.Context(), object, false), a.rule.ID, a.fields()...)
				said := kubectl(t, s, manifest(t, object), "create", "-f", "-")
				if said.Code == 0 {
					t.Fatal(said)
				}
				for _, want := range []string{"Forbidden", a.rule.ID, "podreeve explain"} {
					if !strings.Contains(said.Stderr, want) {
						t.Errorf("kubectl does not show %q:\n%s", want, said)
					}
				}
				wantNotStored(t, s, object)
				counts.add("refused")
			})
		}
	})
	counts.report(t, "bad examples under the owasp policy")
	counts.wantEachRule(t, all)
}

// TestOwaspWarnsAndRepairs: under the built-in policy bad examples of the other rules are let in, with a warning or
// stored repaired. Some of them are against a second rule that denies; TestEachRuleAlone has those too.
func TestOwaspWarnsAndRepairs(t *testing.T) {
	s := up(t)
	watched, plain := namespace(t, s, "owasp", s.hook), namespace(t, s, "plain", nil)
	var counts tally
	all := attempts(t, s, plain, func(rule harness.Rule, example harness.Example) bool {
		// Its parameters say what the nodes have, and here there are none; TestEachRuleAlone and TestPidsLimitOfNodes have it.
		if rule.ID == "pids-limit" {
			return false
		}
		return slices.Contains([]string{"audit", "warn", "patch"}, rule.Action) && example.Params == nil && example.Expect == "bad"
	})
	t.Run("rule", func(t *testing.T) {
		for _, a := range all {
			t.Run(a.name(), func(t *testing.T) {
				t.Parallel()
				sent := a.object(s, plain)
				without := s.Create(t.Context(), sent, true)
				if counts.unreachable(t, a, sent, without) {
					return
				}
				object := a.object(s, watched)
				answer := s.Create(t.Context(), object, a.action != "patch")
				if answer.Denied() && !strings.Contains(answer.Err.Error(), a.rule.ID) {
					counts.add("refused for another rule")
					return
				}
				counts.add(a.judge(t, s, object, answer, without))
			})
		}
	})
	counts.report(t, "bad examples under the owasp policy that it does not deny")
	counts.wantEachRule(t, all)
	for _, outcome := range []string{letInAudited, repairedLater, storedRepaired} {
		if counts.counts[outcome] == 0 {
			t.Errorf("no example was %s", outcome)
		}
	}
}
