package e2e

import (
	"reflect"
	"slices"
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

// object has a name that says nothing of the rule: the texts are searched for the rule's id.
func (a attempt) object(s *suite, namespace string) *harness.Object {
	return a.workload.Wrap(&a.example.Pod, namespace, s.Name("example"))
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

const (
	letInWithWarning = "bad and let in with a warning"
	storedRepaired   = "bad and stored repaired"
)

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
		return letInWithWarning
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
		if warnsOf(answer.Warnings, a.rule.ID) {
			t.Errorf("repaired, yet the user is warned: %q", answer.Warnings)
		}
		return storedRepaired
	}
	t.Fatalf("podreeve lists the unknown action %q", a.action)
	return ""
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
