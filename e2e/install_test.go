package e2e

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
)

// deploy/install.yaml is taken by a real API server, object by object, and goes away as a whole.
func TestInstallManifest(t *testing.T) {
	s := up(t)
	if !s.Owned {
		t.Skip("installs podreeve, which is for a cluster of our own")
	}
	manifest := filepath.Join("..", "deploy", "install.yaml")
	webhooks := []string{"validatingwebhookconfiguration,mutatingwebhookconfiguration", "podreeve"}
	t.Cleanup(func() {
		must(t, s.Remove(context.Background(), webhooks...)) // first, as the manifest says
		must(t, s.Remove(context.Background(), "crd", "policies.podreeve.dev", "exemptions.podreeve.dev"))
		must(t, s.Remove(context.Background(), "--wait=false", "-f", manifest))
	})
	if said := kubectl(t, s, "", "apply", "--server-side", "-f", manifest); said.Code != 0 {
		t.Fatal(said)
	}
	stored := kubectl(t, s, "", "get", "-f", manifest, "-o", "name").Stdout
	for _, want := range []string{
		"deployment.apps/podreeve", "service/podreeve", "lease.coordination.k8s.io/podreeve", "poddisruptionbudget.policy/podreeve",
		"validatingwebhookconfiguration.admissionregistration.k8s.io/podreeve", "mutatingwebhookconfiguration.admissionregistration.k8s.io/podreeve",
		"customresourcedefinition.apiextensions.k8s.io/policies.podreeve.dev", "clusterrole.rbac.authorization.k8s.io/podreeve",
	} {
		if !strings.Contains(stored, want) {
			t.Errorf("%s is not stored, but\n%s", want, stored)
		}
	}
	must(t, s.Remove(t.Context(), webhooks...))
	if said := kubectl(t, s, "", "delete", "-f", manifest, "--wait=false", "--ignore-not-found"); said.Code != 0 {
		t.Fatal(said)
	}
	// No controller finishes what is deleted in a cluster without one; other tests want the namespace, too.
	empty := `{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "podreeve"}, "spec": {"finalizers": []}}`
	if said := kubectl(t, s, empty, "replace", "--raw", "/api/v1/namespaces/podreeve/finalize", "-f", "-"); said.Code != 0 {
		t.Fatal(said)
	}
	if left := kubectl(t, s, "", "get", "validatingwebhookconfiguration,mutatingwebhookconfiguration,clusterrole,clusterrolebinding", "podreeve", "--ignore-not-found", "-o", "name").Stdout; left != "" {
		t.Errorf("left behind: %s", left)
	}
}
