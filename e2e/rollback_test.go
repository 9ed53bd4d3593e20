package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"podreeve.dev/e2e/harness"
)

// signedImages is a podreeve that judges how fresh signatures are, and the service that makes them.
func signedImages(t *testing.T) (*images, *harness.SigningService) {
	t.Helper()
	i := newImagesWith(t, map[string]harness.RuleSetting{"image-freshness": {Action: "deny"}, "privileged": {Action: "deny"}, "allow-privilege-escalation": {Action: "patch"}})
	signer, err := harness.NewSigningService()
	must(t, err)
	root, err := json.Marshal(signer.Root)
	must(t, err)
	i.settings(t, fmt.Sprintf("trust: [{prefix: %q, anyOf: [{notary: {signingAuthorityRoots: [{pem: %s}], identities: ['*']}}]}]", i.registry.Host, root))
	return i, signer
}

// A tag that goes back to an image that was signed earlier is noticed after a restart, too: a sealed object remembers it.
func TestATagThatWentBack(t *testing.T) {
	i, signer := signedImages(t)
	push := func(user string, age time.Duration) (image, digest string) {
		image, digest = i.registry.Push("web", user)
		must(t, signer.Sign(i.registry, "web", digest, time.Now().Add(-age)))
		return image, digest
	}
	// The tag is asked for again at once when the object of its image goes, and otherwise within a minute.
	forget := func(digest string) { must(t, i.Remove(t.Context(), "imagefacts.podreeve.dev", i.named(t, digest))) }
	memory := func(image, before string) (after string) {
		must(t, harness.Await(t.Context(), "the memory of tags is written", func(ctx context.Context) (bool, error) {
			i.Create(ctx, i.pod(image), true) // the settings count a moment later
			said, err := i.Kubectl(ctx, "", "get", "imagefacts", i.named(t, "tags"), "-o", "jsonpath={.spec.data}")
			after = said.Stdout
			return after != "" && after != before, errors.Join(err, fmt.Errorf("it is %q\n%s", after, i.server.LogTail(10)))
		}))
		return after
	}
	image, first := push("1000", 48*time.Hour)
	i.known(t, image)
	seen := memory(image, "")
	i.read(t, image, first)
	_, second := push("2000", 24*time.Hour)
	forget(first)
	i.known(t, image)
	i.read(t, image, second)
	// Whoever makes a memory up gets it replaced.
	forged := memory(image, seen)
	kubectl(t, i.suite, "", "patch", "imagefacts", i.named(t, "tags"), "--type=merge", "-p", `{"spec": {"data": "AQ=="}}`)
	if memory(image, "AQ==") != forged {
		t.Error("the memory is another one after it was forged")
	}
	witness, digest := i.registry.Push("witness", "1000")
	i.known(t, witness)
	i.read(t, witness, digest)
	i.server.Kill()
	push("1000", 48*time.Hour)
	forget(second)
	must(t, i.server.Start(t.Context()))
	// What a replica learns after it has asked where a tag leads counts a minute later.
	must(t, harness.Await(t.Context(), "the objects are read", func(ctx context.Context) (bool, error) {
		metrics, err := i.server.Metrics(ctx)
		return strings.Contains(metrics, "podreeve_image_known 1\n"), err
	}))
	must(t, harness.Await(t.Context(), "the tag went back", func(ctx context.Context) (bool, error) {
		answer := i.Create(ctx, i.pod(image), true)
		found := answer.Denied() && strings.Contains(answer.Err.Error(), "the tag went back to an image that was signed at")
		return found, fmt.Errorf("%v, warnings %q\n%s", answer.Err, answer.Warnings, i.server.LogTail(10))
	}))
	// Its digest was chosen.
	wantAdmitted(t, i.create(t, strings.TrimSuffix(image, ":1")+"@"+first))
	// To go back on purpose, sign it again.
	must(t, signer.Sign(i.registry, "web", first, time.Now()))
	forget(first)
	i.known(t, image)
}

// An image that was admitted is denied from the second on in which its signature expires, without another look at the registry.
func TestASignatureExpires(t *testing.T) {
	i, signer := signedImages(t)
	image, digest := i.registry.Push("web", "1000")
	must(t, harness.Await(t.Context(), "the settings count", func(context.Context) (bool, error) {
		return strings.Count(i.server.Log(), "settings of images are in force") > 1, errors.New(i.server.LogTail(10))
	}))
	until := time.Now().Add(4 * time.Second)
	must(t, signer.SignUntil(i.registry, "web", digest, time.Now(), until))
	i.known(t, image)
	i.deepened(t, digest) // after that, nothing is left to read
	before := i.registry.Requests()
	must(t, harness.Await(t.Context(), "the signature expires", func(ctx context.Context) (bool, error) {
		answer := i.Create(ctx, i.pod(image), true)
		if time.Now().Before(until.Truncate(time.Second)) && answer.Err != nil {
			t.Errorf("it is denied too early: %v", answer.Err)
		}
		return answer.Denied() && strings.Contains(answer.Err.Error(), "the signature expired on"), errors.Join(answer.Err, errors.New(i.server.LogTail(10)))
	}))
	if now := i.registry.Requests(); now != before {
		t.Errorf("the registry got %d requests meanwhile", now-before)
	}
}
