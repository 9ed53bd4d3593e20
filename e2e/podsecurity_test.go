package e2e

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	psa "k8s.io/pod-security-admission/test"

	"podreeve.dev/e2e/harness"
)

// podSecurity starts a podreeve that honours the labels of namespaces and does nothing else.
func podSecurity(t *testing.T, s *suite, spec string) *harness.Hook {
	t.Helper()
	if !s.Owned {
		t.Skip("Pod Security labels are enforced by that cluster itself; this needs one of our own")
	}
	hook := s.NewHook().WithNamespaces()
	server, err := s.StartInCluster(t.Context(), map[string]string{"labels": spec, "probe": harness.ProbeOnly})
	must(t, err)
	t.Cleanup(server.Stop)
	must(t, s.Register(t.Context(), hook, server.URL(), server.CA))
	return hook
}

// Upstream's own conformance suite for whatever enforces pod-security.kubernetes.io labels: all of it, unchanged.
func TestUpstreamPodSecurity(t *testing.T) {
	s := up(t)
	hook := podSecurity(t, s, "{podSecurityLabels: true, rules: {}}")
	psa.Run(t, psa.Options{
		ClientConfig: s.Config(),
		CreateNamespace: func(client kubernetes.Interface, name string, labels map[string]string) (*corev1.Namespace, error) {
			maps.Copy(labels, hook.Labels())
			return psa.DefaultCreateNamespace(client, name, labels)
		},
	})
}

const enforce = "pod-security.kubernetes.io/enforce"

func TestPodSecurityDenialBeginsAsUpstreams(t *testing.T) {
	s := up(t)
	hook := podSecurity(t, s, "{podSecurityLabels: true, rules: {}}")
	ns, err := s.NamespaceWith(t.Context(), "restricted", hook, map[string]string{enforce: "restricted"})
	must(t, err)
	answer := s.Create(t.Context(), s.GoodPod(ns, "bad", harness.Privileged), true)
	wantDenied(t, answer, "privileged", "spec.containers[0].securityContext.privileged")
	if want := `denied the request: violates PodSecurity "restricted:latest": privileged (`; !strings.Contains(answer.Err.Error(), want) {
		t.Errorf("want %q in the denial, got:\n%v", want, answer.Err)
	}
	template := harness.WorkloadOf("Deployment").Wrap(s.GoodPod(ns, "bad", harness.Privileged), ns, s.Name("bad"))
	answer = s.Create(t.Context(), template, true)
	wantAdmitted(t, answer)
	if !slices.ContainsFunc(answer.Warnings, func(w string) bool {
		return strings.HasPrefix(w, `would violate PodSecurity "restricted:latest": privileged (`)
	}) {
		t.Errorf("want upstream's warning, got %q", answer.Warnings)
	}
}

// The label `audit` lets the pod in, and the audit log says what it violates.
func TestPodSecurityAudit(t *testing.T) {
	s := up(t)
	hook := podSecurity(t, s, "{podSecurityLabels: true, rules: {}}")
	ns, err := s.NamespaceWith(t.Context(), "audited", hook, map[string]string{"pod-security.kubernetes.io/audit": "restricted"})
	must(t, err)
	pod := s.GoodPod(ns, "bad", harness.Privileged)
	created(t, s, pod)
	must(t, s.AwaitAudit(t.Context(), pod, harness.ValidateHook, "audit-violations", `would violate PodSecurity "restricted:latest": privileged (`))
}

// A namespace that becomes stricter: upstream's warnings about the pods that are there, in its words.
func TestPodSecurityRelabelling(t *testing.T) {
	s := up(t)
	hook := podSecurity(t, s, "{podSecurityLabels: true, podSecurityExemptions: {namespaces: [podreeve-e2e-exempt]}, rules: {}}")
	ns := namespace(t, s, "relabelled", hook)
	for _, name := range []string{"b", "a"} {
		pod := s.GoodPod(ns, name, harness.Privileged)
		pod.SetName(name)
		created(t, s, pod)
	}
	created(t, s, s.GoodPod(ns, "good"))
	label := func(value string) harness.Said {
		return kubectl(t, s, "", "label", "--overwrite", "namespace", ns, enforce+"="+value)
	}
	must(t, harness.Await(t.Context(), "the warning tells of both pods", func(ctx context.Context) (bool, error) {
		label("privileged")
		said := label("baseline")
		wanted := fmt.Sprintf("Warning: existing pods in namespace %q violate the new PodSecurity enforce level \"baseline:latest\"", ns)
		ok := said.Code == 0 && strings.Contains(said.Stderr, wanted) && strings.Contains(said.Stderr, "Warning: a (and 1 other pod): privileged\n")
		return ok, fmt.Errorf("%s", said)
	}))
	if said := label("baseline"); said.Stderr != "" {
		t.Errorf("the same label again warns: %s", said)
	}
	if said := label("strict"); said.Code == 0 || !strings.Contains(said.Stderr, `Invalid value: "strict": must be one of privileged, baseline, restricted`) {
		t.Errorf("want the label refused, got %s", said)
	}
	// Like upstream, podreeve gets new labels by a watch.
	eventually(t, s, ns, true)
	created(t, s, s.GoodPod(ns, "good-too"))
}

// A label that means nothing is refused when the namespace is made; an exempt namespace gets a warning that its labels do nothing.
func TestPodSecurityLabelsOfNewNamespaces(t *testing.T) {
	s := up(t)
	hook := podSecurity(t, s, "{podSecurityLabels: true, podSecurityExemptions: {namespaces: [podreeve-e2e-exempt]}, rules: {}}")
	make := func(name, label, value string) harness.Said {
		labels := ""
		for key, value := range hook.Labels() {
			labels += fmt.Sprintf("%s: %q, ", key, value)
		}
		return kubectl(t, s, fmt.Sprintf("{apiVersion: v1, kind: Namespace, metadata: {name: %s, labels: {%s%s: %q}}}", name, labels, label, value),
			"create", "--dry-run=server", "-f", "-")
	}
	said := make("podreeve-e2e-wrong", enforce+"-version", "1.30")
	if want := `metadata.labels[` + enforce + `-version]: Invalid value: "1.30": must be "latest" or "v1.x"`; said.Code == 0 || !strings.Contains(said.Stderr, want) {
		t.Errorf("want %q, got %s", want, said)
	}
	said = make("podreeve-e2e-exempt", enforce, "restricted")
	if want := `namespace "podreeve-e2e-exempt" is exempt from Pod Security, and the policy (enforce=restricted:latest) will be ignored`; said.Code != 0 || !strings.Contains(said.Stderr, want) {
		t.Errorf("want the warning %q, got %s", want, said)
	}
}
