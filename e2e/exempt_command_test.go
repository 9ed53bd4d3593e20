package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"podreeve.dev/e2e/harness"
)

// `podreeve exempt` reads a cluster: what it writes is applied as it is, and then exactly what runs there is admitted again.
func TestExemptCommand(t *testing.T) {
	s := up(t)
	ns := s.Name("podreeve-e2e-exempt-command")
	_, hook := custom(t, s, "--exemption-namespaces", ns)
	labels := hook.Labels()
	labels["team"] = "shop"
	must(t, s.Apply(t.Context(), namespaceYAML(ns, labels)))
	t.Cleanup(func() { must(t, s.Remove(context.Background(), "--wait=false", "namespace", ns)) })
	must(t, s.Apply(t.Context(), fmt.Sprintf("{apiVersion: v1, kind: ServiceAccount, metadata: {name: default, namespace: %s}}", ns)))
	deployment := func(name string) *harness.Object {
		return harness.WorkloadOf("Deployment").Wrap(s.GoodPod(ns, name, harness.Privileged), ns, name)
	}
	created(t, s, deployment("web"))
	must(t, s.Apply(t.Context(), harness.PolicyYAML("shop", policyFor("shop", denyPrivileged))))
	eventually(t, s, ns, true)

	exempt := func(code int, args ...string) harness.Said {
		t.Helper()
		said, err := s.PodreeveCommand(t.Context(), "", append([]string{"exempt", "--kubeconfig", s.Kubeconfig, "-n", ns}, args...)...)
		must(t, err)
		if said.Code != code {
			t.Fatalf("want exit code %d: %s", code, said)
		}
		return said
	}
	terms := []string{"--reason", "runs since before podreeve", "--until", "2999-12-31"}
	// Without a terminal nobody can be asked for the reason.
	if said := exempt(2); !strings.Contains(said.Stderr, "--reason") {
		t.Errorf("want the missing flag named: %s", said)
	}
	kept := filepath.Join(t.TempDir(), "kept.yaml")
	exempt(0, append([]string{"--ratchet", kept}, terms...)...)
	written := exempt(0, terms...)
	for _, want := range []string{"kind: Exemption", "namespace: " + ns, "- privileged", "# Deployment " + ns + "/web: privileged", "until: 2999-12-31"} {
		if !strings.Contains(strings.ReplaceAll(written.Stdout, `"`, ""), want) {
			t.Errorf("want %q: %s", want, written)
		}
	}

	must(t, s.Apply(t.Context(), written.Stdout))
	_, err := s.AwaitCondition(t.Context(), "True", "-n", ns, "exemptions.podreeve.dev", "web")
	must(t, err)
	eventually(t, s, ns, false)
	wantAdmitted(t, s.Create(t.Context(), deployment("web-again"), true))
	// Another container is not what was found, and stays denied.
	renamed := harness.Container(func(container map[string]any) { container["name"] = "other" })
	wantDenied(t, s.Create(t.Context(), s.GoodPod(ns, "other", harness.Privileged, renamed), true), "privileged")

	// A second run writes the same again, so that it can be applied again.
	if again := exempt(0, terms...); again.Stdout != written.Stdout {
		t.Errorf("want the same exemption, got %s", again)
	}
	// What comes later is not in the file that only shrinks.
	must(t, s.Remove(t.Context(), "-n", ns, "exemptions.podreeve.dev", "web"))
	must(t, s.Remove(t.Context(), "policies.podreeve.dev", "shop"))
	eventually(t, s, ns, false)
	created(t, s, s.GoodPod(ns, "late", harness.Privileged, renamed))
	must(t, s.Apply(t.Context(), harness.PolicyYAML("shop", policyFor("shop", denyPrivileged))))
	eventually(t, s, ns, true)
	before, err := os.ReadFile(kept)
	must(t, err)
	if said := exempt(1, "--ratchet", kept); !strings.Contains(said.Stdout+said.Stderr, "late") || strings.Contains(said.Stdout+said.Stderr, ns+"/web:") {
		t.Errorf("want what is new named, and nothing else: %s", said)
	}
	after, err := os.ReadFile(kept)
	must(t, err)
	if string(after) != string(before) {
		t.Errorf("the file changed from\n%s\nto\n%s", before, after)
	}
}
