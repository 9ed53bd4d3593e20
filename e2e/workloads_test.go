package e2e

import (
	"testing"

	"podreeve.dev/e2e/harness"
)

// A good pod gets in as every kind that holds one, through kubectl, and nothing says that a rule would refuse or repair it.
func TestGoodWorkloadsAreLetIn(t *testing.T) {
	s := up(t)
	ns := namespace(t, s, "good", s.hook)
	for _, workload := range harness.Workloads {
		t.Run(workload.Kind, func(t *testing.T) {
			t.Parallel()
			object := workload.Wrap(s.GoodPod(ns, "good"), ns, s.Name("good"))
			said := kubectl(t, s, manifest(t, object), "create", "-f", "-")
			if said.Code != 0 {
				t.Fatal(said)
			}
			wantAdmitted(t, s.Get(t.Context(), object))
		})
	}
}

// The same pod with one thing wrong is refused as every kind, at the path in the kind that was sent.
func TestBadWorkloadsAreRefused(t *testing.T) {
	s := up(t)
	ns := namespace(t, s, "bad", s.hook)
	for _, workload := range harness.Workloads {
		t.Run(workload.Kind, func(t *testing.T) {
			t.Parallel()
			object := workload.Wrap(s.GoodPod(ns, "bad", harness.Privileged), ns, s.Name("bad"))
			answer := s.Create(t.Context(), object, false)
			wantDenied(t, answer, "privileged", workload.FieldPath("spec.containers[0].securityContext.privileged"))
			wantNotStored(t, s, object)
		})
	}
}

// kube-system is out by the registration's namespace selector, even where the label of this run is on it.
func TestKubeSystemIsLeftAlone(t *testing.T) {
	s := up(t)
	if !s.Owned {
		t.Skip("needs a cluster of our own: it labels kube-system")
	}
	must(t, s.Label(t.Context(), "kube-system", s.hook))
	// A pod names its node's priority class here on a real cluster; a bare one is enough to see that it is not judged.
	pod := s.GoodPod("kube-system", "system", harness.Privileged)
	wantAdmitted(t, s.Create(t.Context(), pod, true))
}

func manifest(t *testing.T, object *harness.Object) string {
	t.Helper()
	text, err := object.MarshalJSON()
	must(t, err)
	return string(text)
}
