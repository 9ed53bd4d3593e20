package e2e

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"podreeve.dev/e2e/harness"
)

// password is in no line of podreeve's log, and in no answer.
const password = "hunter2-of-the-registry"

// pullSecret is a Secret in the shop's namespace.
func (i *images) pullSecret(t *testing.T, name, kind, key, content string) {
	t.Helper()
	must(t, i.Apply(t.Context(), fmt.Sprintf("{apiVersion: v1, kind: Secret, metadata: {name: %s, namespace: %s}, type: %s, data: {%q: %s}}",
		name, i.ns, kind, key, base64.StdEncoding.EncodeToString([]byte(content)))))
}

func withSecrets(names ...string) func(*harness.Object) {
	return func(pod *harness.Object) {
		var secrets []any
		for _, name := range names {
			secrets = append(secrets, map[string]any{"name": name})
		}
		unstructured.SetNestedSlice(pod.Object, secrets, "spec", "imagePullSecrets")
	}
}

// A registry that wants credentials, which one namespace has: its pods and templates are judged by what is behind their images, and no
// other namespace learns that.
func TestPullSecretsOfPods(t *testing.T) {
	i := newImages(t)
	good, _ := i.registry.Push("good", "1000")
	bad, digest := i.registry.Push("bad", "root")
	i.registry.Spoil(harness.Wants("shop", password))
	i.settings(t, "pullSecrets: {enabled: true}")
	other := namespace(t, i.suite, "other", i.hook)
	auths := fmt.Sprintf(`{%q: {"username": "shop", "password": %q}}`, i.registry.Host, password)
	const json, dockerconfigjson = "kubernetes.io/dockerconfigjson", ".dockerconfigjson"
	i.pullSecret(t, "login", json, dockerconfigjson, `{"auths": `+auths+`}`)
	i.pullSecret(t, "old", "kubernetes.io/dockercfg", ".dockercfg", auths)
	i.pullSecret(t, "wrong", json, dockerconfigjson, strings.ReplaceAll(`{"auths": `+auths+`}`, "shop", "nobody"))
	i.pullSecret(t, "opaque", "Opaque", dockerconfigjson, `{"auths": `+auths+`}`)
	i.pullSecret(t, "empty", json, dockerconfigjson, `{}`)
	in := func(ns, image string, secrets ...string) harness.Answer {
		return i.Create(t.Context(), i.GoodPod(ns, "pod", withImage(image), withSecrets(secrets...)), true)
	}
	must(t, harness.Await(t.Context(), "the settings count", func(ctx context.Context) (bool, error) {
		answer := in(i.ns, bad, "login")
		return answer.Denied(), fmt.Errorf("%v, warnings %q\n%s", answer.Err, answer.Warnings, i.server.LogTail(10))
	}))
	wantDenied(t, in(i.ns, bad, "login"), "image-user", "spec.containers[0].image")
	older, _ := i.registry.Push("older", "root")
	wantDenied(t, in(i.ns, older, "missing", "opaque", "old"), "image-user")
	if answer := in(i.ns, good, "login"); answer.Err != nil || len(answer.Warnings) > 0 {
		t.Errorf("want the good image admitted, got %v, warnings %q", answer.Err, answer.Warnings)
	}
	i.ofAccounts(t, bad)
	// Nothing that the namespace can name opens another image, and nobody learns more than that.
	fresh, _ := i.registry.Push("fresh", "root")
	i.unknownTo(t, in(i.ns, fresh, "wrong"), "and those of the pull secrets")
	i.unknownTo(t, in(i.ns, fresh, "missing", "opaque", "empty"), "and no pull secret that podreeve may use has others")
	pinned := strings.TrimSuffix(bad, ":1") + "@" + digest
	wantDenied(t, in(i.ns, pinned, "login"), "image-user")
	for _, image := range []string{bad, pinned} {
		i.unknownTo(t, in(other, image), "refuses podreeve's credentials")
		i.unknownTo(t, in(other, image, "login"), "and no pull secret that podreeve may use has others")
	}
	// Whoever reads podreeve's log learns that the digest is bad.
	must(t, i.server.AwaitLog(t.Context(), "with the pull secrets of another namespace violates this rule"))
	i.deepened(t, digest)
	if log := i.server.Log(); strings.Contains(log, password) {
		t.Error("the log has the password")
	}
	for _, why := range []string{"there is none of this name", "it has the type `Opaque`"} {
		if !strings.Contains(i.server.Log(), why) {
			t.Errorf("the log does not say %q", why)
		}
	}
}

// unknownTo: the image is admitted with a warning that has this reason, and nothing of what is in it.
func (i *images) unknownTo(t *testing.T, answer harness.Answer, reason string) {
	t.Helper()
	said := strings.Join(answer.Warnings, "\n")
	if answer.Err != nil || !strings.Contains(said, reason) || strings.Contains(said, "root") || strings.Contains(said, password) {
		t.Errorf("want a warning with %q alone, got %v, warnings %q", reason, answer.Err, answer.Warnings)
	}
}

// ofAccounts: the API server gives a pod the secrets of its ServiceAccount, and podreeve looks them up for a template.
func (i *images) ofAccounts(t *testing.T, bad string) {
	t.Helper()
	client, err := i.Clientset()
	must(t, err)
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "builder"}, ImagePullSecrets: []corev1.LocalObjectReference{{Name: "login"}}}
	_, err = client.CoreV1().ServiceAccounts(i.ns).Create(t.Context(), account, metav1.CreateOptions{})
	must(t, err)
	pod := i.GoodPod(i.ns, "pod", withImage(bad))
	unstructured.SetNestedField(pod.Object, "builder", "spec", "serviceAccountName")
	wantDenied(t, i.Create(t.Context(), pod, true), "image-user", "spec.containers[0].image")
	template := harness.WorkloadOf("Deployment").Wrap(pod, i.ns, "web")
	wantDenied(t, i.Create(t.Context(), template, true), "image-user", "spec.template.spec.containers[0].image")
}

// deepened: the leader reads the layers with the same secrets.
func (i *images) deepened(t *testing.T, digest string) {
	t.Helper()
	must(t, harness.Await(t.Context(), "the layers are read", func(ctx context.Context) (bool, error) {
		said, err := i.Kubectl(ctx, "", "get", "imagefacts", i.named(t, digest), "-o", "jsonpath={.spec.layersRead}")
		return said.Stdout == "true", errors.Join(err, fmt.Errorf("it says %q\n%s", said.Stdout, i.server.LogTail(10)))
	}))
}

// Of an image for several platforms those count that a node has, and a node of another platform changes that.
func TestOnlyPlatformsOfNodesAreJudged(t *testing.T) {
	i := newImages(t)
	index, _ := i.registry.PushIndex("index",
		harness.Image{Architecture: "s390x", Run: map[string]any{"User": "1000"}}, harness.Image{Architecture: "ppc64le", Run: map[string]any{"User": "root"}})
	client, err := i.Clientset()
	must(t, err)
	add := func(architecture string) {
		name := i.Name("node")
		labels := map[string]string{corev1.LabelOSStable: "linux", corev1.LabelArchStable: architecture}
		node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
		_, err := client.CoreV1().Nodes().Create(t.Context(), node, metav1.CreateOptions{})
		must(t, err)
		t.Cleanup(func() { must(t, client.CoreV1().Nodes().Delete(context.Background(), name, metav1.DeleteOptions{})) })
	}
	judged := func(what string, denied bool) {
		t.Helper()
		must(t, harness.Await(t.Context(), what, func(ctx context.Context) (bool, error) {
			answer := i.Create(ctx, i.pod(index), true)
			return answer.Denied() == denied && (denied || len(answer.Warnings) == 0), fmt.Errorf("%v, warnings %q", answer.Err, answer.Warnings)
		}))
	}
	judged("without nodes every platform counts", true)
	add("s390x")
	judged("the platform of the node is good", false)
	add("ppc64le")
	judged("the platform of the new node is bad", true)
}
