package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"podreeve.dev/e2e/harness"
)

// inPods are the policies of these tests, by the label `team` of their namespaces.
var inPods = map[string]string{
	"pinned": "patchTemplates: true, rules: {image-digest: {action: patch}, image-user: {action: deny}, privileged: {action: deny}}",
	"signed": "rules: {image-signature: {action: deny}}",
	"both":   "rules: {image-signature: {action: deny}, image-digest: {action: patch}}",
	"brings": "rules: {ssh-server: {action: deny}, privileged-ports: {action: deny}, undeclared-ports: {action: deny}, health-probes: {action: deny}, image-size: {action: audit}}",
	"exec":   "rules: {exec-root: {action: deny}}",
}

// TestImagesInPods: what is done about the images of pods, by what a registry says of them.
func TestImagesInPods(t *testing.T) {
	s := up(t)
	dir := t.TempDir()
	policies := map[string]string{"probe": harness.ProbeOnly}
	for team, spec := range inPods {
		policies[team] = fmt.Sprintf("{match: {namespaceSelector: {matchLabels: {team: %s}}}, %s}", team, spec)
	}
	for name, spec := range policies {
		must(t, os.WriteFile(filepath.Join(dir, name+".yaml"), []byte(harness.PolicyYAML(name, spec)), 0o600))
	}
	i := imagesBy(t, s, s.NewHook().WithConnects(), dir)
	t.Run("pinned", i.pinned)
	t.Run("the tag moves", i.tagMoves)
	t.Run("pinned pods are updated", i.pinnedUpdated)
	t.Run("templates stay", i.templatesStay)
	t.Run("signed", i.signed)
	t.Run("what they bring", i.bring)
	t.Run("entered", i.entered)
}

// team makes a namespace of one of the policies.
func (i *images) team(t *testing.T, team string, hook *harness.Hook) string {
	t.Helper()
	ns, err := i.NamespaceWith(t.Context(), team, hook, map[string]string{"team": team})
	must(t, err)
	return ns
}

// wantImage compares what is stored at a path.
func wantImage(t *testing.T, object *harness.Object, path, want string) {
	t.Helper()
	if got := harness.Lookup(object, path); got != want {
		t.Errorf("%s is stored as %v, want %s", path, got, want)
	}
}

// pinned: every kind of image of a pod gets the digest, and keeps its tag and its spelling. What has a digest stays as it is.
func (i *images) pinned(t *testing.T) {
	ns := i.team(t, "pinned", i.hook)
	web, digest := i.registry.Push("web", "1000")
	data, dataDigest := i.registry.Push("data", "1000")
	init := map[string]any{"name": "init", "image": web, "securityContext": map[string]any{"allowPrivilegeEscalation": false}}
	volume := map[string]any{"name": "data", "image": map[string]any{"reference": data, "pullPolicy": "IfNotPresent"}}
	pod := i.GoodPod(ns, "pinned", withImage(web), harness.Set([]any{init}, "spec", "initContainers"), harness.Set([]any{volume}, "spec", "volumes"))
	stored := created(t, i.suite, pod).Object
	wantImage(t, stored, "spec.containers[0].image", web+"@"+digest)
	wantImage(t, stored, "spec.initContainers[0].image", web+"@"+digest)
	wantImage(t, stored, "spec.volumes[0].image.reference", data+"@"+dataDigest)
	for _, written := range []string{web + "@" + digest, strings.TrimSuffix(web, ":1") + "@" + digest} {
		answer := i.Create(t.Context(), i.GoodPod(ns, "digest", withImage(written)), true)
		wantAdmitted(t, answer)
		wantImage(t, answer.Object, "spec.containers[0].image", written)
	}
	said := kubectl(t, i.suite, "", "debug", "-n", ns, "pod/"+pod.GetName(), "--image", data, "--container", "debugger", "--profile", "general", "--attach=false")
	if said.Code != 0 {
		t.Fatal(said)
	}
	wantImage(t, i.Get(t.Context(), pod).Object, "spec.ephemeralContainers[0].image", data+"@"+dataDigest)
}

// tagMoves: a later webhook moves the tag and adds a container. What was pinned is what is judged, and what is added is pinned when podreeve is called again.
func (i *images) tagMoves(t *testing.T) {
	ns := i.team(t, "pinned", i.hook)
	race, digest := i.registry.Push("race", "1000")
	var moved string
	var once sync.Once
	injects(t, i.suite, ns, func(w http.ResponseWriter, r *http.Request) {
		once.Do(func() { _, moved = i.registry.Push("race", "root") })
		injectCopy(w, r, func(container map[string]any) { container["image"] = race })
	})
	must(t, harness.Await(t.Context(), "the later webhook moves the tag", func(ctx context.Context) (bool, error) {
		answer := i.Create(ctx, i.GoodPod(ns, "race", withImage(race)), true)
		if answer.Err != nil {
			return false, harness.Fatal{Err: answer.Err}
		}
		wantImage(t, answer.Object, "spec.containers[0].image", race+"@"+digest)
		if harness.Lookup(answer.Object, "spec.containers[1].name") != "added" {
			return false, fmt.Errorf("no container is added")
		}
		wantImage(t, answer.Object, "spec.containers[1].image", race+"@"+digest)
		return true, nil
	}))
	if moved == "" || moved == digest {
		t.Fatalf("the tag did not move: %q", moved)
	}
	wantDenied(t, i.Create(t.Context(), i.GoodPod(ns, "moved", withImage(race+"@"+moved)), true), "image-user", "spec.containers[0].image")
}

// pinnedUpdated: an update restarts nothing. Of a pod that exists, only an image that the update brings is pinned.
func (i *images) pinnedUpdated(t *testing.T) {
	ns := i.team(t, "pinned", nil)
	web, digest := i.registry.Push("web", "1000")
	next, nextDigest := i.registry.PushImage("web", "2", harness.Image{Run: map[string]any{"User": "1001"}})
	before := i.GoodPod(ns, "before", withImage(web))
	created(t, i.suite, before)
	must(t, i.LookAt(t.Context(), ns, i.hook))
	pinned := i.GoodPod(ns, "pinned", withImage(web))
	created(t, i.suite, pinned)
	for pod, image := range map[*harness.Object]string{before: web, pinned: web + "@" + digest} {
		answer := i.Patch(t.Context(), pod, `{"metadata": {"labels": {"changed": "yes"}}}`)
		wantAdmitted(t, answer)
		wantImage(t, answer.Object, "spec.containers[0].image", image)
		answer = i.Patch(t.Context(), pod, fmt.Sprintf(`{"spec": {"containers": [{"name": "app", "image": %q}]}}`, next))
		wantAdmitted(t, answer)
		wantImage(t, answer.Object, "spec.containers[0].image", next+"@"+nextDigest)
	}
}

// templatesStay: no controller and no tool sees a difference, however a template is applied.
func (i *images) templatesStay(t *testing.T) {
	ns := i.team(t, "pinned", i.hook)
	web, digest := i.registry.Push("web", "1000")
	for name, how := range map[string][]string{"client": nil, "server": {"--server-side"}} {
		deployment := harness.WorkloadOf("Deployment").Wrap(i.GoodPod(ns, "web", withImage(web)), ns, name)
		text, err := deployment.MarshalJSON()
		must(t, err)
		run := func(command string) harness.Said {
			return kubectl(t, i.suite, string(text), append([]string{command, "-n", ns, "-f", "-"}, how...)...)
		}
		for range 2 {
			if said := run("apply"); said.Code != 0 {
				t.Fatal(said)
			}
		}
		if said := run("diff"); said.Code != 0 {
			t.Errorf("want no difference: %s", said)
		}
		stored := i.Get(t.Context(), deployment).Object
		wantImage(t, stored, "spec.template.spec.containers[0].image", web)
		if stored.GetGeneration() != 1 {
			t.Errorf("the second apply changed the Deployment: generation %d", stored.GetGeneration())
		}
		// Its controller creates this pod.
		answer := i.Create(t.Context(), i.GoodPod(ns, "of-"+name, withImage(web)), true)
		wantAdmitted(t, answer)
		wantImage(t, answer.Object, "spec.containers[0].image", web+"@"+digest)
	}
}

// signed: where a rule that denies needs a signature, a tag is denied, because nobody knows where it leads later; unless it is pinned.
func (i *images) signed(t *testing.T) {
	key, public, err := harness.SigningKey()
	must(t, err)
	signed, digest := i.registry.Push("signed", "1000")
	must(t, i.registry.Sign("signed", digest, key))
	_, unsigned := i.registry.PushImage("signed", "unsigned", harness.Image{Run: map[string]any{"User": "1001"}})
	i.settings(t, fmt.Sprintf("onUnavailable: deny\ntrust:\n- prefix: %s/shop/signed\n  anyOf: [{cosignKey: {pem: %q}}]", i.registry.Host, public))
	ns := i.team(t, "signed", i.hook)
	create := func(image string) harness.Answer {
		return i.Create(t.Context(), i.GoodPod(ns, "signed", withImage(image)), true)
	}
	must(t, harness.Await(t.Context(), "the settings count", func(context.Context) (bool, error) {
		answer := create(signed + "@" + unsigned)
		return answer.Denied(), answer.Err
	}))
	wantDenied(t, create(signed+"@"+unsigned), "image-signature", "spec.containers[0].image")
	wantAdmitted(t, create(signed+"@"+digest))
	tagged := create(signed)
	wantDenied(t, tagged, "image-signature", "spec.containers[0].image")
	if !strings.Contains(tagged.Err.Error(), "image-digest: {action: patch}") {
		t.Errorf("the denial does not say what to do: %v", tagged.Err)
	}
	answer := i.Create(t.Context(), i.GoodPod(i.team(t, "both", i.hook), "both", withImage(signed)), true)
	wantAdmitted(t, answer)
	wantImage(t, answer.Object, "spec.containers[0].image", signed+"@"+digest)
}
