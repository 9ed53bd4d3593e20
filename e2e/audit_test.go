package e2e

import (
	"testing"

	"podreeve.dev/e2e/harness"
)

// The audit log of a request that was refused or repaired names the rule.
func TestAuditLogNamesTheRule(t *testing.T) {
	s := up(t)
	if s.AuditLog == "" {
		t.Skip("the audit log of this cluster cannot be read; PODREEVE_E2E_AUDIT_LOG names it where it can")
	}
	ns := namespace(t, s, "audit", s.hook)

	refused := s.GoodPod(ns, "refused", harness.Privileged)
	wantDenied(t, s.Create(t.Context(), refused, false), "privileged")
	wantAudited(t, s, refused, "denied", "privileged")

	repaired := s.GoodPod(ns, "repaired", harness.Unprofiled)
	created(t, s, repaired)
	must(t, s.AwaitAudit(t.Context(), repaired, harness.MutateHook, "patched", "seccomp-profile"))
}

// wantAudited looks for the validating webhook's annotation, where the audit log can be read.
func wantAudited(t *testing.T, s *suite, object *harness.Object, key, rule string) {
	t.Helper()
	if s.AuditLog != "" {
		must(t, s.AwaitAudit(t.Context(), object, harness.ValidateHook, key, rule))
	}
}
