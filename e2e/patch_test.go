package e2e

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"podreeve.dev/e2e/harness"
)

//go:embed testdata/rich-pod.yaml
var richPod []byte

// A pod with many fields that podreeve does not look at is stored with the repairs and with nothing else changed: it is
// compared, field by field, with the same pod stored where no webhook looks.
func TestPatchChangesOnlyWhatItRepairs(t *testing.T) {
	s := up(t)
	watched, plain := namespace(t, s, "patch", s.hook), namespace(t, s, "plain", nil)
	pod, err := harness.ParseObject(richPod)
	must(t, err)

	read := func(namespace string) *harness.Object {
		object := harness.WorkloadOf("Pod").Wrap(pod, namespace, "rich")
		created(t, s, object)
		stored := s.Get(t.Context(), object)
		wantAdmitted(t, stored)
		delete(stored.Object.Object, "status") // the API server puts times there
		for _, perObject := range []string{"namespace", "uid", "resourceVersion", "creationTimestamp", "managedFields"} {
			metadata := stored.Object.Object["metadata"].(map[string]any)
			delete(metadata, perObject)
		}
		return stored.Object
	}
	got := differences("", read(plain).Object, read(watched).Object)
	want := map[string]string{
		"spec.securityContext.seccompProfile":                             `{"type":"RuntimeDefault"}`,
		"spec.containers[0].securityContext.allowPrivilegeEscalation":     "false",
		"spec.containers[1].securityContext.allowPrivilegeEscalation":     "false",
		"spec.initContainers[0].securityContext.allowPrivilegeEscalation": "false",
	}
	if !maps.Equal(got, want) {
		t.Errorf("the webhooks changed\n  %s\nwant\n  %s", lines(got), lines(want))
	}
}

// Repairs make the parents that are missing: a pod without any securityContext.
func TestPatchMakesMissingParents(t *testing.T) {
	s := up(t)
	hook := ownHook(t, s, harness.NewPolicy("repairs", nil, map[string]harness.RuleSetting{
		"privileged":                 {Action: "deny"},
		"seccomp-profile":            {Action: "patch"},
		"allow-privilege-escalation": {Action: "patch"},
	}))
	pod, err := harness.ParseObject([]byte(`{apiVersion: v1, kind: Pod, metadata: {name: bare}, spec: {containers: [{name: app, image: registry.example.com/app}]}}`))
	must(t, err)
	pod.SetNamespace(namespace(t, s, "bare", hook))
	created(t, s, pod)
	stored := s.Get(t.Context(), pod)
	wantAdmitted(t, stored)
	for path, want := range map[string]any{
		"spec.securityContext.seccompProfile.type":                    "RuntimeDefault",
		"spec.containers[0].securityContext.allowPrivilegeEscalation": false,
	} {
		if got := harness.Lookup(stored.Object, path); got != want {
			t.Errorf("%s is stored as %v, want %v", path, got, want)
		}
	}
}

// ownHook starts a podreeve with these policies and registers it under a hook of its own.
func ownHook(t *testing.T, s *suite, policies ...harness.Policy) *harness.Hook {
	t.Helper()
	dir, err := s.WritePolicies(policies...)
	must(t, err)
	server, err := s.StartPodreeve(t.Context(), "--policy", dir)
	must(t, err)
	hook := s.NewHook()
	must(t, s.Register(t.Context(), hook, server.URL(), server.CA))
	return hook
}

// differences lists the paths at which b is not a, with the JSON that b has there.
func differences(path string, a, b any) map[string]string {
	found := map[string]string{}
	switch before := a.(type) {
	case map[string]any:
		if after, same := b.(map[string]any); same {
			for key := range merged(before, after) {
				maps.Copy(found, differences(join(path, key), before[key], after[key]))
			}
			return found
		}
	case []any:
		if after, same := b.([]any); same && len(before) == len(after) {
			for i := range before {
				maps.Copy(found, differences(fmt.Sprintf("%s[%d]", path, i), before[i], after[i]))
			}
			return found
		}
	}
	if !reflect.DeepEqual(a, b) {
		text, _ := json.Marshal(b) // it came from JSON
		found[path] = string(text)
	}
	return found
}

func merged(a, b map[string]any) map[string]any {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func lines(m map[string]string) string {
	text := ""
	for _, key := range slices.Sorted(maps.Keys(m)) {
		text += key + " = " + m[key] + "\n  "
	}
	return text
}
