package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"podreeve.dev/e2e/harness"
)

// bring: the command, the ports and the health check of an image count for the pod that runs it, and what lies in its layers.
func (i *images) bring(t *testing.T) {
	ns := i.team(t, "brings", i.hook)
	push := func(name string, run map[string]any, files ...string) string {
		all := map[string]string{"etc/passwd": "root:x:0:0::/:/bin/sh\n"}
		for _, file := range files {
			all[file] = "#!/bin/sh\n"
		}
		run["User"], run["Env"] = "1000", []string{"PATH=/usr/sbin:/usr/bin"}
		image, digest := i.registry.PushImage(name, "1", harness.Image{Run: run, Files: all})
		i.Create(t.Context(), i.GoodPod(ns, "first", withImage(image)), true) // whatever the answer: from now on podreeve reads the layers
		i.read(t, image, digest)
		return image
	}
	for _, test := range []struct {
		name   string
		run    map[string]any
		files  []string
		denied string
	}{
		{"ssh-runs", map[string]any{"Entrypoint": []string{"/usr/sbin/sshd", "-D"}}, []string{"usr/sbin/sshd"}, "sshd as the program of the image"},
		{"ssh-script", map[string]any{"Cmd": []string{"/bin/sh", "-c", "exec /usr/sbin/sshd -D"}}, nil, "sshd as the program of the image"},
		{"ssh-port", map[string]any{"ExposedPorts": map[string]any{"22/tcp": map[string]any{}}}, nil, "EXPOSE 22 in the image"},
		{"ssh-lies", map[string]any{"Cmd": []string{"app"}}, []string{"usr/sbin/sshd"}, ""},
		{"ports", map[string]any{"ExposedPorts": map[string]any{"80/tcp": map[string]any{}, "8080/tcp": map[string]any{}}}, nil, ""},
	} {
		image := push(test.name, test.run, test.files...)
		replaced := harness.Container(func(container map[string]any) { container["command"] = []any{"/usr/bin/app"} })
		if answer := i.Create(t.Context(), i.GoodPod(ns, test.name, withImage(image), replaced), true); test.name == "ssh-runs" {
			wantAdmitted(t, answer) // the pod's own command counts
		}
		answer := i.Create(t.Context(), i.GoodPod(ns, test.name, withImage(image)), true)
		if test.denied == "" {
			wantAdmitted(t, answer)
			continue
		}
		wantDenied(t, answer, "ssh-server", "spec.containers[0].image")
		if !strings.Contains(answer.Err.Error(), test.denied) {
			t.Errorf("want %q in the denial: %v", test.denied, answer.Err)
		}
	}
	// What is only audited is in the log of decisions.
	for _, want := range []string{"/usr/sbin/sshd in the image", "EXPOSE 80 in the image"} {
		must(t, i.server.AwaitLog(t.Context(), want))
	}
	checked := push("checked", map[string]any{"Healthcheck": map[string]any{"Test": []string{"CMD-SHELL", "wget -q localhost:8080/ok"}}})
	answer := i.Create(t.Context(), i.GoodPod(ns, "checked", withImage(checked), withoutProbes), true)
	wantDenied(t, answer, "health-probes", "spec.containers[0].livenessProbe")
	if text := answer.Err.Error(); !strings.Contains(text, "wget -q localhost:8080/ok") || !strings.Contains(text, "HEALTHCHECK of the image") {
		t.Errorf("want the check of the image as a probe: %s", text)
	}
}

var withoutProbes = harness.Container(func(container map[string]any) {
	delete(container, "livenessProbe")
	delete(container, "readinessProbe")
})

// entered: where the pod names no user, the user of the image that runs says whether a shell in it is one of root. The node reports which image it is; the tag
// may lead to another one by now.
func (i *images) entered(t *testing.T) {
	ns := i.team(t, "exec", i.hook)
	for name, user := range map[string]string{"user": "1000", "root": "0"} {
		image, digest := i.registry.Push("exec-"+name, user)
		i.registry.Push("exec-"+name, map[string]string{"user": "0", "root": "1000"}[name])
		pod := created(t, i.suite, i.GoodPod(ns, name, withImage(image), func(pod *harness.Object) {
			unstructured.RemoveNestedField(pod.Object, "spec", "securityContext", "runAsNonRoot")
		})).Object
		if in, said := entered(t, i.suite, pod); in || !strings.Contains(said.Stderr, "the image's user, which may be root") {
			t.Errorf("want the caller kept out of %s while nobody knows what runs, got %s", name, said)
		}
		status := fmt.Sprintf(`{"status": {"containerStatuses": [{"name": "app", "image": %[1]q, "imageID": "%[2]s@%[3]s", "ready": true, "restartCount": 0,
			"state": {"running": {}}, "lastState": {}}]}}`, image, strings.TrimSuffix(image, ":1"), digest)
		kubectl(t, i.suite, "", "patch", "pod", "-n", ns, pod.GetName(), "--subresource=status", "--type=merge", "-p", status)
		must(t, harness.Await(t.Context(), "podreeve knows what runs in "+name, func(context.Context) (bool, error) {
			in, said := entered(t, i.suite, pod)
			known := in || strings.Contains(said.Stderr, "the image's user 0, which is root")
			return known && in == (name == "user"), fmt.Errorf("%s", said)
		}))
	}
}
