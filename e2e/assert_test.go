package e2e

import (
	"net/http"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"podreeve.dev/e2e/harness"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func namespace(t *testing.T, s *suite, hint string, hook *harness.Hook) string {
	t.Helper()
	name, err := s.Namespace(t.Context(), hint, hook)
	must(t, err)
	return name
}

// created stores an object and fails the test when it is not let in.
func created(t *testing.T, s *suite, object *harness.Object) harness.Answer {
	t.Helper()
	answer := s.Create(t.Context(), object, false)
	wantAdmitted(t, answer)
	return answer
}

// withAnswers makes kubectl log what the API server answers. Its message shows the sender's object; the fields are in the causes.
const withAnswers = "-v=9"

func kubectl(t *testing.T, s *suite, stdin string, args ...string) harness.Said {
	t.Helper()
	said, err := s.Kubectl(t.Context(), stdin, args...)
	must(t, err)
	return said
}

func wantAdmitted(t *testing.T, answer harness.Answer) {
	t.Helper()
	if answer.Err != nil {
		t.Fatalf("want it admitted, got: %v", answer.Err)
	}
}

// wantDenied: podreeve refused it as Forbidden, for this rule, which the text names, at these fields, which the causes have.
func wantDenied(t *testing.T, answer harness.Answer, rule string, fields ...string) {
	t.Helper()
	if !answer.Denied() {
		t.Fatalf("want it denied by %s, got error %v, warnings %q", harness.ValidateHook, answer.Err, answer.Warnings)
	}
	status := answer.Status()
	if status.Code != http.StatusForbidden || status.Reason != metav1.StatusReasonForbidden {
		t.Errorf("want code 403 and reason Forbidden, got %d %q", status.Code, status.Reason)
	}
	if !strings.Contains(status.Message, rule) {
		t.Errorf("the message does not name the rule %s:\n%s", rule, status.Message)
	}
	for _, field := range fields {
		if !hasCause(status, rule, field) {
			t.Errorf("no cause in status.details has rule %s at field %s: %+v", rule, field, status.Details)
		}
	}
}

func hasCause(status *metav1.Status, rule, field string) bool {
	if status.Details == nil {
		return false
	}
	for _, cause := range status.Details.Causes {
		if cause.Field == field && (string(cause.Type) == rule || strings.Contains(cause.Message, rule)) {
			return true
		}
	}
	return false
}

// warnsOf says whether a warning of podreeve names the rule.
func warnsOf(warnings []string, rule string) bool {
	for _, warning := range warnings {
		if strings.HasPrefix(warning, "podreeve") && strings.Contains(warning, rule) {
			return true
		}
	}
	return false
}

func wantWarning(t *testing.T, answer harness.Answer, rule string) {
	t.Helper()
	if !warnsOf(answer.Warnings, rule) {
		t.Errorf("want a warning that begins with podreeve and names %s, got %q", rule, answer.Warnings)
	}
}

// wantNotStored: what was refused or removed must not be there.
func wantNotStored(t *testing.T, s *suite, object *harness.Object) {
	t.Helper()
	if status := s.Get(t.Context(), object).Status(); status == nil || status.Reason != metav1.StatusReasonNotFound {
		t.Errorf("%s %s must not be stored; reading it gives %+v", object.GetKind(), object.GetName(), status)
	}
}
