package e2e

import (
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"podreeve.dev/e2e/harness"
)

// exampleKinds: a bare pod, and a template in which every path is longer.
var exampleKinds = []harness.Workload{harness.WorkloadOf("Pod"), harness.WorkloadOf("Deployment")}

// attempt is one example as one kind, and what podreeve is to do with it.
type attempt struct {
	rule     harness.Rule
	example  harness.Example
	workload harness.Workload
	action   string
}

func (a attempt) id() string { return a.rule.ID + "/" + a.example.Name }

func (a attempt) name() string { return a.id() + "/" + a.workload.Kind }

func (a attempt) fields() []string {
	var fields []string
	for _, field := range a.example.Fields {
		fields = append(fields, a.workload.FieldPath(field))
	}
	return fields
}

func (a attempt) object(s *suite, namespace string) *harness.Object {
	return a.workload.Wrap(&a.example.Pod, namespace, s.Name(a.rule.ID))
}

// tally counts outcomes over parallel subtests, so that none is skipped in silence.
type tally struct {
	mu     sync.Mutex
	counts map[string]int
	seen   []string // examples that do not reach podreeve as they are written
}

func (c *tally) add(outcome string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts == nil {
		c.counts = map[string]int{}
	}
	c.counts[outcome]++
}

// unreachable says whether podreeve never sees what the example is about, because the API server refuses or rewrites
// it. Which examples those are is written down in unreachable_test.go; any other fails. without is what the API server
// says of the object where no webhook looks.
func (c *tally) unreachable(t *testing.T, a attempt, sent *harness.Object, without harness.Answer) bool {
	t.Helper()
	var list []string
	switch {
	case without.Err != nil:
		c.add("refused by the API server itself")
		t.Logf("e2e: refused by the API server itself: %s: %v", a.name(), without.Err)
		if list = refusedByTheAPIServer; !slices.Contains(list, a.id()) {
			t.Errorf("%s never reaches podreeve: the API server refuses it. Repair the example, or add it to refusedByTheAPIServer", a.name())
		}
	case slices.Contains(rewrittenByTheAPIServer, a.id()):
		c.add("rewritten by the API server")
		if !slices.ContainsFunc(a.fields(), func(field string) bool {
			return !reflect.DeepEqual(harness.Lookup(sent, field), harness.Lookup(without.Object, field))
		}) {
			t.Errorf("%s is in rewrittenByTheAPIServer, but the API server keeps it as it is: remove it there", a.name())
		}
	default:
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen = append(c.seen, a.id())
	return true
}

func (c *tally) report(t *testing.T, what string) {
	t.Helper()
	t.Logf("e2e: %s: %v", what, c.counts)
}

// TestOwaspRefuses: under the built-in policy every bad example of a rule that denies is refused, through kubectl and
// through the API, as a pod and in a Deployment.
func TestOwaspRefuses(t *testing.T) {
	s := up(t)
	watched, plain := namespace(t, s, "owasp", s.hook), namespace(t, s, "plain", nil)
	var counts tally
	t.Run("rule", func(t *testing.T) {
		for _, a := range attempts(rulesOf(t, s), func(rule harness.Rule, example harness.Example) bool {
			return rule.Action == "deny" && example.Params == nil && example.Expect == "bad"
		}) {
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
				for _, want := range append([]string{"Forbidden", a.rule.ID, "podreeve explain"}, a.fields()...) {
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
	if counts.counts["refused"] == 0 {
		t.Error("no example was refused: does `podreeve rules -o json` list rules with action deny and bad examples?")
	}
}

// attempts are the chosen examples as each kind.
func attempts(rules []harness.Rule, choose func(harness.Rule, harness.Example) bool) []attempt {
	var chosen []attempt
	for _, rule := range rules {
		for _, example := range rule.Examples {
			for _, workload := range exampleKinds {
				if choose(rule, example) {
					chosen = append(chosen, attempt{rule, example, workload, rule.Action})
				}
			}
		}
	}
	return chosen
}

func rulesOf(t *testing.T, s *suite) []harness.Rule {
	t.Helper()
	rules, err := s.Rules(t.Context())
	must(t, err)
	return rules
}
