package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"podreeve.dev/e2e/harness"
)

// installedRights makes the account of deploy/install.yaml with its rights, and what those are about, in a namespace of its own: another
// test's replica would hold the Lease in `podreeve`, where all are at home.
func installedRights(t *testing.T, s *suite) (home, kubeconfig string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "deploy", "install.yaml"))
	must(t, err)
	home = namespace(t, s, "rights", nil)
	manifest := strings.ReplaceAll(string(text), "namespace: podreeve\n", "namespace: "+home+"\n")
	wanted := []string{"ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "Lease", "Secret"}
	for document := range strings.SplitSeq(manifest, "\n---\n") {
		object, err := harness.ParseObject([]byte(document + "\n"))
		must(t, err)
		if slices.Contains(wanted, object.GetKind()) {
			must(t, s.Apply(t.Context(), document+"\n"))
		}
	}
	t.Cleanup(func() {
		must(t, s.Remove(context.Background(), "--wait=false", "clusterrole/podreeve", "clusterrolebinding/podreeve"))
	})
	kubeconfig, err = s.KubeconfigAs(t.Context(), home, "podreeve")
	must(t, err)
	return home, kubeconfig
}

// With the rights of the installation, and no others, podreeve keeps its certificates and both configurations, makes them go with its namespace, watches all that
// policies ask for, and writes the status of Policies and Exemptions.
func TestTheRightsOfTheInstallationSuffice(t *testing.T) {
	s := up(t)
	if !s.Owned {
		t.Skip("makes cluster roles, which is for a cluster of our own")
	}
	must(t, s.InstallCRDs(t.Context()))
	home, kubeconfig := installedRights(t, s)
	configurations := "validatingwebhookconfiguration,mutatingwebhookconfiguration"
	t.Cleanup(func() {
		must(t, s.Remove(context.Background(), configurations, "podreeve"))
		must(t, s.Remove(context.Background(), "policies.podreeve.dev", "--all"))
	})
	for _, kind := range []string{"Validating", "Mutating"} {
		// The group is not there, so nothing is listed.
		must(t, s.Apply(t.Context(), fmt.Sprintf("{apiVersion: admissionregistration.k8s.io/v1, kind: %sWebhookConfiguration, metadata: {name: podreeve}, webhooks: [{name: a.podreeve.dev, "+
			"clientConfig: {service: {name: podreeve, namespace: %s}}, rules: [{apiGroups: [none.podreeve.dev], apiVersions: [v1], operations: [CREATE], resources: [nothings]}], "+
			"sideEffects: None, admissionReviewVersions: [v1]}]}", kind, home)))
	}
	must(t, s.Apply(t.Context(), harness.PolicyYAML("rights", policyFor("rights",
		"{privileged: {action: warn}, network-policy: {action: warn}, exec-root: {action: warn}, pids-limit: {action: warn}}"))))
	must(t, s.Apply(t.Context(), exemption(home, "rights", "{rules: [privileged], reason: a test}")))
	policies, err := s.WritePolicies(harness.NewPolicy("probe", nil, harness.ProbeRules))
	must(t, err)
	server, err := s.LaunchWithSecret("podreeve-tls", "podreeve", "--cluster", "--kubeconfig", kubeconfig, "--namespace", home,
		"--exemption-namespaces", home, "--policy", policies, "--scan-interval", "1s", "--scan-rate", "200")
	must(t, err)
	t.Cleanup(func() { server.Stop() })
	must(t, server.AwaitReady(t.Context()))
	must(t, harness.Await(t.Context(), "caBundle is in both configurations", func(context.Context) (bool, error) {
		said := kubectl(t, s, "", "get", configurations, "podreeve", "-o", "jsonpath={.items[*].webhooks[*].clientConfig.caBundle}").Stdout
		return len(strings.Fields(said)) == 2, fmt.Errorf("it is %q\n%s", said, server.LogTail(15))
	}))
	uid := kubectl(t, s, "", "get", "namespace", home, "-o", "jsonpath={.metadata.uid}").Stdout
	must(t, harness.Await(t.Context(), "both configurations belong to the namespace", func(context.Context) (bool, error) {
		said := kubectl(t, s, "", "get", configurations, "podreeve", "-o", "jsonpath={range .items[*].metadata.ownerReferences[*]}{.kind}/{.name}/{.uid} {end}").Stdout
		return said == strings.Repeat("Namespace/"+home+"/"+uid+" ", 2), fmt.Errorf("their owners are %q\n%s", said, server.LogTail(15))
	}))
	_, err = s.AwaitCondition(t.Context(), "True", "policies.podreeve.dev", "rights")
	must(t, err)
	_, err = s.AwaitCondition(t.Context(), "True", "-n", home, "exemptions.podreeve.dev", "rights")
	must(t, err)
	scans(t, server, 2)
	if log := server.Log(); strings.Contains(log, "forbidden") {
		t.Errorf("something was refused:\n%s", log)
	}
}
