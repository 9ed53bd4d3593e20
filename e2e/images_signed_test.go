package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"podreeve.dev/e2e/harness"
)

var signedAlone = map[string]harness.RuleSetting{
	"image-signature": {Action: "deny"}, "privileged": {Action: "deny"}, "allow-privilege-escalation": {Action: "patch"},
}

// Under a rule that denies, nothing runs that nobody has verified, however it is named and wherever a pod names it.
func TestOnlySignedImagesRun(t *testing.T) {
	i := newImagesWith(t, signedAlone)
	key, public, err := harness.SigningKey()
	must(t, err)
	other, _, err := harness.SigningKey()
	must(t, err)
	i.settings(t, fmt.Sprintf("trust: [{prefix: %q, anyOf: [{cosignKey: {pem: %q}}]}]", i.registry.Host, public))
	good, digest := i.registry.Push("good", "1000")
	must(t, i.registry.Sign("good", digest, key))
	pinned := strings.TrimSuffix(good, ":1") + "@" + digest
	must(t, harness.Await(t.Context(), "the settings count", func(ctx context.Context) (bool, error) {
		answer := i.Create(ctx, i.pod(good), true)
		return answer.Denied(), answer.Err
	}))
	i.known(t, pinned)
	wantDenied(t, i.create(t, good), "image-signature", "spec.containers[0].image")

	push := func(name string, sign func(digest string) error) string {
		reference, digest := i.registry.Push(name, "1000")
		if sign != nil {
			must(t, sign(digest))
		}
		return strings.TrimSuffix(reference, ":1") + "@" + digest
	}
	unsigned := push("unsigned", nil)
	denied := map[string]string{
		"no signature":                unsigned,
		"another key":                 push("other", func(digest string) error { return i.registry.Sign("other", digest, other) }),
		"of another repository":       push("copy", func(digest string) error { return i.registry.SignFor("copy", "good", digest, key) }),
		"of another digest":           push("moved", func(string) error { return i.registry.Sign("moved", digest, key) }),
		"a digest in upper case":      strings.TrimSuffix(good, ":1") + "@sha256:" + strings.ToUpper(strings.TrimPrefix(digest, "sha256:")),
		"a digest that no image has":  strings.TrimSuffix(good, ":1") + "@sha256:" + strings.Repeat("0", 64),
		"a tag that leads to another": good,
	}
	i.registry.Tag("good", "unsigned", strings.SplitN(unsigned, "@", 2)[1])
	for name, image := range denied {
		wantDenied(t, i.create(t, image), "image-signature", "spec.containers[0].image")
		if t.Failed() {
			t.Fatalf("%s: %s", name, image)
		}
	}
	// The digest that was signed stays signed, wherever the tag leads.
	wantAdmitted(t, i.create(t, pinned))
	i.wherever(t, pinned, unsigned)
	i.registry.Stop()
	wantAdmitted(t, i.create(t, pinned))
	wantDenied(t, i.create(t, strings.TrimSuffix(good, "good:1")+"never@sha256:"+strings.Repeat("1", 64)), "image-signature")
	must(t, i.registry.Start())
}

// wherever: in each list, in a volume, in a debug container, in an update, and behind more images than one question has.
func (i *images) wherever(t *testing.T, pinned, unsigned string) {
	t.Helper()
	with := func(field, name string, value map[string]any) *harness.Object {
		pod := i.pod(pinned)
		value["name"] = name
		unstructured.SetNestedSlice(pod.Object, []any{value}, "spec", field)
		return pod
	}
	container := firstContainer(i.pod(unsigned))
	delete(container, "livenessProbe")
	delete(container, "readinessProbe")
	wantDenied(t, i.Create(t.Context(), with("initContainers", "init", container), true), "image-signature", "spec.initContainers[0].image")
	volume := map[string]any{"image": map[string]any{"reference": unsigned}}
	wantDenied(t, i.Create(t.Context(), with("volumes", "mounted", volume), true), "image-signature", "spec.volumes[0].image.reference")

	// The images in front of it need no signature, and are as many as one question has.
	late, _ := i.registry.Push("late", "1000")
	many := i.pod(pinned)
	containers := []any{}
	for n := range 65 {
		image := fmt.Sprintf("registry.example.com/shop/web%d:1", n)
		if n == 64 {
			image = late
		}
		one := firstContainer(i.pod(image))
		one["name"] = fmt.Sprintf("c%d", n)
		containers = append(containers, one)
	}
	unstructured.SetNestedSlice(many.Object, containers, "spec", "containers")
	wantDenied(t, i.Create(t.Context(), many, true), "image-signature", "spec.containers[64].image")

	running := created(t, i.suite, i.pod(pinned)).Object
	debug := kubectl(t, i.suite, "", "debug", "-n", i.ns, "pod/"+running.GetName(), "--image", unsigned, "--container", "debugger", "--attach=false")
	if debug.Code == 0 || !strings.Contains(debug.Stderr, "image-signature") {
		t.Errorf("want the debug container refused: %s", debug)
	}
	patch := fmt.Sprintf(`{"spec": {"containers": [{"name": "app", "image": %q}]}}`, unsigned)
	said := kubectl(t, i.suite, "", "patch", "pod", "-n", i.ns, running.GetName(), "--patch", patch)
	if said.Code == 0 || !strings.Contains(said.Stderr, "image-signature") {
		t.Errorf("want the new image refused: %s", said)
	}
}

func firstContainer(pod *harness.Object) map[string]any {
	containers, _, _ := unstructured.NestedSlice(pod.Object, "spec", "containers")
	return containers[0].(map[string]any)
}
