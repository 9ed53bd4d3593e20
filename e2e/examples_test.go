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

// object has a name that says nothing of the rule: the texts are searched for the rule's id.
func (a attempt) object(s *suite, namespace string) *harness.Object {
	return a.workload.Wrap(&a.example.Pod, namespace, s.Name("example"))
}

// tally counts outcomes over parallel subtests, so that none is skipped in silence.
type tally struct {
	mu     sync.Mutex
	counts map[string]int
	seen   []string // examples that do not reach podreeve as they are written
	older  []string // examples that this API server is too old for
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
	if c.tooOld(t, a, sent, without) {
		return true
	}
	var list []string
	switch {
	case without.Err != nil:
		c.add("refused by the API server itself")
		t.Logf("refused by the API server itself: %s: %v", a.name(), without.Err)
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

// tooOld says whether the API server is older than the newest one that is tested, and refuses the example or drops fields of it. That is
// printed. The newest one has all of them, or they are in unreachable_test.go.
func (c *tally) tooOld(t *testing.T, a attempt, sent *harness.Object, without harness.Answer) bool {
	t.Helper()
	minor := minor(t)
	if !harness.IsOlder(minor) || slices.Contains(slices.Concat(refusedByTheAPIServer, rewrittenByTheAPIServer), a.id()) && without.Err != nil {
		return false
	}
	why := ""
	if without.Err != nil {
		why = "refuses it: " + without.Err.Error()
	} else if lost := harness.Dropped(sent, without.Object); len(lost) > 0 {
		why = "drops " + strings.Join(lost, ", ")
	}
	if why == "" {
		return false
	}
	t.Logf("e2e: Kubernetes %s %s", minor, why)
	c.add("not of this version of Kubernetes")
	c.mu.Lock()
	defer c.mu.Unlock()
	c.older = append(c.older, a.id())
	return true
}

var serverMinor = sync.OnceValues(func() (string, error) {
	suite, err := start()
	if err != nil {
		return "", err
	}
	return suite.Minor()
})

// minor is the minor version of the API server, such as 1.36.
func minor(t *testing.T) string {
	t.Helper()
	minor, err := serverMinor()
	must(t, err)
	return minor
}

// wantEachRule: of every rule at least one bad example got as far as podreeve, as each kind.
func (c *tally) wantEachRule(t *testing.T, all []attempt) {
	t.Helper()
	reached := map[string]bool{}
	for _, a := range all {
		if a.example.Expect == "bad" && !slices.Contains(slices.Concat(c.seen, c.older), a.id()) {
			reached[a.rule.ID] = true
		}
	}
	for _, a := range all {
		if !reached[a.rule.ID] && slices.Contains(c.older, a.id()) {
			t.Logf("e2e: %s is not proven: this version of Kubernetes has no field that it judges", a.rule.ID)
			reached[a.rule.ID] = true
		}
		if !reached[a.rule.ID] {
			t.Errorf("no bad example of %s reaches podreeve: the rule is not proven", a.rule.ID)
			reached[a.rule.ID] = true // said once
		}
	}
}

func (c *tally) report(t *testing.T, what string) {
	t.Helper()
	t.Logf("e2e: %s: %v", what, c.counts)
	if slices.Sort(c.seen); len(c.seen) > 0 {
		t.Logf("e2e: refused or rewritten by the API server itself: %s", strings.Join(slices.Compact(slices.Clone(c.seen)), "; "))
	}
	if slices.Sort(c.older); len(c.older) > 0 {
		t.Logf("e2e: not of this version of Kubernetes: %s", strings.Join(slices.Compact(slices.Clone(c.older)), "; "))
	}
}

const (
	letInAudited   = "bad and let in with an audit annotation"
	repairedLater  = "bad in a template, repaired in its pods"
	storedRepaired = "bad and stored repaired"
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
		return "bad and let in with a warning"
	case a.action == "audit":
		wantAdmitted(t, answer)
		if warnsOf(answer.Warnings, a.rule.ID) {
			t.Errorf("the action is audit, yet the user is warned: %q", answer.Warnings)
		}
		wantAudited(t, s, object, "audited", a.rule.ID)
		return letInAudited
	case a.action == "patch" && answer.Err != nil: // what has no repair
		wantDenied(t, answer, a.rule.ID, a.fields()...)
		return "bad and refused, no repair"
	case a.action == "patch" && len(a.workload.Template) > 0:
		wantAdmitted(t, answer)
		if warnsOf(answer.Warnings, a.rule.ID) {
			t.Errorf("its pods will be repaired, yet the user is warned: %q", answer.Warnings)
		}
		wantAudited(t, s, object, "audited", a.rule.ID)
		return repairedLater
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

// attempts are the chosen examples as each kind, made acceptable to the API server where that is possible.
func attempts(t *testing.T, s *suite, plain string, choose func(harness.Rule, harness.Example) bool) []attempt {
	t.Helper()
	rules, err := s.Rules(t.Context())
	must(t, err)
	var chosen []attempt
	changed := 0
	for _, rule := range rules {
		for _, example := range rule.Examples {
			if !choose(rule, example) {
				continue
			}
			fitted, changes := s.Fit(t.Context(), &example.Pod, plain, example.Fields)
			if len(changes) > 0 {
				changed++
			}
			example.Pod = *fitted
			for _, workload := range exampleKinds {
				// A Deployment's pods restart always; an example that is about ending is one of a bare pod.
				restart := harness.Lookup(&example.Pod, "spec.restartPolicy")
				if workload.Kind == "Deployment" && restart != nil && restart != "Always" {
					continue
				}
				chosen = append(chosen, attempt{rule, example, workload, rule.Action})
			}
		}
	}
	t.Logf("e2e: examples changed to fit the API server: %d of %d", changed, len(chosen)/len(exampleKinds))
	if len(chosen) == 0 {
		t.Error("`podreeve rules -o json` lists no example for this test")
	}
	return chosen
}
