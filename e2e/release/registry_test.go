package release

import (
	"fmt"
	"strings"
	"testing"

	"podreeve.dev/e2e/harness"
)

// images: an installation that looks at images, by the chart's values alone. Pods are judged by what a registry has, with the chart's rights and
// through its NetworkPolicy, and known images go on when the registry ends.
func (r *release) images(t *testing.T) {
	if r.node == nil {
		t.Skip("e2e: skipped: the registry is in the network of the node of this machine")
	}
	listener, err := r.node.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	registry := harness.NewRegistry(listener)
	defer registry.Stop()
	root, _ := registry.Push("root", "0")
	user, _ := registry.Push("user", "1000")
	unseen, _ := registry.Push("unseen", "1000")
	address, port, _ := strings.Cut(registry.Host, ":")
	r.installed(t, "helm4", "--set", "crds.install=false,uninstallHook.enabled=true,images.enabled=true,images.onUnavailable=deny", "--set-json", fmt.Sprintf(`images.registries=[{"prefix":%q,"plainHttp":true}]`, registry.Host),
		"--set-json", fmt.Sprintf(`images.egress=[{"to":[{"ipBlock":{"cidr":"%s/32"}}],"ports":[{"port":%s}]}]`, address, port))
	r.must(t, harness.PolicyYAML("images", "{match: {namespaces: ["+shop+"]}, rules: {image-user: {action: deny}}}"), "apply", "-f", "-")
	r.must(t, "", "wait", "policies.podreeve.dev/images", "--for=condition=Ready", "--timeout=30s")
	denied := func(image, because string) {
		t.Helper()
		pod := r.careful(t)
		pod.Spec.Containers[0].Image = image
		pod.Spec.SecurityContext.RunAsUser = nil // so that the image's user counts
		r.await(t, fmt.Sprintf("a pod of %s is denied because of %q", image, because), func() (bool, error) {
			err := r.dryRun(t, shop, pod)
			return (err != nil) == (because != "") && (err == nil || strings.Contains(err.Error(), because)), err
		})
	}
	denied(root, "image-user")
	denied(user, "")
	if facts := r.must(t, "", "get", "imagefacts.podreeve.dev", "-o", "name"); strings.Count(facts, "\n") != 1 {
		t.Errorf("wanted what was learnt of two images: %s", facts)
	}
	// The test of the chart runs with images, too.
	r.helm(t, "helm4", "test", "podreeve", "--namespace", namespace, "--timeout", "1m")
	if logs := r.must(t, "", "logs", "-n", namespace, "-l", ours, "--tail=-1", "--prefix"); strings.Contains(logs, "forbidden") {
		t.Errorf("something was refused:\n%s", logs)
	}
	registry.Stop()
	denied(unseen, "try again in a minute")
	denied(root, "image-user")
	denied(user, "")
	r.must(t, "", "delete", "policies.podreeve.dev", "images")
	r.helm(t, "helm4", "uninstall", "podreeve", "--namespace", namespace, "--wait", "--timeout", "3m")
	// The key of the seals stays, so that facts sealed by hand count after the next install.
	r.must(t, "", "delete", "secret", "podreeve-images", "--namespace", namespace)
	r.nothingIsLeft(t)
	if facts := r.must(t, "", "get", "imagefacts.podreeve.dev", "-o", "name"); facts != "" {
		t.Errorf("what was learnt of images is left: %s", facts)
	}
}
