package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"

	"podreeve.dev/e2e/harness"
)

// custom installs the CRDs and starts a podreeve that reads its policies from the API server.
func custom(t *testing.T, s *suite, args ...string) (*harness.Podreeve, *harness.Hook) {
	t.Helper()
	hook := s.NewHook()
	return customWith(t, s, hook, args...), hook
}

func customWith(t *testing.T, s *suite, hook *harness.Hook, args ...string) *harness.Podreeve {
	t.Helper()
	if !s.Owned {
		t.Skip("installs and removes CRDs, which is for a cluster of our own")
	}
	must(t, s.InstallCRDs(t.Context()))
	t.Cleanup(func() { must(t, s.Remove(context.Background(), "policies.podreeve.dev", "--all")) })
	server, err := s.StartInCluster(t.Context(), map[string]string{"probe": harness.ProbeOnly}, args...)
	must(t, err)
	t.Cleanup(func() { server.Stop() }) // of two with Leases of their own, each says in the status what it thinks
	must(t, s.Register(t.Context(), hook, server.URL(), server.CA))
	return server
}

// eventually waits until a privileged pod is denied, or let in.
func eventually(t *testing.T, s *suite, ns string, denied bool) {
	t.Helper()
	must(t, harness.Await(t.Context(), fmt.Sprintf("a privileged pod in %s is denied: %v", ns, denied), func(ctx context.Context) (bool, error) {
		answer := s.Create(ctx, s.GoodPod(ns, "bad", harness.Privileged), true)
		return answer.Is(denied), answer.Err
	}))
}

// Without a policy of its own podreeve enforces what the cluster says, and nothing until then.
func TestPolicyObjectsAlone(t *testing.T) {
	s := up(t)
	if !s.Owned {
		t.Skip("installs CRDs, which is for a cluster of our own")
	}
	must(t, s.InstallCRDs(t.Context()))
	server, err := s.StartInCluster(t.Context(), nil)
	must(t, err)
	t.Cleanup(server.Stop)
	hook := s.NewHook()
	must(t, s.Apply(t.Context(), harness.PolicyYAML("probe", harness.ProbeOnly)))
	t.Cleanup(func() { must(t, s.Remove(context.Background(), "policies.podreeve.dev", "--all")) })
	must(t, s.Register(t.Context(), hook, server.URL(), server.CA))
	ns, err := s.NamespaceWith(t.Context(), "team", hook, map[string]string{"team": "shop"})
	must(t, err)
	wantAdmitted(t, s.Create(t.Context(), s.GoodPod(ns, "bad", harness.Privileged), true))
	must(t, s.Apply(t.Context(), harness.PolicyYAML("shop", policyFor("shop", denyPrivileged))))
	eventually(t, s, ns, true)
}

func policyFor(label, rules string) string {
	return fmt.Sprintf("{match: {namespaceSelector: {matchLabels: {team: %s}}}, rules: %s}", label, rules)
}

const denyPrivileged = "{privileged: {action: deny}}"

func TestPolicyObjects(t *testing.T) {
	s := up(t)
	_, hook := custom(t, s)
	ns, err := s.NamespaceWith(t.Context(), "team", hook, map[string]string{"team": "shop"})
	must(t, err)
	other := namespace(t, s, "other", hook)

	must(t, s.Apply(t.Context(), harness.PolicyYAML("shop", policyFor("shop", denyPrivileged))))
	_, err = s.AwaitCondition(t.Context(), "True", "prpol", "shop")
	must(t, err)
	eventually(t, s, ns, true)
	wantAdmitted(t, s.Create(t.Context(), s.GoodPod(other, "bad", harness.Privileged), true))

	// An error that the schema cannot find: the status has it, and the last good policy stays in force.
	wrong := policyFor("shop", "{privileged: {action: warn}}, exemptions: [{rules: [privilegd], namespaces: [a], reason: b}]")
	must(t, s.Apply(t.Context(), harness.PolicyYAML("shop", wrong)))
	message, err := s.AwaitCondition(t.Context(), "False", "policies.podreeve.dev", "shop")
	must(t, err)
	for _, want := range []string{"did you mean `privileged`", "generation 1 of it stays in force"} {
		if !strings.Contains(message, want) {
			t.Errorf("want %q in the condition, got %q", want, message)
		}
	}
	eventually(t, s, ns, true)
	table := kubectl(t, s, "", "get", "policies.podreeve.dev", "shop").Stdout
	if head, row, _ := strings.Cut(table, "\n"); strings.Join(strings.Fields(head), " ") != "NAME MODE RULES MATCH READY REASON AGE" || !strings.HasPrefix(strings.Join(strings.Fields(row), " "), "shop deny 1 namespaces by label False Invalid ") {
		t.Errorf("want the columns NAME MODE RULES MATCH READY REASON AGE, got\n%s", table)
	}

	must(t, s.Apply(t.Context(), harness.PolicyYAML("shop", policyFor("shop", "{privileged: {action: warn}}"))))
	_, err = s.AwaitCondition(t.Context(), "True", "policies.podreeve.dev", "shop")
	must(t, err)
	eventually(t, s, ns, false)
	must(t, s.Apply(t.Context(), harness.PolicyYAML("shop", policyFor("shop", denyPrivileged))))
	eventually(t, s, ns, true)
	must(t, s.Remove(t.Context(), "policies.podreeve.dev", "shop"))
	eventually(t, s, ns, false)
}

func TestPolicySchema(t *testing.T) {
	s := up(t)
	custom(t, s)
	for spec, says := range map[string]string{
		"{rules: {}, match: {namespaces: [a], excludeNamespaces: [a]}}":                         "a namespace is both named and excluded",
		"{rules: {}, match: {namespaceSelector: {matchExpressions: [{key: a, operator: In}]}}}": "In and NotIn need values",
		"{rules: {}, match: {namespaceSelector: {matchExpressions: [{key: a, operator: in}]}}}": "Unsupported value",
		"{rules: {}, exemptions: [{rules: [privileged], namespaces: [a], reason: ' '}]}":        "say why this is right",
		"{rules: {}, exemptions: [{rules: [], namespaces: [a], reason: b}]}":                    "should have at least 1 items",
		"{rules: {}, podSecurityExemptions: {namespaces: [a]}}":                                 "podSecurityLabels, which is not true",
		"{rules: {}, podSecurityDefaults: {enforce: baseline}}":                                 "podSecurityDefaults stands in for podSecurityLabels, which is not true",
		"{rules: {}, podSecurityLabels: false, podSecurityDefaults: {warn: baseline}}":          "podSecurityDefaults stands in for podSecurityLabels, which is not true",
		"{rules: {}, podSecurityLabels: true, podSecurityDefaults: {enforce: strict}}":          "Unsupported value",
		"{rules: {}, podSecurityLabels: true, podSecurityDefaults: {enforceVersion: v2.0}}":     "should match",
		"{rules: {privileged: {action: patch}}}":                                                "Unsupported value",
	} {
		err := s.Apply(t.Context(), harness.PolicyYAML("wrong", spec))
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: want it refused with %q, got %v", spec, says, err)
		}
	}
	// What is right passes, and what is left out gets its default.
	must(t, s.Apply(t.Context(), harness.PolicyYAML("right", "{rules: {}, podSecurityLabels: true, podSecurityDefaults: {enforce: baseline, enforceVersion: v1.30}}")))
	defaults := kubectl(t, s, "", "get", "prpol", "right", "-o", "jsonpath={.spec.podSecurityDefaults}").Stdout
	want := map[string]string{"enforce": "baseline", "enforceVersion": "v1.30", "audit": "privileged", "auditVersion": "latest", "warn": "privileged", "warnVersion": "latest"}
	var got map[string]string
	if err := json.Unmarshal([]byte(defaults), &got); err != nil || !maps.Equal(got, want) {
		t.Errorf("want the defaults %v, got %s (%v)", want, defaults, err)
	}
}

// What the API server itself refuses of an Exemption, the columns that it shows of one, and its short name.
func TestExemptionSchema(t *testing.T) {
	s := up(t)
	ns := namespace(t, s, "exempt", nil)
	custom(t, s, "--exemption-namespaces", ns)
	for spec, says := range map[string]string{
		"{rules: [privileged], reason: ' '}":                     "say why this is right",
		"{rules: [privileged], reason: ''}":                      "should be at least 1 chars long",
		"{rules: [privileged]}":                                  "spec.reason: Required value",
		"{reason: a test}":                                       "spec.rules: Required value",
		"{rules: [], reason: a test}":                            "should have at least 1 items",
		"{rules: [privileged], reason: a test, until: tomorrow}": "should match",
	} {
		err := s.Apply(t.Context(), exemption(ns, "wrong", spec))
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: want it refused with %q, got %v", spec, says, err)
		}
	}
	must(t, s.Apply(t.Context(), exemption(ns, "good", "{rules: [privileged, host-path], reason: a test, until: '2999-12-31'}")))
	_, err := s.AwaitCondition(t.Context(), "True", "-n", ns, "exemptions.podreeve.dev", "good")
	must(t, err)
	head, row, _ := strings.Cut(kubectl(t, s, "", "get", "prex", "-n", ns).Stdout, "\n")
	if got := strings.Join(strings.Fields(head), " "); got != "NAME RULES EXPIRES READY REASON AGE" {
		t.Errorf("want the columns NAME RULES EXPIRES READY REASON AGE, got %s", got)
	}
	if got := strings.Join(strings.Fields(row), " "); !strings.HasPrefix(got, `good ["privileged","host-path"] 2999-12-31 True Compiled `) {
		t.Errorf("the row is %s", got)
	}
}

func exemption(ns, name, spec string) string {
	return fmt.Sprintf("{apiVersion: podreeve.dev/v1alpha1, kind: Exemption, metadata: {name: %s, namespace: %s}, spec: %s}", name, ns, spec)
}

func TestExemptionObjects(t *testing.T) {
	s := up(t)
	allowed := s.Name("podreeve-e2e-allowed")
	_, hook := custom(t, s, "--exemption-namespaces", allowed+",elsewhere")
	labels := hook.Labels()
	labels["team"] = "shop"
	must(t, s.Apply(t.Context(), namespaceYAML(allowed, labels)))
	t.Cleanup(func() { must(t, s.Remove(context.Background(), "--wait=false", "namespace", allowed)) })
	must(t, s.Apply(t.Context(), fmt.Sprintf("{apiVersion: v1, kind: ServiceAccount, metadata: {name: default, namespace: %s}}", allowed)))
	other, err := s.NamespaceWith(t.Context(), "other", hook, map[string]string{"team": "shop"})
	must(t, err)
	must(t, s.Apply(t.Context(), harness.PolicyYAML("shop", policyFor("shop", denyPrivileged))))
	eventually(t, s, allowed, true)

	good := "{rules: [privileged], reason: a test}"
	must(t, s.Apply(t.Context(), exemption(allowed, "good", good)))
	must(t, s.Apply(t.Context(), exemption(other, "good", good)))
	_, err = s.AwaitCondition(t.Context(), "True", "-n", allowed, "exemptions.podreeve.dev", "good")
	must(t, err)
	eventually(t, s, allowed, false)
	message, err := s.AwaitCondition(t.Context(), "False", "-n", other, "prex", "good")
	must(t, err)
	if !strings.Contains(message, "--exemption-namespaces") {
		t.Errorf("want the reason, got %q", message)
	}
	eventually(t, s, other, true)

	// One that becomes wrong exempts nothing.
	must(t, s.Apply(t.Context(), exemption(allowed, "good", "{rules: [privilegd], reason: a test}")))
	message, err = s.AwaitCondition(t.Context(), "False", "-n", allowed, "exemptions.podreeve.dev", "good")
	must(t, err)
	if !strings.Contains(message, "did you mean `privileged`") {
		t.Errorf("want the reason, got %q", message)
	}
	eventually(t, s, allowed, true)
}

func namespaceYAML(name string, labels map[string]string) string {
	text := ""
	for key, value := range labels {
		text += fmt.Sprintf("%s: %q, ", key, value)
	}
	return fmt.Sprintf("{apiVersion: v1, kind: Namespace, metadata: {name: %s, labels: {%s}}}", name, text)
}

// The CRDs go while podreeve serves: what they said stays in force. They come back: it is read again.
func TestMissingCRDs(t *testing.T) {
	s := up(t)
	server, hook := custom(t, s)
	ns, err := s.NamespaceWith(t.Context(), "team", hook, map[string]string{"team": "shop"})
	must(t, err)
	must(t, s.Apply(t.Context(), harness.PolicyYAML("shop", policyFor("shop", denyPrivileged))))
	eventually(t, s, ns, true)

	must(t, s.Remove(t.Context(), "crd", "policies.podreeve.dev", "exemptions.podreeve.dev"))
	must(t, server.AwaitLog(t.Context(), "the CRD is being removed"))
	must(t, server.AwaitLog(t.Context(), "is its CRD installed?"))
	eventually(t, s, ns, true)
	if count := strings.Count(server.Log(), "is its CRD installed?"); count > 2 {
		t.Errorf("said %d times that a CRD is missing, of two", count)
	}

	must(t, s.InstallCRDs(t.Context()))
	must(t, s.Apply(t.Context(), harness.PolicyYAML("shop", policyFor("shop", "{privileged: {action: warn}}"))))
	_, err = s.AwaitCondition(t.Context(), "True", "policies.podreeve.dev", "shop")
	must(t, err)
	eventually(t, s, ns, false)
}

// The CRDs are not there when podreeve starts: it serves the policies of its files and logs once for each. Once they are there, the Policy is in force.
func TestMissingCRDsAtStart(t *testing.T) {
	s := up(t)
	if !s.Owned {
		t.Skip("installs and removes CRDs, which is for a cluster of our own")
	}
	must(t, s.Remove(t.Context(), "crd", "policies.podreeve.dev", "exemptions.podreeve.dev"))
	server, err := s.StartInCluster(t.Context(), map[string]string{"probe": harness.ProbeOnly})
	must(t, err)
	t.Cleanup(server.Stop)
	hook := s.NewHook()
	must(t, s.Register(t.Context(), hook, server.URL(), server.CA)) // it serves what the file says
	for _, kind := range []string{"policies", "exemptions"} {
		must(t, server.AwaitLog(t.Context(), kind+".podreeve.dev"))
	}

	must(t, s.InstallCRDs(t.Context()))
	t.Cleanup(func() { must(t, s.Remove(context.Background(), "policies.podreeve.dev", "--all")) })
	ns, err := s.NamespaceWith(t.Context(), "team", hook, map[string]string{"team": "shop"})
	must(t, err)
	must(t, s.Apply(t.Context(), harness.PolicyYAML("shop", policyFor("shop", denyPrivileged))))
	eventually(t, s, ns, true)
	_, err = s.AwaitCondition(t.Context(), "True", "policies.podreeve.dev", "shop")
	must(t, err)
	if count := strings.Count(server.Log(), "is its CRD installed?"); count != 2 {
		t.Errorf("said %d times that a CRD is missing, of two", count)
	}
}

// Without an API server it is ready and serves what it has from files; the log says so once.
func TestUnreachableAPIServer(t *testing.T) {
	s := up(t)
	if !s.Owned {
		t.Skip("needs a token of our own making")
	}
	kubeconfig, err := s.WrongKubeconfig()
	must(t, err)
	server, err := s.StartPodreeve(t.Context(), "--cluster", "--kubeconfig", kubeconfig)
	must(t, err)
	t.Cleanup(server.Stop) // it leads a Lease of its own and says in every status what it thinks
	hook := s.NewHook()
	must(t, s.Register(t.Context(), hook, server.URL(), server.CA))
	must(t, server.AwaitLog(t.Context(), "the API server cannot be reached"))
	if count := strings.Count(server.Log(), "cannot be reached"); count != 1 {
		t.Errorf("said %d times that the API server cannot be reached", count)
	}
	// The file is repaired: it recovers by itself.
	must(t, s.RepairKubeconfig(kubeconfig))
	must(t, server.AwaitLog(t.Context(), "can be reached again"))
}

const rayCluster = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: rayclusters.ray.io}
spec:
  group: ray.io
  names: {kind: RayCluster, plural: rayclusters}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, x-kubernetes-preserve-unknown-fields: true}}}}
`

// A kind with a template in an object and templates in a list: each is judged at its path, a path without a template
// gives a warning, and a value that is no template is denied.
func TestKindsOfOthers(t *testing.T) {
	s := up(t)
	if !s.Owned {
		t.Skip("installs a CRD, which is for a cluster of our own")
	}
	must(t, s.Apply(t.Context(), rayCluster))
	t.Cleanup(func() { must(t, s.Remove(context.Background(), "crd", "rayclusters.ray.io")) })
	must(t, harness.Await(t.Context(), "the CRD is served", func(ctx context.Context) (bool, error) {
		said := kubectl(t, s, "", "get", "rayclusters.ray.io", "-A")
		return !strings.Contains(said.Stderr, "the server doesn't have a resource type"), fmt.Errorf("%s", said)
	}))
	// Each path in a policy of its own: all count.
	workload := func(path string) string {
		return fmt.Sprintf("{match: {namespaceSelector: {matchLabels: {team: ray}}}, rules: %s, workloads: [{apiVersion: ray.io/v1, kind: RayCluster, path: %q}]}", denyPrivileged, path)
	}
	server, err := s.StartInCluster(t.Context(), map[string]string{
		"probe":   harness.ProbeOnly,
		"head":    workload("spec.headGroupSpec.template"),
		"workers": workload("spec.workerGroupSpecs[].template"),
	})
	must(t, err)
	t.Cleanup(server.Stop)
	hook := s.NewHook().WithKind("ray.io", "rayclusters")
	must(t, s.Register(t.Context(), hook, server.URL(), server.CA))
	ns, err := s.NamespaceWith(t.Context(), "ray", hook, map[string]string{"team": "ray"})
	must(t, err)

	template := func(privileged bool) string {
		return fmt.Sprintf("{spec: {containers: [{name: ray, image: 'x:1', securityContext: {privileged: %v}}]}}", privileged)
	}
	good, bad := template(false), template(true)
	for name, c := range map[string]struct{ spec, says string }{
		"good":    {fmt.Sprintf("{headGroupSpec: {template: %s}, workerGroupSpecs: [{template: %s}]}", good, good), "created"},
		"head":    {fmt.Sprintf("{headGroupSpec: {template: %s}, workerGroupSpecs: [{template: %s}]}", bad, good), "spec.headGroupSpec.template.spec.containers[0].securityContext.privileged"},
		"worker":  {fmt.Sprintf("{headGroupSpec: {template: %s}, workerGroupSpecs: [{template: %s}, {template: %s}]}", good, good, bad), "spec.workerGroupSpecs[1].template.spec.containers[0].securityContext.privileged"},
		"nothing": {fmt.Sprintf("{headGroupSpec: {template: %s}, workerGroupSpecs: []}", good), "Warning: podreeve: no pod template at spec.workerGroupSpecs[].template"},
		"list":    {fmt.Sprintf("{headGroupSpec: {template: [%s]}, workerGroupSpecs: [{template: %s}]}", good, good), "a list stands where"},
	} {
		object := fmt.Sprintf("{apiVersion: ray.io/v1, kind: RayCluster, metadata: {name: %s, namespace: %s}, spec: %s}", name, ns, c.spec)
		said := kubectl(t, s, object, "create", "-f", "-", withAnswers)
		denied := strings.Contains(said.Stderr, "denied the request")
		if !strings.Contains(said.Stdout+said.Stderr, c.says) || denied == (name == "good" || name == "nothing") {
			t.Errorf("%s: want %q, got %s", name, c.says, said)
		}
	}
	text, err := server.Metrics(t.Context())
	must(t, err)
	if want := `podreeve_unmet_template_paths_total{reason="absent"} 1`; !strings.Contains(text, want) {
		t.Errorf("want %s on /metrics", want)
	}
}
