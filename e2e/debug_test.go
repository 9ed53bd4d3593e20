package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"podreeve.dev/e2e/harness"
)

const debugImage = "registry.example.com/tools/debug@sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"

// kubectl debug into a good pod: what adds a privileged container is refused, what adds a harmless one is let in.
func TestKubectlDebug(t *testing.T) {
	s := up(t)
	ns := namespace(t, s, "debug", s.hook)
	for _, test := range []struct {
		name, profile, custom string
		refusedFor            string // empty: let in
	}{
		{"sysadmin profile", "sysadmin", "", "privileged"},
		{"custom privileged container", "general", `{"securityContext":{"privileged":true}}`, "privileged"},
		{"netadmin profile", "netadmin", "", "capabilities"},
		{"restricted and read-only", "restricted",
			`{"securityContext":{"readOnlyRootFilesystem":true,"runAsNonRoot":true,"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]}}}`, ""},
		{"what is missing is repaired", "restricted",
			`{"securityContext":{"readOnlyRootFilesystem":true,"runAsNonRoot":true,"allowPrivilegeEscalation":null,"capabilities":{"drop":["ALL"]}}}`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			pod := created(t, s, s.GoodPod(ns, "debugged")).Object
			args := []string{"debug", "-n", ns, "pod/" + pod.GetName(), "--image", debugImage, "--container", "debugger", "--profile", test.profile, "--attach=false", withAnswers}
			if test.custom != "" {
				file := filepath.Join(t.TempDir(), "custom.json")
				must(t, os.WriteFile(file, []byte(test.custom), 0o600))
				args = append(args, "--custom", file)
			}
			said := kubectl(t, s, "", args...)
			stored := s.Get(t.Context(), pod)
			wantAdmitted(t, stored)
			escalation := harness.Lookup(stored.Object, "spec.ephemeralContainers[0].securityContext.allowPrivilegeEscalation")
			added := harness.Lookup(stored.Object, "spec.ephemeralContainers[0].name") == "debugger"
			switch {
			case test.refusedFor == "" && (said.Code != 0 || !added):
				t.Errorf("want the debug container let in: %s", said)
			case test.refusedFor == "" && escalation != false:
				t.Errorf("allowPrivilegeEscalation of the debug container is stored as %v, want false", escalation)
			case test.refusedFor != "" && (said.Code == 0 || added):
				t.Errorf("want the debug container refused: %s", said)
			case test.refusedFor != "":
				wantRefused(t, said, "spec.ephemeralContainers[0].securityContext")
				// The log before the message has the request, too.
				message := said.Stderr[max(0, strings.LastIndex(said.Stderr, "denied the request")):]
				for _, want := range []string{" " + test.refusedFor, "ephemeralContainers:\n    - name: debugger\n"} {
					if !strings.Contains(message, want) {
						t.Errorf("the message does not have %q: %s", want, message)
					}
				}
			}
		})
	}
}
