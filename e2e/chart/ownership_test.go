package chart

import (
	"strings"
	"testing"

	"podreeve.dev/e2e/harness"
)

// docs/upgrade.md, "Install again under another name": the definitions stay with their Policies and belong to the old release. Helm says so and
// installs nothing, until it may take them over.
func TestInstallUnderAnotherName(t *testing.T) {
	for name, helm := range helms(t) {
		t.Run(name, func(t *testing.T) {
			cluster := apiServer(t)
			run := func(args ...string) (string, error) {
				return helm.Run(append(args, "--kubeconfig", cluster.Kubeconfig, "--namespace", "podreeve")...)
			}
			must := func(said string, err error) string {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
				return said
			}
			get := func(args ...string) string {
				t.Helper()
				said, err := cluster.Kubectl(t.Context(), "", append([]string{"get"}, args...)...)
				if err != nil || said.Code != 0 {
					t.Fatal(err, said)
				}
				return said.Stdout
			}
			const definition = "crd/policies.podreeve.dev"
			owner := `jsonpath={.metadata.annotations.meta\.helm\.sh/release-name}`

			must(run("install", "podreeve", Dir(), "--create-namespace"))
			if err := cluster.Apply(t.Context(), harness.PolicyYAML("kept", "{rules: {privileged: {action: warn}}}")); err != nil {
				t.Fatal(err)
			}
			must(run("uninstall", "podreeve"))
			if is := get(definition, "-o", owner); is != "podreeve" {
				t.Fatalf("the definition that stayed belongs to %q", is)
			}
			// Under the same name nothing special is needed.
			must(run("install", "podreeve", Dir()))
			must(run("uninstall", "podreeve"))

			said, err := run("install", "gatekeeper", Dir())
			if err == nil {
				t.Fatalf("it is installed beside definitions of another release:\n%s", said)
			}
			for _, want := range []string{"podreeve.dev", `must equal "gatekeeper": current value is "podreeve"`} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not say %q: %v", want, err)
				}
			}
			if there := get("deployment,clusterrole,validatingwebhookconfiguration", "-A", "-l", "app.kubernetes.io/part-of=podreeve", "-o", "name"); there != "" {
				t.Errorf("the failed install left %s", there)
			}

			must(run("upgrade", "--install", "gatekeeper", Dir(), "--take-ownership"))
			if is := get(definition, "-o", owner); is != "gatekeeper" {
				t.Errorf("the definition belongs to %q", is)
			}
			if is := get("policies.podreeve.dev", "-o", "name"); is != "policy.podreeve.dev/kept\n" {
				t.Errorf("the Policies are %q", is)
			}
			must(run("upgrade", "gatekeeper", Dir())) // once is enough
		})
	}
}
