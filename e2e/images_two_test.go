package e2e

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"podreeve.dev/e2e/harness"
)

// installation is one of several in a cluster, by the name of its webhook configurations.
func installation(t *testing.T, s *suite) (i *images, name string) {
	t.Helper()
	policies, err := s.WritePolicies(harness.NewPolicy("images", nil, rootIsDenied))
	must(t, err)
	name = s.Name("installation")
	return imagesBy(t, s, s.NewHook(), policies, "--webhook-configuration", name), name
}

// facts gives the names of the objects of an installation, or of those without a label.
func facts(t *testing.T, s *suite, selector string) []string {
	t.Helper()
	return strings.Fields(kubectl(t, s, "", "get", "imagefacts", "-l", selector, "-o", "jsonpath={.items[*].metadata.name}").Stdout)
}

// Two installations read the same image: each has objects of its own, so that none overwrites those of the other, and an uninstall of one takes
// away its own, also those that a person made.
func TestTwoInstallationsHaveFactsOfTheirOwn(t *testing.T) {
	s := up(t)
	one, nameOfOne := installation(t, s)
	two, nameOfTwo := installation(t, s)
	two.settings(t, "onUnavailable: deny", fmt.Sprintf("{prefix: %q, plainHttp: true}", one.registry.Host))
	image, digest := one.registry.Push("shared", "1000")
	one.known(t, image)
	two.known(t, image)
	one.read(t, image, digest)
	two.read(t, image, digest)
	// What was sealed by hand has no label until its leader has seen it.
	for _, i := range []*images{one, two} {
		if log := i.server.Log(); strings.Contains(log, "has not the seal") {
			t.Errorf("it looked at an object of the other installation:\n%s", log)
		}
	}
	one.byHand(t, image, "registry.example.com/far/away:1")
	two.byHand(t, image, "registry.example.com/far/other:1")
	one.known(t, "registry.example.com/far/away:1")
	two.known(t, "registry.example.com/far/other:1")
	labelled := func(name string, i *images) {
		t.Helper()
		want := i.named(t, digest)
		must(t, harness.Await(t.Context(), "the objects have the label of "+name, func(context.Context) (bool, error) {
			have := facts(t, s, "podreeve.dev/installation="+name)
			return areOf(have, want), fmt.Errorf("wanted two that begin with %q, there are %q", want, have)
		}))
	}
	labelled(nameOfOne, one)
	labelled(nameOfTwo, two)
	one.server.Stop()
	said, err := s.PodreeveCommand(t.Context(), "", "uninstall", "--webhook-configuration", nameOfOne, "--image-facts", "--kubeconfig", s.Kubeconfig)
	must(t, err)
	if said.Code != 0 || !strings.Contains(said.Stdout, "imagefacts.podreeve.dev: 2 removed") || strings.Contains(said.Stderr, "of an earlier version") {
		t.Errorf("the uninstall of one said: %s", said)
	}
	if have := facts(t, s, "podreeve.dev/installation"); !areOf(have, two.named(t, digest)) {
		t.Errorf("after the uninstall of the other one there are %q", have)
	}
	two.known(t, "registry.example.com/far/other:1")
}

// Whether these are the object that the leader wrote, and the one that was sealed by hand.
func areOf(objects []string, name string) bool {
	isOther := func(object string) bool { return !strings.HasPrefix(object, name) }
	return len(objects) == 2 && !slices.ContainsFunc(objects, isOther)
}

// Objects of a version whose names have no key count after an upgrade, so nothing is read again.
func TestImagesOfAnEarlierVersion(t *testing.T) {
	s := up(t)
	i, name := installation(t, s)
	image, digest := i.registry.Push("earlier", "1000")
	i.known(t, image)
	i.read(t, image, digest)
	i.server.Kill()
	i.registry.Stop()
	var object struct {
		APIVersion string         `json:"apiVersion"`
		Kind       string         `json:"kind"`
		Metadata   map[string]any `json:"metadata"`
		Spec       map[string]any `json:"spec"`
	}
	must(t, json.Unmarshal([]byte(kubectl(t, s, "", "get", "imagefacts", i.named(t, digest), "-o", "json").Stdout), &object))
	former := strings.Replace(digest, ":", "-", 1)
	data, err := base64.StdEncoding.DecodeString(object.Spec["data"].(string))
	must(t, err)
	mac := hmac.New(sha256.New, i.key(t))
	mac.Write([]byte("podreeve.dev/v1alpha1 ImageFacts\x00"))
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(former))))
	mac.Write(append([]byte(former), data...))
	object.Metadata, object.Spec["seal"] = map[string]any{"name": former}, base64.StdEncoding.EncodeToString(mac.Sum(nil))
	text, err := json.Marshal(object)
	must(t, err)
	must(t, i.Remove(t.Context(), "imagefacts.podreeve.dev", "--all"))
	must(t, i.Apply(t.Context(), string(text)))
	must(t, i.server.Start(t.Context()))
	i.known(t, image)
	// The leader replaces it within an hour. Until then nobody can say whose it is.
	said, err := s.PodreeveCommand(t.Context(), "", "uninstall", "--webhook-configuration", name, "--image-facts", "--kubeconfig", s.Kubeconfig)
	must(t, err)
	if said.Code != 0 || !strings.Contains(said.Stderr, "of an earlier version") {
		t.Errorf("the uninstall said: %s", errors.New(said.String()))
	}
	if have := facts(t, s, "!podreeve.dev/installation"); !slices.Equal(have, []string{former}) {
		t.Errorf("without a label there are %q", have)
	}
}
