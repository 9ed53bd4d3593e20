package e2e

import (
	"strings"
	"testing"

	"podreeve.dev/e2e/harness"
)

// With podreeve killed nothing gets past it (failurePolicy Fail); started again on the same port, with the
// same certificate, it works on.
func TestKilledAndStartedAgain(t *testing.T) {
	s := up(t)
	cert, err := s.NewCertificate()
	must(t, err)
	server, err := s.StartPodreeveWith(t.Context(), cert)
	must(t, err)
	hook := s.NewHook()
	must(t, s.Register(t.Context(), hook, server.URL(), server.CA))
	ns := namespace(t, s, "down", hook)
	created(t, s, s.GoodPod(ns, "before"))

	server.Kill()
	for _, object := range []*harness.Object{
		s.GoodPod(ns, "good"),
		s.GoodPod(ns, "bad", harness.Privileged),
		harness.WorkloadOf("Deployment").Wrap(s.GoodPod(ns, "good"), ns, s.Name("good")),
	} {
		answer := s.Create(t.Context(), object, false)
		if answer.Err == nil || !strings.Contains(answer.Err.Error(), `failed calling webhook "`+harness.ValidateHook+`"`) {
			t.Errorf("podreeve is dead, want %s kept out for that; got error %v", object.GetKind(), answer.Err)
		}
		wantNotStored(t, s, object)
	}

	must(t, server.Start(t.Context()))
	created(t, s, s.GoodPod(ns, "after"))
	wantDenied(t, s.Create(t.Context(), s.GoodPod(ns, "after", harness.Privileged), false), "privileged")
}
