package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"podreeve.dev/e2e/harness"
)

// found is an Event as kubectl shows it.
type found struct {
	Metadata                                 struct{ Name, UID string }
	InvolvedObject                           struct{ Kind, Name, UID string }
	Reason, Message, Type                    string
	ReportingComponent, ReportingInstance    string
	Count                                    int
	FirstTimestamp, LastTimestamp, EventTime string
}

// events of the namespace, by the rule that their message names.
func (s *suite) events(t *testing.T, ns string) map[string]found {
	t.Helper()
	var list struct{ Items []found }
	must(t, json.Unmarshal([]byte(kubectl(t, s, "", "get", "events", "-n", ns, "-o", "json").Stdout), &list))
	byRule := map[string]found{}
	for _, event := range list.Items {
		rule, _, _ := strings.Cut(strings.TrimPrefix(event.Message, "podreeve would deny it today: "), " ")
		if other, twice := byRule[rule]; twice {
			t.Fatalf("two Events for %s: %+v and %+v", rule, other, event)
		}
		byRule[rule] = event
	}
	return byRule
}

// One Event for each owner and rule. A leader is killed: the next one counts on the same Events. A container more counts, too, and its Event
// says what there is now.
func TestTheNextLeaderCountsOnTheSameEvents(t *testing.T) {
	t.Parallel()
	s := up(t)
	low := harness.Container(func(container map[string]any) {
		container["ports"] = []any{map[string]any{"containerPort": int64(80)}}
	})
	ns, lease := namespace(t, s, "events", nil), s.NewLease()
	created(t, s, harness.WorkloadOf("Deployment").Wrap(s.GoodPod(ns, "web", harness.Privileged, low), ns, "web"))
	policy := map[string]string{"ours": only("{privileged: {action: deny}, privileged-ports: {action: deny}}", ns)}
	start := func(identity string) *harness.Podreeve {
		server, err := s.StartInCluster(t.Context(), policy, "--scan-interval", "1s", "--scan-rate", "200", "--leader-election-lease", lease, "--identity", identity)
		must(t, err)
		t.Cleanup(server.Stop)
		return server
	}
	want := func(instance string, privileged, ports int) map[string]found {
		t.Helper()
		events := s.events(t, ns)
		if len(events) != 2 || events["privileged"].Count != privileged || events["privileged-ports"].Count != ports {
			t.Fatalf("want privileged %d times and privileged-ports %d times, got %+v", privileged, ports, events)
		}
		for _, event := range events {
			if event.ReportingInstance != instance || event.InvolvedObject.Kind != "Deployment" || event.InvolvedObject.Name != "web" {
				t.Errorf("the Event is %+v", event)
			}
		}
		return events
	}

	first := start("first")
	must(t, s.AwaitLeader(t.Context(), lease, "first"))
	second := start("second")
	scans(t, first, 3)
	before := want("first", 1, 1)
	first.Kill()
	scans(t, second, 3)
	after := want("second", 2, 2)
	for rule, event := range before {
		if is := after[rule]; is.Metadata != event.Metadata || is.FirstTimestamp != event.FirstTimestamp {
			t.Errorf("%s: first %+v, then %+v", rule, event, is)
		}
	}

	kubectl(t, s, "", "patch", "deployment", "web", "-n", ns, "--type=json", "-p",
		`[{"op": "copy", "from": "/spec/template/spec/containers/0", "path": "/spec/template/spec/containers/-"},
		  {"op": "replace", "path": "/spec/template/spec/containers/1/name", "value": "another"}]`)
	must(t, harness.Await(t.Context(), "the Event names the other container", func(context.Context) (bool, error) {
		message := s.events(t, ns)["privileged"].Message
		return strings.Contains(message, `container "another"`), fmt.Errorf("it is %q", message)
	}))
	scans(t, second, 2)
	want("second", 3, 3)
}
