package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"testing"

	"podreeve.dev/e2e/harness"
)

// Nothing behind an image keeps podreeve's own pods out, nor the Deployment that repairs a setting; nowhere else is that so.
func TestImagesOfPodreevesOwnNamespace(t *testing.T) {
	i := newImages(t)
	bad, _ := i.registry.Push("bad", "root")
	wantDenied(t, i.create(t, bad), "image-user")
	for _, image := range []string{bad, "registry.example.com/nobody/knows:1"} {
		wantAdmitted(t, i.Create(t.Context(), i.GoodPod(i.home, "own", withImage(image)), true))
	}
	i.settings(t, "onUnknown: deny\nonUnavailable: deny")
	must(t, harness.Await(t.Context(), "the settings are in force", func(ctx context.Context) (bool, error) {
		answer := i.create(t, "registry.example.com/nobody/knows:1")
		return answer.Denied(), fmt.Errorf("%v", answer.Err)
	}))
	wantAdmitted(t, i.Create(t.Context(), i.GoodPod(i.home, "own", withImage("registry.example.com/nobody/knows:1")), true))
}

// A key that somebody deletes comes back, so that what a person sealed with it still counts.
func TestTheKeyOfSealsComesBack(t *testing.T) {
	i := newImages(t)
	before := i.key(t)
	kubectl(t, i.suite, "", "delete", "secret", "-n", i.home, "seal")
	must(t, harness.Await(t.Context(), "the leader makes the Secret again", func(ctx context.Context) (bool, error) {
		said, err := i.Kubectl(ctx, "", "get", "secret", "-n", i.home, "seal", "--ignore-not-found", "-o", `jsonpath={.data.seal\.key}`)
		if err != nil || said.Stdout == "" {
			return false, errors.Join(err, fmt.Errorf("%s\n%s", said, i.server.LogTail(10)))
		}
		key, err := base64.StdEncoding.DecodeString(said.Stdout)
		must(t, err)
		if !bytes.Equal(key, before) {
			t.Error("it has another key")
		}
		return true, nil
	}))
}
