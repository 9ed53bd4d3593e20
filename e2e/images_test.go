package e2e

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"podreeve.dev/e2e/harness"
)

// images is a podreeve that looks behind images, a registry that a test can spoil, and the file with its settings.
type images struct {
	*suite
	registry *harness.Registry
	server   *harness.Podreeve
	hook     *harness.Hook
	// home is podreeve's own namespace.
	home, ns, dir string
}

// rootIsDenied and what the probe of the webhooks needs. No rule needs a signature, so nothing is denied by default when an image is unknown.
var rootIsDenied = map[string]harness.RuleSetting{
	"image-user": {Action: "deny"}, "privileged": {Action: "deny"}, "allow-privilege-escalation": {Action: "patch"},
}

func newImages(t *testing.T) *images {
	t.Helper()
	return newImagesWith(t, rootIsDenied)
}

func newImagesWith(t *testing.T, rules map[string]harness.RuleSetting) *images {
	t.Helper()
	s := up(t)
	policies, err := s.WritePolicies(harness.NewPolicy("images", nil, rules))
	must(t, err)
	return imagesBy(t, s, s.NewHook(), policies)
}

// imagesBy does the same with the policies of a folder, and with these arguments more.
func imagesBy(t *testing.T, s *suite, hook *harness.Hook, policies string, args ...string) *images {
	t.Helper()
	if !s.Owned {
		t.Skip("installs CRDs, which is for a cluster of our own")
	}
	must(t, s.InstallCRDs(t.Context()))
	i := &images{suite: s, dir: t.TempDir(), hook: hook}
	var err error
	i.registry, err = s.StartRegistry()
	must(t, err)
	i.home = namespace(t, s, "images", hook) // podreeve's own
	must(t, s.Apply(t.Context(), "{apiVersion: v1, kind: Secret, metadata: {name: seal, namespace: "+i.home+"}}"))
	must(t, s.Apply(t.Context(), "{apiVersion: v1, kind: ConfigMap, metadata: {name: last-good, namespace: "+i.home+"}}"))
	i.settings(t, "onUnavailable: deny")
	cert, err := s.NewCertificate() // a self-signed one would be another after a restart
	must(t, err)
	i.server, err = s.StartPodreeveWith(t.Context(), cert, append(args, "--cluster", "--kubeconfig", s.Kubeconfig, "--namespace", i.home, "--policy", policies,
		"--poll", "200ms", "--leader-election-lease", s.Name("images"), "--scan-interval", "0",
		"--images", filepath.Join(i.dir, "images.yaml"), "--images-secret", "seal", "--last-good-images", "last-good")...)
	must(t, err)
	t.Cleanup(func() {
		i.server.Stop()
		must(t, s.Remove(context.Background(), "imagefacts.podreeve.dev", "--all"))
	})
	must(t, s.Register(t.Context(), i.hook, i.server.URL(), i.server.CA))
	i.ns = namespace(t, s, "shop", i.hook)
	return i
}

// settings writes them; podreeve reads them again within a moment.
func (i *images) settings(t *testing.T, more string, entries ...string) {
	t.Helper()
	entries = append(entries, fmt.Sprintf("{prefix: %q, plainHttp: true}", i.registry.Host))
	text := "registries:\n- " + strings.Join(entries, "\n- ") + "\n" + more + "\n"
	must(t, i.WriteFile(filepath.Join(i.dir, "images.yaml"), text))
}

func (i *images) pod(image string) *harness.Object { return i.GoodPod(i.ns, "pod", withImage(image)) }

func withImage(image string) func(*harness.Object) {
	return func(pod *harness.Object) {
		containers, _, _ := unstructured.NestedSlice(pod.Object, "spec", "containers")
		containers[0].(map[string]any)["image"] = image
		unstructured.SetNestedSlice(pod.Object, containers, "spec", "containers")
		unstructured.RemoveNestedField(pod.Object, "spec", "securityContext", "runAsUser") // so that the image's user counts
	}
}

// create is a dry run, so that the same image can be asked for again.
func (i *images) create(t *testing.T, image string) harness.Answer {
	t.Helper()
	return i.Create(t.Context(), i.pod(image), true)
}

// goesOn: in an outage an image that is known is admitted, one that is bad is still denied, and a new one is denied with the reason. None of
// them runs into the time limit of the API server, which would say that it failed to call the webhook.
func (i *images) goesOn(t *testing.T, good, bad, fresh, reason string) {
	t.Helper()
	wantAdmitted(t, i.create(t, good))
	wantDenied(t, i.create(t, bad), "image-user", "spec.containers[0].image")
	answer := i.create(t, fresh)
	if !answer.Denied() || !strings.Contains(answer.Err.Error(), reason) {
		t.Errorf("want %s denied because %q, got %v, warnings %q", fresh, reason, answer.Err, answer.Warnings)
	}
}

// known waits until the image is, which needs a moment after a fault.
func (i *images) known(t *testing.T, image string) {
	t.Helper()
	must(t, harness.Await(t.Context(), image+" is known", func(ctx context.Context) (bool, error) {
		answer := i.Create(ctx, i.pod(image), true)
		return answer.Err == nil && len(answer.Warnings) == 0, fmt.Errorf("%v, warnings %q\n%s", answer.Err, answer.Warnings, i.server.LogTail(10))
	}))
}

func TestImagesAreJudged(t *testing.T) {
	i := newImages(t)
	good, digest := i.registry.Push("good", "1000")
	bad, badDigest := i.registry.Push("bad", "root")
	i.known(t, good)
	wantDenied(t, i.create(t, bad), "image-user", "spec.containers[0].image")
	// The replicas share what they know, sealed, and the leader reads layers. After that, nothing is left to read.
	i.read(t, good, digest)
	i.read(t, bad, badDigest)
	// A column shows a list as JSON, so the platforms are a text of their own.
	if shown := kubectl(t, i.suite, "", "get", "imagefacts", i.named(t, digest), "--no-headers").Stdout; !strings.Contains(shown, " linux/amd64 ") {
		t.Errorf("the columns of the object are %q", shown)
	}
	said, err := i.PodreeveCommand(t.Context(), "", "scan", "--kubeconfig", i.Kubeconfig, "-n", i.ns)
	must(t, err)
	if !strings.Contains(said.Stderr, noImages) {
		t.Errorf("a scan that judges no images says nothing of them: %s", said)
	}
	before := i.registry.Requests()
	wantAdmitted(t, i.create(t, good))
	wantAdmitted(t, i.create(t, strings.TrimSuffix(good, ":1")+"@"+digest))
	if now := i.registry.Requests(); now != before {
		t.Errorf("the registry got %d requests about images that are known", now-before)
	}
	i.lies(t, i.named(t, digest))
}

// key of the seals, which the leader makes.
func (i *images) key(t *testing.T) []byte {
	t.Helper()
	var text string
	must(t, harness.Await(t.Context(), "the leader makes the key", func(ctx context.Context) (bool, error) {
		said, err := i.Kubectl(ctx, "", "get", "secret", "-n", i.home, "seal", "-o", `jsonpath={.data.seal\.key}`)
		text = said.Stdout
		return text != "", errors.Join(err, fmt.Errorf("%s", said))
	}))
	key, err := base64.StdEncoding.DecodeString(text)
	must(t, err)
	return key
}

// named gives the name of the object of a digest, or of the memory of `tags`: it names the key, too.
func (i *images) named(t *testing.T, digest string) string {
	t.Helper()
	mac := hmac.New(sha256.New, i.key(t))
	mac.Write([]byte("podreeve.dev/v1alpha1 ImageFacts: names"))
	return strings.Replace(digest, ":", "-", 1) + "." + hex.EncodeToString(mac.Sum(nil)[:8])
}

// read waits until the leader has read the layers of the image.
func (i *images) read(t *testing.T, image, digest string) {
	t.Helper()
	name := i.named(t, digest)
	must(t, harness.Await(t.Context(), "the object of "+image, func(ctx context.Context) (bool, error) {
		i.Create(ctx, i.pod(image), true) // the tag may have led elsewhere when it was named last
		said := kubectl(t, i.suite, "", "get", "imagefacts", name, "-o", "jsonpath={.spec.layersRead} {.spec.image}").Stdout
		return said == "true "+image, fmt.Errorf("it has %q\n%s", said, i.server.LogTail(10))
	}))
}

// lies: an object that another client wrote, or that was moved to another digest, is ignored.
func (i *images) lies(t *testing.T, name string) {
	t.Helper()
	said := kubectl(t, i.suite, "", "get", "imagefacts", name, "-o", "json").Stdout
	var object map[string]any
	must(t, json.Unmarshal([]byte(said), &object))
	metadata := object["metadata"].(map[string]any)
	object["metadata"] = map[string]any{"name": i.named(t, "sha256:"+strings.Repeat("0", 64))}
	text, err := json.Marshal(object)
	must(t, err)
	must(t, i.Apply(t.Context(), string(text)))
	must(t, i.server.AwaitLog(t.Context(), "it has not the seal of this podreeve"))
	if metadata["name"] != name {
		t.Errorf("the object is %v", metadata)
	}
}

// Each outage is one of its own on the real API server.
func TestImagesInAnOutage(t *testing.T) {
	i := newImages(t)
	good, _ := i.registry.Push("good", "1000")
	bad, _ := i.registry.Push("bad", "root")
	i.known(t, good)
	wantDenied(t, i.create(t, bad), "image-user")
	for outage, test := range map[string]struct {
		fault  harness.Fault
		reason string
	}{
		"slow":                {harness.Slow, "did not answer in time"},
		"wrong digest":        {harness.OtherBytes, "sends other bytes than the digest names"},
		"revoked credentials": {harness.Wants("nobody", "knows"), "refuses podreeve's credentials"},
	} {
		t.Run(outage, func(t *testing.T) {
			fresh, _ := i.registry.Push(strings.ReplaceAll(outage, " ", "-"), "1000")
			i.registry.Spoil(test.fault)
			defer i.registry.Spoil(nil)
			if outage == "wrong digest" {
				i.settings(t, "onUnavailable: warn\nonUnknown: deny") // the registry answers
				defer i.settings(t, "onUnavailable: deny")
			}
			must(t, harness.Await(t.Context(), "the fault shows", func(ctx context.Context) (bool, error) {
				answer := i.Create(ctx, i.pod(fresh), true)
				return answer.Denied() && strings.Contains(answer.Err.Error(), test.reason), answer.Err
			}))
			i.goesOn(t, good, bad, fresh, test.reason)
		})
	}
	t.Run("down", func(t *testing.T) {
		fresh, _ := i.registry.Push("down", "1000")
		i.registry.Stop()
		i.goesOn(t, good, bad, fresh, "cannot be reached")
		must(t, i.registry.Start())
	})
	t.Run("deleted tag", func(t *testing.T) {
		gone, _ := i.registry.Push("gone", "1000")
		i.registry.DeleteTag("gone")
		i.settings(t, "onUnavailable: warn\nonUnknown: deny")
		defer i.settings(t, "onUnavailable: deny")
		must(t, harness.Await(t.Context(), "the settings count", func(ctx context.Context) (bool, error) {
			answer := i.Create(ctx, i.pod(gone), true)
			return answer.Denied(), answer.Err
		}))
		i.registry.DeleteTag("good")
		i.goesOn(t, good, bad, gone, "has no such image")
	})
}

// Half of a layer, and half of a manifest: what is light is known, and what the layers hold is not made up. A rule that denies by what they
// hold says that they are not read, and `onUnknown` decides what happens.
func TestHalfALayer(t *testing.T) {
	i := newImagesWith(t, map[string]harness.RuleSetting{
		"image-secrets": {Action: "deny"}, "image-setuid": {Action: "deny"}, "privileged": {Action: "deny"}, "allow-privilege-escalation": {Action: "patch"},
	})
	good, digest := i.registry.Push("half", "1000")
	i.registry.Spoil(func(w http.ResponseWriter, r *http.Request) bool {
		return !i.registry.IsConfig(r) && harness.HalfABlob(w, r)
	})
	says, name := "its layers are not read yet", i.named(t, digest)
	must(t, harness.Await(t.Context(), "a warning", func(ctx context.Context) (bool, error) {
		answer := i.Create(ctx, i.pod(good), true)
		is := answer.Err == nil && len(answer.Warnings) == 1 && strings.Contains(answer.Warnings[0], "image-secrets") && strings.Contains(answer.Warnings[0], says)
		return is, fmt.Errorf("%v, warnings %q", answer.Err, answer.Warnings)
	}))
	must(t, i.server.AwaitLog(t.Context(), "the layers of an image cannot be read"))
	must(t, harness.Await(t.Context(), "the object without layers", func(ctx context.Context) (bool, error) {
		said, err := i.Kubectl(ctx, "", "get", "imagefacts", name, "-o", "jsonpath={.spec.layersRead}")
		return said.Stdout == "false", errors.Join(err, fmt.Errorf("%s", said))
	}))
	i.settings(t, "onUnknown: deny")
	must(t, harness.Await(t.Context(), "a denial", func(ctx context.Context) (bool, error) {
		answer := i.Create(ctx, i.pod(good), true)
		return answer.Denied() && strings.Contains(answer.Err.Error(), says), fmt.Errorf("%v, warnings %q", answer.Err, answer.Warnings)
	}))
}

// A registry whose certificate nobody signed that podreeve trusts is none.
func TestRegistryWithAWrongCertificate(t *testing.T) {
	i := newImages(t)
	good, _ := i.registry.Push("good", "1000")
	bad, _ := i.registry.Push("bad", "root")
	tls := httptest.NewTLSServer(i.registry)
	t.Cleanup(tls.Close)
	host := strings.TrimPrefix(tls.URL, "https://")
	i.settings(t, "onUnavailable: deny", fmt.Sprintf("{prefix: %q}", host))
	i.known(t, good)
	fresh := host + "/shop/good:1"
	must(t, harness.Await(t.Context(), "the settings count", func(ctx context.Context) (bool, error) {
		answer := i.Create(ctx, i.pod(fresh), true)
		return answer.Denied() && strings.Contains(answer.Err.Error(), "cannot be reached"), answer.Err
	}))
	i.goesOn(t, good, bad, fresh, "cannot be reached")
	must(t, i.server.AwaitLog(t.Context(), "certificate"))
}

// With allowRunning an image that runs already starts again while its registry is down, as a drain needs it, and no other one does.
func TestRunningImagesSurviveAnOutage(t *testing.T) {
	i := newImages(t)
	i.settings(t, "onUnavailable: allowRunning")
	running, digest := i.registry.Push("running", "1000")
	fresh, _ := i.registry.Push("fresh", "1000")
	// It was there before podreeve looked behind images.
	before := i.GoodPod(namespace(t, i.suite, "before", nil), "before", withImage(running))
	created(t, i.suite, before)
	status := fmt.Sprintf(`{"status": {"containerStatuses": [{"name": "app", "image": %[1]q, "imageID": "%[2]s@%[3]s", "ready": true, "restartCount": 0,
		"state": {"running": {}}, "lastState": {}}]}}`, running, strings.TrimSuffix(running, ":1"), digest)
	kubectl(t, i.suite, "", "patch", "pod", "-n", before.GetNamespace(), before.GetName(), "--subresource=status", "--type=merge", "-p", status)
	i.registry.Stop()
	must(t, harness.Await(t.Context(), "the pod that runs is known", func(ctx context.Context) (bool, error) {
		answer := i.Create(ctx, i.pod(strings.TrimSuffix(running, ":1")+"@"+digest), true)
		return answer.Err == nil, fmt.Errorf("%v\n%s", answer.Err, i.server.LogTail(10))
	}))
	wantAdmitted(t, i.create(t, running))
	if answer := i.create(t, fresh); !answer.Denied() {
		t.Errorf("want an image denied that does not run, got %v", answer.Err)
	}
	must(t, i.registry.Start())
}

// A restarted replica knows from the objects what it knew, without the registry.
func TestARestartNeedsNoRegistry(t *testing.T) {
	i := newImages(t)
	good, digest := i.registry.Push("good", "1000")
	bad, _ := i.registry.Push("bad", "root")
	i.known(t, good)
	wantDenied(t, i.create(t, bad), "image-user")
	must(t, harness.Await(t.Context(), "the objects are written", func(context.Context) (bool, error) {
		said := kubectl(t, i.suite, "", "get", "imagefacts", "-o", "name").Stdout
		return strings.Count(said, "sha256-") == 2, fmt.Errorf("there are %s", said)
	}))
	i.server.Kill()
	i.registry.Stop()
	must(t, i.server.Start(t.Context()))
	i.known(t, strings.TrimSuffix(good, ":1")+"@"+digest)
	i.known(t, good)
	fresh, _ := i.registry.Push("fresh", "1000")
	i.goesOn(t, good, bad, fresh, "cannot be reached")
}

// byHand applies what a person seals of an image, for pods that name it otherwise.
func (i *images) byHand(t *testing.T, image, as string) {
	t.Helper()
	key := filepath.Join(i.dir, "seal.key")
	must(t, os.WriteFile(key, i.key(t), 0o600))
	said, err := i.PodreeveCommand(t.Context(), "", "image", image, "--plain-http", "--as", as, "--seal", key)
	must(t, err)
	if said.Code != 0 {
		t.Fatal(said)
	}
	must(t, i.Apply(t.Context(), said.Stdout))
}

// A person seals what podreeve cannot read.
func TestFactsByHand(t *testing.T) {
	i := newImages(t)
	good, _ := i.registry.Push("good", "1000")
	i.byHand(t, good, "registry.example.com/far/away:1")
	i.known(t, "registry.example.com/far/away:1")
	// A second name of the same digest takes nothing from the first one.
	i.byHand(t, good, "registry.example.com/near/by:2")
	i.known(t, "registry.example.com/near/by:2")
	i.known(t, "registry.example.com/far/away:1")
	if answer := i.create(t, "registry.example.com/far/other:1"); answer.Err != nil || len(answer.Warnings) == 0 {
		t.Errorf("want a warning about an image that nobody knows, got %v", answer.Err)
	}
}
