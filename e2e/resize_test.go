package e2e

import (
	"maps"
	"testing"

	"podreeve.dev/e2e/harness"
)

// pods/resize is judged like any update: what it raises above the policy is refused, the rest passes.
func TestResize(t *testing.T) {
	s := up(t)
	limited := ownHook(t, s, limitedTo("256Mi"))
	const memory = "spec.containers[0].resources.limits.memory"
	for _, test := range []struct {
		name, limit string
		hook        *harness.Hook
		refused     bool
	}{
		{"up to the maximum", "256Mi", limited, false},
		{"above the maximum", "257Mi", limited, true},
		{"no maximum", "64Gi", s.hook, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			pod := created(t, s, s.GoodPod(namespace(t, s, "resize", test.hook), "resized")).Object
			answer := s.Patch(t.Context(), pod, `{"spec":{"containers":[{"name":"app","resources":{"limits":{"memory":"`+test.limit+`"}}}]}}`, "resize")
			want := test.limit
			if test.refused {
				wantDenied(t, answer, "memory-limit", memory)
				want = "128Mi"
			} else {
				wantAdmitted(t, answer)
			}
			stored := s.Get(t.Context(), pod)
			wantAdmitted(t, stored)
			if got := harness.Lookup(stored.Object, memory); got != want {
				t.Errorf("the memory limit is stored as %v, want %s", got, want)
			}
		})
	}
}

func limitedTo(memory string) harness.Policy {
	rules := maps.Clone(harness.ProbeRules)
	rules["memory-limit"] = harness.RuleSetting{Action: "deny", Params: map[string]any{"max": memory}}
	return harness.NewPolicy("limited", nil, rules)
}

// A pod that was above the maximum before the policy came may be resized down, even to a limit that is still too high.
func TestResizeOfAnOldPodGoesDown(t *testing.T) {
	s := up(t)
	hook := ownHook(t, s, limitedTo("256Mi"))
	ns := namespace(t, s, "old", nil)
	old := created(t, s, s.GoodPod(ns, "old", harness.Container(func(container map[string]any) {
		container["resources"].(map[string]any)["limits"] = map[string]any{"cpu": "1", "memory": "512Mi"}
		// Kubernetes 1.33 lowers a memory limit only so.
		container["resizePolicy"] = []any{map[string]any{"resourceName": "memory", "restartPolicy": "RestartContainer"}}
	}))).Object
	must(t, s.LookAt(t.Context(), ns, hook))
	resize := func(memory string) harness.Answer {
		return s.Patch(t.Context(), old, `{"spec":{"containers":[{"name":"app","resources":{"limits":{"memory":"`+memory+`"}}}]}}`, "resize")
	}
	down := resize("400Mi")
	wantAdmitted(t, down)
	wantWarning(t, down, "memory-limit")
	wantDenied(t, resize("450Mi"), "memory-limit", "spec.containers[0].resources.limits.memory")
	wantAdmitted(t, resize("256Mi"))
}
