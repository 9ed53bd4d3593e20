package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"podreeve.dev/e2e/harness"
)

// noImages begins the note of a scan in a cluster whose podreeve judges images.
const noImages = "note: this scan judges no images"

type scanned struct {
	Kind     string
	Policies []string
	Owners   []struct {
		Kind, Name, Namespace, Verdict string
		Violations                     []struct{ Rule, Effect, ObjectKind, Field string }
	}
	Errors  []struct{ Kind, Message string }
	Summary map[string]int
}

// `podreeve scan` prints the same in a terminal, and the denials of another policy.
func TestScanCommand(t *testing.T) {
	t.Parallel()
	s := up(t)
	shop := s.shop(t)
	run := func(code int, args ...string) harness.Said {
		t.Helper()
		said, err := s.PodreeveCommand(t.Context(), "", append([]string{"scan", "--kubeconfig", s.Kubeconfig, "-n", shop.namespace}, args...)...)
		must(t, err)
		if said.Code != code {
			t.Fatalf("want exit code %d: %s", code, said)
		}
		return said
	}
	read := func(said harness.Said) (found scanned) {
		t.Helper()
		must(t, json.Unmarshal([]byte(said.Stdout), &found))
		return found
	}

	text := run(1, "--chunk-size", "1")
	for _, want := range []string{
		"Deployment " + shop.namespace + "/web: would be denied\n",
		"  deny   privileged (critical), container \"",
		"spec.template.spec.containers[0].securityContext.privileged: found true, wanted ",
		"4 objects in 1 namespace; of 2 owners 1 would be denied",
	} {
		if !strings.Contains(text.Stdout, want) {
			t.Errorf("want %q: %s", want, text)
		}
	}
	// The only other line is this note, because the cluster has no nodes; and another one while tests of images run there.
	lines := strings.Split(strings.TrimSpace(text.Stderr), "\n")
	said := strings.Join(slices.DeleteFunc(lines, func(line string) bool { return strings.HasPrefix(line, noImages) }), "\n")
	if strings.Contains(text.Stdout, "web-1") || strings.Contains(said, "\n") || !strings.HasPrefix(said, "note: podPidsLimit of some nodes could not be read") {
		t.Errorf("it reports the pods of a Deployment, or its progress without a terminal: %s", text)
	}

	found := read(run(1, "-o", "json"))
	if found.Kind != "ScanReport" || found.Policies[0] != "owasp" || found.Summary["denied"] != 1 || found.Summary["namespaces"] != 1 {
		t.Errorf("it is %+v", found)
	}
	if len(found.Owners) == 0 || found.Owners[0].Name != "web" || found.Owners[0].Violations[0].Rule != "privileged" || found.Owners[0].Violations[0].ObjectKind != "Deployment" {
		t.Errorf("the owners are %+v", found.Owners)
	}

	// A policy that is not in force yet, in place of those that are.
	file := filepath.Join(t.TempDir(), "new.yaml")
	must(t, os.WriteFile(file, []byte(harness.PolicyYAML("new", "{rules: {privileged: {action: warn}}}")), 0o600))
	if said := run(0, "--policy", file); !strings.Contains(said.Stdout, "web: would be admitted with warnings") {
		t.Errorf("want a warning: %s", said)
	}
	must(t, os.WriteFile(file, []byte(harness.PolicyYAML("new", "{rules: {image-registries: {action: deny, params: {allow: [registry.elsewhere.example]}}}}")), 0o600))
	found = read(run(1, "--policy", file, "-o", "json"))
	if found.Summary["denied"] != 2 || len(found.Policies) != 1 {
		t.Errorf("want both owners denied by a new policy: %+v", found)
	}
	// Only what has a label: the pods alone, of which the owner is known all the same.
	if said := run(0, "-l", "e2e=nobody"); !strings.Contains(said.Stdout, "0 objects in 0 namespaces") {
		t.Errorf("want nothing: %s", said)
	}
}

// A missing right to list a kind is an error in the report, and the other kinds are judged.
func TestScanWithoutRights(t *testing.T) {
	t.Parallel()
	s := up(t)
	shop := s.shop(t)
	kubeconfig, err := s.KubeconfigOf(t.Context(), shop.namespace, "pods", "deployments")
	must(t, err)
	said, err := s.PodreeveCommand(t.Context(), "", "scan", "--kubeconfig", kubeconfig, "-n", shop.namespace, "--policy", "owasp")
	must(t, err)
	if said.Code != 2 || !strings.Contains(said.Stdout, "Deployment "+shop.namespace+"/web: would be denied") ||
		!strings.Contains(said.Stderr, "CronJob could not be read: cronjobs.batch is forbidden") || !strings.Contains(said.Stderr, "grant this user list") {
		t.Errorf("want what could be read, and what could not: %s", said)
	}
}

// The API server lists `a-b` before `a`: each namespace is reported once, in that order, however small the pages are.
func TestScanFollowsTheOrderOfTheAPIServer(t *testing.T) {
	t.Parallel()
	s := up(t)
	short := s.Name("podreeve-e2e-order")
	team := map[string]string{"team": short}
	var want []string
	for _, ns := range []string{short + "-b", short} {
		must(t, s.Apply(t.Context(), namespaceYAML(ns, nil)))
		t.Cleanup(func() { must(t, s.Remove(context.Background(), "--wait=false", "namespace", ns)) })
		must(t, s.Apply(t.Context(), fmt.Sprintf("{apiVersion: v1, kind: ServiceAccount, metadata: {name: default, namespace: %s}}", ns)))
		for _, kind := range []string{"Deployment", "Pod", "StatefulSet"} {
			object := harness.WorkloadOf(kind).Wrap(s.GoodPod(ns, "bad", harness.Privileged), ns, "bad")
			object.SetLabels(team)
			created(t, s, object)
			want = append(want, ns+" "+kind)
		}
	}
	said, err := s.PodreeveCommand(t.Context(), "", "scan", "--kubeconfig", s.Kubeconfig, "-A", "-l", "team="+short, "--chunk-size", "1", "--policy", "owasp", "-o", "json")
	must(t, err)
	var found scanned
	must(t, json.Unmarshal([]byte(said.Stdout), &found))
	var got []string
	for _, owner := range found.Owners {
		got = append(got, owner.Namespace+" "+owner.Kind)
	}
	if !slices.Equal(got, want) || said.Code != 1 || len(found.Errors) > 0 {
		t.Errorf("want %q, got %q: %s", want, got, said)
	}
}
