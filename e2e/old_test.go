package e2e

import (
	"strings"
	"testing"

	"podreeve.dev/e2e/harness"
)

// What was there before podreeve must not block the cluster: a change that brings nothing new passes with a warning.
func TestOldBadPod(t *testing.T) {
	s := up(t)
	ns := namespace(t, s, "old", nil)
	bad := created(t, s, s.GoodPod(ns, "bad", harness.Privileged)).Object
	bound := s.GoodPod(ns, "bound", harness.Privileged)
	bound.SetFinalizers([]string{"example.com/hold"})
	bound = created(t, s, bound).Object
	must(t, s.LookAt(t.Context(), ns, s.hook))

	t.Run("label", func(t *testing.T) {
		answer := s.Patch(t.Context(), bad, `{"metadata":{"labels":{"by":"api"}}}`)
		wantAdmitted(t, answer)
		wantWarning(t, answer, "privileged")
		said := kubectl(t, s, "", "label", "-n", ns, "pod", bad.GetName(), "by=kubectl", "--overwrite")
		if said.Code != 0 || !strings.Contains(said.Stderr, "Warning: podreeve") {
			t.Errorf("want the label set and a warning shown: %s", said)
		}
		if got := harness.Lookup(s.Get(t.Context(), bad).Object, "metadata.labels.by"); got != "kubectl" {
			t.Errorf("the label is stored as %v, want kubectl", got)
		}
	})
	t.Run("image", func(t *testing.T) {
		answer := s.Patch(t.Context(), bad, `{"spec":{"containers":[{"name":"app","image":"`+debugImage+`"}]}}`)
		wantAdmitted(t, answer)
		wantWarning(t, answer, "privileged")
	})
	t.Run("a new violation in a debug container", func(t *testing.T) {
		said := kubectl(t, s, "", "debug", "-n", ns, "pod/"+bad.GetName(), "--image", debugImage, "--container", "debugger", "--profile", "sysadmin", "--attach=false")
		if said.Code == 0 || !strings.Contains(said.Stderr, "spec.ephemeralContainers[0].securityContext.privileged") {
			t.Errorf("an old violation excuses a new one: %s", said)
		}
	})
	t.Run("finalizer", func(t *testing.T) {
		if err := s.Delete(t.Context(), bound).Err; err != nil {
			t.Fatal(err)
		}
		if harness.Lookup(s.Get(t.Context(), bound).Object, "metadata.deletionTimestamp") == nil {
			t.Fatal("the pod is not being deleted")
		}
		wantAdmitted(t, s.Patch(t.Context(), bound, `{"metadata":{"finalizers":null}}`))
		wantNotStored(t, s, bound)
	})
}

// An old bad Deployment can be changed where that brings nothing new; a new violation is refused by its own name.
func TestOldBadDeployment(t *testing.T) {
	s := up(t)
	ns := namespace(t, s, "old", nil)
	deployment := harness.WorkloadOf("Deployment")
	old := created(t, s, deployment.Wrap(s.GoodPod(ns, "old", harness.Privileged), ns, "old")).Object
	must(t, s.LookAt(t.Context(), ns, s.hook))

	for _, test := range []struct{ name, patch, rule, field string }{
		{"replicas", `{"spec":{"replicas":3}}`, "", ""},
		{"image", `{"spec":{"template":{"spec":{"containers":[{"name":"app","image":"` + debugImage + `"}]}}}}`, "", ""},
		{"host network", `{"spec":{"template":{"spec":{"hostNetwork":true,"hostUsers":null}}}}`, "host-network", "spec.template.spec.hostNetwork"},
		{"a second privileged container",
			`{"spec":{"template":{"spec":{"containers":[{"name":"two","image":"` + debugImage + `","securityContext":{"privileged":true}}]}}}}`,
			"privileged", "spec.template.spec.containers[0].securityContext.privileged"},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer := s.Patch(t.Context(), old, test.patch)
			if test.rule != "" {
				wantDenied(t, answer, test.rule, test.field)
				return
			}
			wantAdmitted(t, answer)
			wantWarning(t, answer, "privileged")
		})
	}
}
