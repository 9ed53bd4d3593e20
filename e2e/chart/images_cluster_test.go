package chart

import (
	"strings"
	"testing"
)

// The notes name each Secret and ConfigMap that does not exist, and the key of the seals outlives the switch and the release.
func TestImagesAreSwitchedOnAndOff(t *testing.T) {
	cluster := apiServer(t)
	run := func(args ...string) string {
		t.Helper()
		said, err := helm(t, "helm4").Run(append(args, "--kubeconfig", cluster.Kubeconfig, "--namespace", "podreeve")...)
		if err != nil {
			t.Fatal(err)
		}
		return said
	}
	kubectl := func(args ...string) string {
		t.Helper()
		said, err := cluster.Kubectl(t.Context(), "", append(args, "-n", "podreeve")...)
		if err != nil || said.Code != 0 {
			t.Fatal(err, said)
		}
		return said.Stdout
	}
	on := []string{Dir(), "-f", valuesFile("images"), "--set", "images.pullSecrets.enabled=false"}
	kubectl("create", "namespace", "podreeve")
	kubectl("create", "configmap", "keys", "--from-literal=cosign.pub=a")
	said := run(append([]string{"install", "podreeve"}, on...)...)
	const missing = "what is not in namespace podreeve: ConfigMap notary-roots, ConfigMap own-ca, ConfigMap trusted-root, Secret shop."
	if !strings.Contains(said, missing) {
		t.Errorf("the notes do not say %q:\n%s", missing, said)
	}
	for _, name := range []string{"notary-roots", "own-ca", "trusted-root"} {
		kubectl("create", "configmap", name, "--from-literal=a=b")
	}
	kubectl("create", "secret", "generic", "shop", "--from-literal=a=b")
	if said := run(append([]string{"upgrade", "podreeve"}, on...)...); strings.Contains(said, "is not in namespace") {
		t.Errorf("nothing is missing:\n%s", said)
	}

	kubectl("patch", "secret", "podreeve-images", "--type=merge", "--patch", `{"data": {"seal.key": "a2V5"}}`)
	for _, args := range [][]string{
		{"upgrade", "podreeve", Dir(), "--reset-values"},
		append([]string{"upgrade", "podreeve"}, on...),
		{"uninstall", "podreeve"},
		append([]string{"install", "podreeve"}, on...),
	} {
		run(args...)
		if key := kubectl("get", "secret", "podreeve-images", "-o", `jsonpath={.data.seal\.key}`); key != "a2V5" {
			t.Fatalf("after %v the key is %q", args, key)
		}
	}
}
