package e2e

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"podreeve.dev/e2e/harness"
)

// What a careless decoder fails on is judged like any other pod: let in where good, refused by its rule where bad, and
// still so on the way of an update, which sends it twice.
func TestHostilePods(t *testing.T) {
	s := up(t)
	t.Run("HTTP/2 as to loopback", func(t *testing.T) { hostilePods(t, s, s.hook) })
	t.Run("HTTP/1.1 as to a Service", func(t *testing.T) {
		if !s.Owned {
			t.Skip("needs a cluster of our own: it must know the name " + harness.ServiceName)
		}
		hook := s.NewHook()
		must(t, s.Register(t.Context(), hook, s.ServiceURL(s.server.Port), s.server.CA))
		hostilePods(t, s, hook)
	})
}

func hostilePods(t *testing.T, s *suite, hook *harness.Hook) {
	ns := namespace(t, s, "hostile", hook)
	for _, test := range []struct {
		name   string
		spoil  func(manifest string) string
		proven func(*harness.Object) bool // that the API server kept what makes it hostile
	}{
		{"managedFields 200 levels deep", withDeepManagedFields, func(pod *harness.Object) bool { return depth(pod.Object["metadata"]) > 200 }},
		{"a mebibyte of <", withAngles, func(pod *harness.Object) bool {
			args, _ := harness.Lookup(pod, "spec.containers[0].args[0]").(string)
			return len(args) == 1<<20
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			good := s.GoodPod(ns, "good", harness.Unprofiled)
			answer := s.CreateRaw(t.Context(), ns, []byte(test.spoil(manifest(t, good))))
			wantAdmitted(t, answer)
			if !test.proven(answer.Object) {
				t.Fatal("the API server did not keep what this test is about")
			}
			if got := harness.Lookup(answer.Object, "spec.securityContext.seccompProfile.type"); got != "RuntimeDefault" {
				t.Errorf("the pod was not repaired: its seccomp profile is %v", got)
			}
			wantAdmitted(t, s.Patch(t.Context(), good, `{"metadata":{"labels":{"changed":"yes"}}}`))

			bad := s.GoodPod(ns, "bad", harness.Privileged)
			answer = s.CreateRaw(t.Context(), ns, []byte(test.spoil(manifest(t, bad))))
			wantDenied(t, answer, "privileged", "spec.containers[0].securityContext.privileged")
			wantNotStored(t, s, bad)
		})
	}
}

func withDeepManagedFields(manifest string) string {
	const levels = 200
	fields := strings.Repeat(`{"f:a":`, levels) + "{}" + strings.Repeat("}", levels)
	entry := `{"manager":"deep","operation":"Update","apiVersion":"v1","time":"2026-01-01T00:00:00Z","fieldsType":"FieldsV1","fieldsV1":` + fields + `}`
	return strings.Replace(manifest, `"metadata":{`, `"metadata":{"managedFields":[`+entry+`],`, 1)
}

// withAngles: the API server writes each < as six bytes when it calls the webhook.
func withAngles(manifest string) string {
	return strings.Replace(manifest, `"containers":[{`, `"containers":[{"args":["`+strings.Repeat("<", 1<<20)+`"],`, 1)
}

func depth(value any) int {
	deepest := 0
	switch value := value.(type) {
	case map[string]any:
		for _, inner := range value {
			deepest = max(deepest, depth(inner))
		}
	case []any:
		for _, inner := range value {
			deepest = max(deepest, depth(inner))
		}
	default:
		return 0
	}
	return deepest + 1
}

// Spellings that the API accepts for the same thing: a rule that compares text misses them.
func TestOtherSpellings(t *testing.T) {
	s := up(t)
	ns, plain := namespace(t, s, "spelling", s.hook), namespace(t, s, "plain", nil)
	hostPath := func(path string) func(*harness.Object) {
		return harness.Set([]any{map[string]any{"name": "host", "hostPath": map[string]any{"path": path}}}, "spec", "volumes")
	}
	capability := func(name string) func(*harness.Object) {
		return harness.Container(func(container map[string]any) {
			context := container["securityContext"].(map[string]any)
			context["capabilities"] = map[string]any{"drop": []any{"ALL"}, "add": []any{name}}
			delete(context, "allowPrivilegeEscalation") // the API refuses false beside SYS_ADMIN
		})
	}
	for _, test := range []struct {
		name   string
		change func(*harness.Object)
		rule   string
	}{
		{"socket with double slashes", hostPath("//var//run/docker.sock"), "runtime-socket"},
		{"folder of the socket", hostPath("/var/run/"), "runtime-socket"},
		{"dot in the path", hostPath("/var/./run/docker.sock"), "runtime-socket"},
		{"relative path", hostPath("var/run/docker.sock"), "runtime-socket"},
		{"root as /.", hostPath("/."), "runtime-socket"},
		{"newline after the path", hostPath("/var/run/docker.sock\n"), "runtime-socket"},
		{"root of the first process", hostPath("/proc/1/root"), "runtime-socket"},
		{"capability in small letters", capability("sys_admin"), "capabilities"},
		{"capability with prefix", capability("CAP_SYS_ADMIN"), "capabilities"},
		{"capability all", capability("all"), "capabilities"},
		{"capability with a blank", capability(" SYS_ADMIN"), "capabilities"},
		{"root container in a non-root pod", harness.Container(func(container map[string]any) {
			must(t, unstructured.SetNestedField(container, int64(0), "securityContext", "runAsUser"))
		}), "run-as-non-root"},
		{"a container without seccomp in a pod with it", harness.Container(func(container map[string]any) {
			must(t, unstructured.SetNestedField(container, "Unconfined", "securityContext", "seccompProfile", "type"))
		}), "seccomp-profile"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if answer := s.Create(t.Context(), s.GoodPod(plain, "spelling", test.change), true); answer.Err != nil {
				t.Fatalf("the API server itself refuses this, so the test proves nothing: %v", answer.Err)
			}
			wantDenied(t, s.Create(t.Context(), s.GoodPod(ns, "spelling", test.change), true), test.rule)
		})
	}
}
