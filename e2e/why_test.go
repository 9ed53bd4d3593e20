package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"testing"

	"podreeve.dev/e2e/harness"
)

// idAtEnd is how a denial and podreeve's last warning end.
var idAtEnd = regexp.MustCompile(`\(id ([0-9a-f]{8})\)$`)

// The id at the end of a denial finds the decision in the log of a running podreeve, and the exemption that `why` suggests lets the pod in.
func TestWhy(t *testing.T) {
	t.Parallel()
	s := up(t)
	ns := namespace(t, s, "why", s.hook)
	pod := s.GoodPod(ns, "asked", harness.Privileged)
	for _, dryRun := range []bool{true, false} {
		answer := s.Create(t.Context(), pod, dryRun)
		wantDenied(t, answer, "privileged")
		match := idAtEnd.FindStringSubmatch(answer.Status().Message)
		if match == nil {
			t.Fatalf("the denial ends with no id:\n%s", answer.Status().Message)
		}
		report := s.why(t, match[1])
		decision := report.Decisions[0].Decision
		if decision.Verdict != "deny" || decision.DryRun != dryRun || decision.Namespace != ns || decision.Name != pod.GetName() || decision.User == "" {
			t.Errorf("the decision is %+v", decision)
		}
		if first := decision.Violations[0]; first.Rule != "privileged" || first.Policy != "owasp" || first.Field != "spec.containers[0].securityContext.privileged" {
			t.Errorf("the violations are %+v", decision.Violations)
		}
		if how := report.Decisions[0].Changes[1].How; how != "exempt" {
			t.Errorf("want an exemption as the second way, got %q", how)
		}
		// The object finds it, too.
		if named := s.why(t, ns+"/"+pod.GetName()); len(named.Decisions) == 0 {
			t.Error("the object's name finds no decision")
		}
	}
}

type whyReport struct {
	Decisions []struct {
		Decision struct {
			Verdict, User, Namespace, Name string
			DryRun                         bool `json:"dry_run"`
			Violations                     []struct{ Rule, Policy, Field string }
		}
		Changes []struct{ How string }
	}
}

// why has podreeve explain a decision of the suite's server. Its line is written a moment after the answer.
func (s *suite) why(t *testing.T, wanted string) (report whyReport) {
	t.Helper()
	must(t, harness.Await(t.Context(), "the line of "+wanted, func(ctx context.Context) (bool, error) {
		said, err := s.PodreeveCommand(ctx, "", "why", wanted, s.server.LogFile, "-o", "json")
		if err != nil || said.Code != 0 {
			return false, fmt.Errorf("%s: %w", said, err)
		}
		return true, json.Unmarshal([]byte(said.Stdout), &report)
	}))
	return report
}
