package e2e

import (
	"encoding/json"
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
		said := kubectl(t, s, "", "set", "image", "-n", ns, "pod/"+bad.GetName(), "app="+debugImage)
		wantRefused(t, said, "spec.containers[0].securityContext.privileged", "The update changes an image")
	})
	t.Run("a debug container", func(t *testing.T) {
		said := debug(t, s, bad, "sysadmin", withAnswers)
		wantRefused(t, said, "spec.containers[0].securityContext.privileged",
			"spec.ephemeralContainers[0].securityContext.privileged", "The update adds a container")
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

// An old bad Deployment can be scaled and labelled; a change of its template would bring pods, so it is judged as if it were created.
func TestOldBadDeployment(t *testing.T) {
	s := up(t)
	ns := namespace(t, s, "old", nil)
	deployment := harness.WorkloadOf("Deployment")
	old := created(t, s, deployment.Wrap(s.GoodPod(ns, "old", harness.Privileged), ns, "old")).Object
	must(t, s.LookAt(t.Context(), ns, s.hook))

	const privileged = "spec.template.spec.containers[0].securityContext.privileged"
	for _, test := range []struct{ name, patch, rule, field string }{
		{"replicas", `{"spec":{"replicas":3}}`, "", ""},
		{"label", `{"metadata":{"labels":{"by":"api"}}}`, "", ""},
		{"finalizer", `{"metadata":{"finalizers":["example.com/hold"]}}`, "", ""},
		{"no finalizer", `{"metadata":{"finalizers":null}}`, "", ""},
		{"image", `{"spec":{"template":{"spec":{"containers":[{"name":"app","image":"` + debugImage + `"}]}}}}`, "privileged", privileged},
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
	t.Run("scale", func(t *testing.T) {
		if said := kubectl(t, s, "", "scale", "-n", ns, "deployment/"+old.GetName(), "--replicas=5"); said.Code != 0 {
			t.Errorf("want it scaled: %s", said)
		}
	})
	t.Run("rollout restart", func(t *testing.T) {
		said := kubectl(t, s, "", "rollout", "restart", "-n", ns, "deployment/"+old.GetName(), withAnswers)
		wantRefused(t, said, privileged, "\n-       privileged: true ", "The update changes the pod template")
	})
	t.Run("what is there is applied again", func(t *testing.T) {
		current := s.Get(t.Context(), old).Object
		text, err := json.Marshal(current.Object)
		must(t, err)
		if said := kubectl(t, s, string(text), "replace", "-f", "-"); said.Code != 0 {
			t.Errorf("want it let in, since its template is the same: %s", said)
		}
	})
}

func debug(t *testing.T, s *suite, pod *harness.Object, profile string, flags ...string) harness.Said {
	t.Helper()
	return kubectl(t, s, "", append(flags, "debug", "-n", pod.GetNamespace(), "pod/"+pod.GetName(), "--image", debugImage, "--container", "debugger",
		"--profile", profile, "--attach=false")...)
}

func wantRefused(t *testing.T, said harness.Said, texts ...string) {
	t.Helper()
	if said.Code == 0 {
		t.Errorf("want it refused: %s", said)
	}
	for _, text := range texts {
		if !strings.Contains(said.Stderr, text) {
			t.Errorf("kubectl does not show %q: %s", text, said)
		}
	}
}
