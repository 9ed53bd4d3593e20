package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"podreeve.dev/e2e/harness"
)

// settingsFail waits until the metric says whether not all settings can be used.
func (i *images) settingsFail(t *testing.T, value int) {
	t.Helper()
	line := fmt.Sprintf("\npodreeve_image_settings_failed %d\n", value)
	must(t, harness.Await(t.Context(), "the metric"+line, func(ctx context.Context) (bool, error) {
		text, err := i.server.Metrics(ctx)
		return strings.Contains(text, line), err
	}))
}

// judged: a good image and a bad one that nobody knows yet are judged by what the registry has.
func (i *images) judged(t *testing.T, name string) {
	t.Helper()
	good, _ := i.registry.Push(name+"-good", "1000")
	bad, _ := i.registry.Push(name+"-bad", "root")
	i.known(t, good)
	wantDenied(t, i.create(t, bad), "image-user", "spec.containers[0].image")
}

// All replicas end, and the settings no longer load when one starts: it is ready, and serves what the leader kept.
func TestTheLastGoodSettingsOfImagesAreServed(t *testing.T) {
	i := newImages(t)
	file := filepath.Join(i.dir, "images.yaml")
	good, err := os.ReadFile(file)
	must(t, err)
	must(t, harness.Await(t.Context(), "the leader keeps the document", func(context.Context) (bool, error) {
		there := kubectl(t, i.suite, "", "get", "configmap", "-n", i.home, "last-good", "-o", `jsonpath={.data.images\.yaml}`).Stdout
		return there == string(good), fmt.Errorf("the ConfigMap has %q\n%s", there, i.server.LogTail(15))
	}))
	i.judged(t, "first")

	must(t, i.WriteFile(file, string(good)+"registry: []\n"))
	must(t, i.server.AwaitReport(t.Context(), "; newer ones do not load: "+file)) // it has its own in memory
	i.settingsFail(t, 1)
	i.judged(t, "second")
	i.server.Stop()
	must(t, i.server.Start(t.Context()))
	must(t, i.server.AwaitReport(t.Context(), "[+]images: settings with 1 registries, "))
	must(t, i.server.AwaitReport(t.Context(), "; these are the last good ones, which the leader kept on 20"))
	must(t, i.server.AwaitReport(t.Context(), "; newer ones do not load: "+file+":4: registry: unknown field"))
	must(t, i.server.AwaitLog(t.Context(), "the last good ones are in force"))
	i.settingsFail(t, 1)
	i.judged(t, "third")

	// The whole file is gone, and another client wrote into the ConfigMap: nothing is served, and the replica is not ready.
	i.server.Stop()
	must(t, os.Remove(file))
	kubectl(t, i.suite, "", "patch", "configmap", "-n", i.home, "last-good", "--type=merge", "-p", `{"data": {"images.yaml": "registries: []\n"}}`)
	must(t, i.server.Launch())
	must(t, i.server.AwaitLog(t.Context(), "was changed by another client than the leader"))
	must(t, i.server.AwaitReport(t.Context(), "[-]images: the settings do not load: "+file))

	must(t, i.WriteFile(file, string(good)))
	must(t, i.server.AwaitReady(t.Context()))
	i.settingsFail(t, 0)
	i.judged(t, "fourth")
}

// The document no longer fits into the ConfigMap: the leader empties it, so that no older settings come back, and keeps the next that fits.
func TestOlderSettingsOfImagesAreTakenAwayWhereNewOnesDoNotFit(t *testing.T) {
	i := newImages(t)
	file := filepath.Join(i.dir, "images.yaml")
	good, err := os.ReadFile(file)
	must(t, err)
	kept := func(want string) {
		t.Helper()
		must(t, harness.Await(t.Context(), "the ConfigMap has the document", func(context.Context) (bool, error) {
			there := kubectl(t, i.suite, "", "get", "configmap", "-n", i.home, "last-good", "-o", `jsonpath={.data.images\.yaml}`).Stdout
			return there == want, fmt.Errorf("the ConfigMap has %d bytes\n%s", len(there), i.server.LogTail(15))
		}))
	}
	kept(string(good))
	must(t, i.WriteFile(file, string(good)+"# "+strings.Repeat("x", 1<<20)+"\n"))
	kept("")
	must(t, i.server.AwaitLog(t.Context(), "bytes, and a ConfigMap has at most 1048576; no older ones are there"))

	must(t, i.WriteFile(file, string(good)+"layers: true\n"))
	kept(string(good) + "layers: true\n")
}

// The Secret of one registry is deleted: a replica that runs has its content, and one that starts does not ask this registry, and asks others.
func TestAPullSecretThatIsGoneIsAFaultOfItsRegistry(t *testing.T) {
	i := newImages(t)
	private, err := i.StartRegistry()
	must(t, err)
	private.Spoil(harness.Wants("shop", password))
	secret := filepath.Join(i.dir, "secrets", "shop", ".dockerconfigjson")
	must(t, os.MkdirAll(filepath.Dir(secret), 0o755))
	auths := fmt.Sprintf(`{"auths": {%q: {"username": "shop", "password": %q}}}`, private.Host, password)
	must(t, i.WriteFile(secret, auths))
	i.settings(t, "onUnavailable: deny", fmt.Sprintf("{prefix: %q, plainHttp: true, pullSecret: shop}", private.Host))
	must(t, i.server.AwaitReport(t.Context(), "[+]images: settings with 2 registries"))
	old, digest := private.Push("old", "1000")
	i.known(t, old)
	i.read(t, old, digest)

	must(t, os.Remove(secret))
	fault := "registries[0].pullSecret: there is no Secret `shop` in podreeve's namespace, or it is empty or not mounted yet; "
	must(t, i.server.AwaitReport(t.Context(), fault+"the settings of before count for "+private.Host))
	second, _ := private.Push("second", "1000")
	i.known(t, second)
	i.settingsFail(t, 1)

	i.server.Stop()
	must(t, i.server.Start(t.Context()))
	must(t, i.server.AwaitReport(t.Context(), fault+"images below "+private.Host+" are unknown"))
	i.settingsFail(t, 1)
	i.judged(t, "other")
	before := private.Requests()
	third, _ := private.Push("third", "1000")
	answer := i.create(t, third)
	why := "podreeve does not ask " + private.Host + ", since the credentials of its setting `images.registries[0].pullSecret` cannot be used"
	if !answer.Denied() || !strings.Contains(answer.Err.Error(), why) {
		t.Errorf("want it denied because %q, got %v, warnings %q", why, answer.Err, answer.Warnings)
	}
	i.known(t, strings.TrimSuffix(old, ":1")+"@"+digest) // the replicas share what they know
	if now := private.Requests(); now != before {
		t.Errorf("the registry got %d requests without credentials", now-before)
	}

	must(t, i.WriteFile(secret, auths))
	i.known(t, third)
	i.settingsFail(t, 0)
	if log := i.server.Log(); strings.Contains(log, password) {
		t.Error("the log has the password")
	}
}
