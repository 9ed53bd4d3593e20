package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// deploy/install.yaml is taken by a real API server, object by object, and goes away as a whole: by the commands in its head.
func TestInstallManifest(t *testing.T) {
	s := up(t)
	if !s.Owned {
		t.Skip("installs podreeve, which is for a cluster of our own")
	}
	manifest := filepath.Join("..", "deploy", "install.yaml")
	const configurations = "validatingwebhookconfiguration,mutatingwebhookconfiguration"
	commands := headCommands(t, manifest)
	if len(commands) != 3 {
		t.Fatalf("want apply, the webhooks' delete and the rest's, got %q", commands)
	}
	t.Cleanup(func() {
		must(t, s.Remove(context.Background(), configurations, "podreeve")) // first, as the manifest says
		must(t, s.Remove(context.Background(), "crd", "policies.podreeve.dev", "exemptions.podreeve.dev"))
		must(t, s.Remove(context.Background(), "--wait=false", "-f", manifest))
	})
	if said := kubectl(t, s, "", commands[0]...); said.Code != 0 || strings.Contains(said.Stderr, "Warning") {
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
	if said := kubectl(t, s, "", commands[1]...); said.Code != 0 {
		t.Fatal(said)
	}
	// Now no request reaches the server, which still runs.
	if left := kubectl(t, s, "", "get", configurations+",deployment", "podreeve", "-n", "podreeve", "--ignore-not-found", "-o", "name").Stdout; left != "deployment.apps/podreeve\n" {
		t.Errorf("after %q there are: %s", commands[1], left)
	}
	if said := kubectl(t, s, "", append(commands[2], "--wait=false", "--ignore-not-found")...); said.Code != 0 {
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

// headCommands are the arguments of kubectl that a manifest's head names, for that manifest.
func headCommands(t *testing.T, manifest string) (commands [][]string) {
	t.Helper()
	text, err := os.ReadFile(manifest)
	must(t, err)
	for line := range strings.Lines(string(text)) {
		if args, is := strings.CutPrefix(line, "#   kubectl "); is {
			commands = append(commands, strings.Fields(strings.ReplaceAll(args, "deploy/install.yaml", manifest)))
		}
	}
	return commands
}
