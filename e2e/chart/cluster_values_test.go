package chart

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	admission "k8s.io/api/admissionregistration/v1"
	apps "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	core "k8s.io/api/core/v1"
	flowcontrol "k8s.io/api/flowcontrol/v1"
	policy "k8s.io/api/policy/v1"
	rbac "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"
)

// What particular clusters need arrives in the pods.
func TestPodsForParticularClusters(t *testing.T) {
	pod := find[apps.Deployment](t, render(t, "default", "--set", strings.Join([]string{
		"hostNetwork=true", "ports.https=10443", "ports.metrics=10080", "dnsPolicy=ClusterFirstWithHostNet", "dnsConfig.nameservers[0]=192.0.2.53",
		"runtimeClassName=kata", "startupProbe.failureThreshold=120", "livenessProbe.timeoutSeconds=9", "readinessProbe.periodSeconds=3",
		"extraContainers[0].name=proxy", "extraContainers[0].image=proxy:v1",
		"global.imageRegistry=mirror.example.com", "global.imagePullSecrets[0]=pull", "global.imagePullSecrets[1].name=more",
	}, ",")), "Deployment", "podreeve").Spec.Template.Spec
	container := pod.Containers[0]
	var secrets []string
	for _, secret := range pod.ImagePullSecrets {
		secrets = append(secrets, secret.Name)
	}
	for what, ok := range map[string]bool{
		"hostNetwork":             pod.HostNetwork,
		"ports":                   container.Ports[0].ContainerPort == 10443 && container.Ports[1].ContainerPort == 10080,
		"ports in the arguments":  strings.Contains(strings.Join(container.Args, " "), "--listen=[::]:10443 --admin-listen=[::]:10080"),
		"dnsPolicy":               pod.DNSPolicy == core.DNSClusterFirstWithHostNet,
		"dnsConfig":               pod.DNSConfig != nil && reflect.DeepEqual(pod.DNSConfig.Nameservers, []string{"192.0.2.53"}),
		"runtimeClassName":        pod.RuntimeClassName != nil && *pod.RuntimeClassName == "kata",
		"startupProbe":            container.StartupProbe.FailureThreshold == 120 && container.StartupProbe.PeriodSeconds == 1,
		"livenessProbe":           container.LivenessProbe.TimeoutSeconds == 9,
		"readinessProbe":          container.ReadinessProbe.PeriodSeconds == 3,
		"extraContainers":         len(pod.Containers) == 2 && pod.Containers[1].Name == "proxy",
		"global.imageRegistry":    container.Image == "mirror.example.com/podreeve/podreeve:"+readChartFile(t).AppVersion,
		"global.imagePullSecrets": reflect.DeepEqual(secrets, []string{"pull", "more"}),
	} {
		if !ok {
			t.Errorf("%s does not arrive in the pods", what)
		}
	}
}

// A chart's own registry wins over that of a parent chart.
func TestOwnRegistryWins(t *testing.T) {
	image := deployment(t, "default", "--set", "global.imageRegistry=mirror.example.com,image.registry=own.example.com").Spec.Template.Spec.Containers[0].Image
	if image != "own.example.com/podreeve/podreeve:"+readChartFile(t).AppVersion {
		t.Errorf("image %q", image)
	}
}

// Files of policies are on the pod template by their hash: a change of them is a rollout, which stops at files that do not load.
func TestPolicyFilesRollOut(t *testing.T) {
	hash := func(file string) string {
		template := deployment(t, "default", "--set-json", "policyFiles="+file).Spec.Template
		return template.Annotations["podreeve.dev/policy-files"]
	}
	one, other := hash(`{"a.yaml":"spec: {rules: {}}"}`), hash(`{"a.yaml":"spec: {rules: {privileged: {action: deny}}}"}`)
	if len(one) != 64 || one == other {
		t.Errorf("two contents have the hashes %q and %q", one, other)
	}
	if _, has := deployment(t, "default").Spec.Template.Annotations["podreeve.dev/policy-files"]; has {
		t.Error("without files there is an annotation")
	}
}

// The hash is that of the files as they are mounted: a replica compares its own with it.
func TestHashOfThePolicyFiles(t *testing.T) {
	const files = `{"b.yaml":"\n  two: [2]\r\n\n","a.yaml":{"spec":{"rules":{"privileged":{"action":"deny"}}}},"c.json":"# \u00e9\nx: 1  \ny: 2"}`
	objects := render(t, "default", "--set-json", "policyFiles="+strings.Replace(files, `{"spec"`, `{"apiVersion":"podreeve.dev/v1alpha1","kind":"Policy","metadata":{"name":"a"},"spec"`, 1))
	mounted := find[core.ConfigMap](t, objects, "ConfigMap", "podreeve-policies").Data
	var list strings.Builder
	for _, name := range slices.Sorted(maps.Keys(mounted)) {
		fmt.Fprintf(&list, "%x  %s\n", sha256.Sum256([]byte(mounted[name])), name)
	}
	hash := fmt.Sprintf("%x", sha256.Sum256([]byte(list.String())))
	template := find[apps.Deployment](t, objects, "Deployment", "podreeve").Spec.Template
	if args := template.Spec.Containers[0].Args; !slices.Contains(args, "--rolled-out-policies="+hash) || template.Annotations["podreeve.dev/policy-files"] != hash {
		t.Errorf("the files have the hash %s, the pods %q and the annotation %s", hash, args, template.Annotations["podreeve.dev/policy-files"])
	}
}

// The leader keeps the files that loaded in a ConfigMap, by its name; without files there is none, and no right to it.
func TestTheLastGoodFilesHaveAPlace(t *testing.T) {
	objects := render(t, "default", "--set-json", `policyFiles={"a.yaml":"spec: {rules: {}}"}`)
	if place := find[core.ConfigMap](t, objects, "ConfigMap", "podreeve-last-good"); place.Data != nil {
		t.Errorf("an upgrade would take away what the leader kept: %v", place.Data)
	}
	want := right("", "configmaps", "get patch", "podreeve-last-good")
	role := find[rbac.Role](t, objects, "Role", "podreeve").Rules
	if !slices.ContainsFunc(role, func(rule rbac.PolicyRule) bool { return reflect.DeepEqual(rule, want) }) {
		t.Errorf("podreeve may %+v, wanted %+v", role, want)
	}
	if args := find[apps.Deployment](t, objects, "Deployment", "podreeve").Spec.Template.Spec.Containers[0].Args; !slices.Contains(args, "--last-good-policies=podreeve-last-good") {
		t.Errorf("the arguments are %q", args)
	}
	if render(t, "default").has("ConfigMap", "podreeve-last-good") {
		t.Error("without files there is a place for them")
	}
}

// Both Helms refuse a typing error in a Policy, and name the key; text is not read before a replica starts.
func TestPoliciesAreCheckedByTheirSchema(t *testing.T) {
	const policy = `policyFiles={"a.yaml":{"apiVersion":"podreeve.dev/v1alpha1","kind":"Policy","metadata":{"name":"a"},"spec":%s}}`
	for name, helm := range helms(t) {
		for spec, key := range map[string]string{
			`{"rules":{"privilegd":{"action":"deny"}}}`:                               "privilegd",
			`{"rules":{"privileged":{"acton":"deny"}}}`:                               "acton",
			`{"rules":{"privileged":{"action":"forbid"}}}`:                            "action",
			`{"rules":{"memory-limit":{"action":"deny","params":{"maximum":"1Gi"}}}}`: "maximum",
			`{"rules":{},"mach":{}}`:                                                  "mach",
			`{"rules":{},"exemptions":[{"rules":["privileged"],"namespaces":["a"]}]}`: "reason",
			`{"rules":{},"match":{"excludeNamespaces":"kube-system"}}`:                "excludeNamespaces",
		} {
			if _, err := helm.Template("--set-json", fmt.Sprintf(policy, spec)); err == nil || !strings.Contains(err.Error(), key) {
				t.Errorf("%s: the error on %s does not name %s: %v", name, spec, key, err)
			}
		}
		good := `{"match":{"excludeNamespaces":["kube-system"]},"rules":{"privileged":{"action":"deny"},"memory-limit":{"action":"warn","params":{"max":"4Gi"}}}}`
		if _, err := helm.Template("--set-json", fmt.Sprintf(policy, good)); err != nil {
			t.Errorf("%s refuses a good Policy: %v", name, err)
		}
		if _, err := helm.Template("--set-json", `policyFiles={"a.yaml":{"spec":{"rules":{}}}}`); err == nil || !strings.Contains(err.Error(), "apiVersion") {
			t.Errorf("%s takes a Policy without apiVersion: %v", name, err)
		}
	}
}

// The built-in policies are good by the schema, so it knows what podreeve knows.
func TestBuiltInPoliciesFitTheSchema(t *testing.T) {
	for _, name := range []string{"owasp", "pss-baseline", "pss-restricted"} {
		text, err := os.ReadFile(filepath.Join(Root(), "policies", name+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		var policy any
		if err := yaml.Unmarshal(text, &policy); err != nil {
			t.Fatal(err)
		}
		values, err := json.Marshal(map[string]any{"policyFiles": map[string]any{name + ".yaml": policy}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := helm(t, "helm4").Template("-f", writeTemp(t, string(values))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A file may be the Policy itself: no text in text.
func TestPolicyFilesAsMaps(t *testing.T) {
	policy := `{"apiVersion":"podreeve.dev/v1alpha1","kind":"Policy","metadata":{"name":"ours"},"spec":{"rules":{"privileged":{"action":"deny"}}}}`
	file := find[core.ConfigMap](t, render(t, "default", "--set-json", `policyFiles={"ours.yaml":`+policy+`}`), "ConfigMap", "podreeve-policies").Data["ours.yaml"]
	out, complaint, code := podreeve(t, "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: a, securityContext: {privileged: true}}]}\n",
		"check", "--policy", writeTemp(t, file), "-o", "json", "-")
	var said report
	if err := json.Unmarshal([]byte(out), &said); err != nil || code != 1 || len(said.Objects) != 1 || said.Objects[0].Violations[0].Rule != "privileged" {
		t.Errorf("check with the rendered file: exit code %d, %v\n%s%s", code, err, out, complaint)
	}
}

func writeTemp(t *testing.T, content string) string {
	t.Helper()
	path := t.TempDir() + "/policy.yaml"
	write(t, path, content)
	return path
}

func TestScalingAndDisruption(t *testing.T) {
	objects := render(t, "default", "--set", "autoscaling.enabled=true,autoscaling.targetMemoryUtilizationPercentage=80,autoscaling.behavior.scaleDown.stabilizationWindowSeconds=600",
		"--set", "podDisruptionBudget.maxUnavailable=50%")
	scaler := find[autoscaling.HorizontalPodAutoscaler](t, objects, "HorizontalPodAutoscaler", "podreeve").Spec
	if len(scaler.Metrics) != 2 || scaler.Metrics[1].Resource.Name != core.ResourceMemory || *scaler.Metrics[1].Resource.Target.AverageUtilization != 80 {
		t.Errorf("the metrics are %+v", scaler.Metrics)
	}
	if scaler.Behavior == nil || *scaler.Behavior.ScaleDown.StabilizationWindowSeconds != 600 {
		t.Errorf("the behaviour is %+v", scaler.Behavior)
	}
	budget := find[policy.PodDisruptionBudget](t, objects, "PodDisruptionBudget", "podreeve").Spec
	if budget.MinAvailable != nil || budget.MaxUnavailable.String() != "50%" {
		t.Errorf("the budget is %+v", budget)
	}
}

// The pods listen on both families; which of them the Service has, the cluster says, or the values.
func TestFamiliesOfTheService(t *testing.T) {
	if spec := find[core.Service](t, render(t, "default"), "Service", "podreeve").Spec; spec.IPFamilyPolicy != nil || spec.IPFamilies != nil {
		t.Errorf("by default the Service has %v %v", spec.IPFamilyPolicy, spec.IPFamilies)
	}
	spec := find[core.Service](t, render(t, "default", "--set", "service.ipFamilyPolicy=PreferDualStack,service.ipFamilies={IPv6,IPv4}"), "Service", "podreeve").Spec
	if *spec.IPFamilyPolicy != core.IPFamilyPolicyPreferDualStack || !reflect.DeepEqual(spec.IPFamilies, []core.IPFamily{core.IPv6Protocol, core.IPv4Protocol}) {
		t.Errorf("the Service has %v %v", *spec.IPFamilyPolicy, spec.IPFamilies)
	}
}

func TestQuotaAndFlowSchema(t *testing.T) {
	objects := render(t, "default", "--set", "resourceQuota.enabled=true,flowSchema.enabled=true")
	quota := find[core.ResourceQuota](t, objects, "ResourceQuota", "podreeve-critical").Spec
	pods := quota.Hard[core.ResourcePods]
	if pods.Value() != 20 || !reflect.DeepEqual(quota.ScopeSelector.MatchExpressions[0].Values, []string{"system-cluster-critical"}) {
		t.Errorf("the quota is %+v", quota)
	}
	schema := find[flowcontrol.FlowSchema](t, objects, "FlowSchema", "podreeve").Spec
	if subject := schema.Rules[0].Subjects[0].ServiceAccount; subject.Name != "podreeve" || subject.Namespace != "podreeve" || schema.PriorityLevelConfiguration.Name != "workload-high" {
		t.Errorf("the FlowSchema is %+v", schema)
	}
}

// The exclusions are CEL, and come before the conditions of the user's.
func TestExclusions(t *testing.T) {
	objects := armed(t, "default", "--set", `webhook.excludeUsers[0]=admin,webhook.excludeGroups[0]=system:nodes,webhook.excludeGroups[1]=root,webhook.excludeNamespacePrefixes[0]=kube-`,
		"--set", "webhook.matchConditions[0].name=mine,webhook.matchConditions[0].expression=1 == 1")
	want := []admission.MatchCondition{
		{Name: "exclude-users", Expression: "!(request.userInfo.username in ['admin'])"},
		{Name: "exclude-groups", Expression: "!request.userInfo.groups.exists(group, group in ['system:nodes', 'root'])"},
		{Name: "exclude-namespace-prefixes", Expression: "!['kube-'].exists(prefix, request.namespace.startsWith(prefix))"},
		{Name: "mine", Expression: "1 == 1"},
	}
	for _, webhook := range find[admission.ValidatingWebhookConfiguration](t, objects, "ValidatingWebhookConfiguration", "podreeve").Webhooks[:2] {
		conditions := webhook.MatchConditions
		if webhook.Name == "own-namespace.podreeve.dev" && len(conditions) > 0 {
			conditions = conditions[:len(conditions)-1] // the chart's own
		}
		if !reflect.DeepEqual(conditions, want) {
			t.Errorf("%s has the conditions %+v", webhook.Name, webhook.MatchConditions)
		}
	}
}

func TestMonitoringElsewhere(t *testing.T) {
	for _, object := range render(t, "default", "--set", "serviceMonitor.enabled=true,serviceMonitor.namespace=monitoring,serviceMonitor.scrapeTimeout=5s",
		"--set", "serviceMonitor.relabelings[0].action=labeldrop,serviceMonitor.metricRelabelings[0].action=keep") {
		if object.GetKind() != "ServiceMonitor" {
			continue
		}
		want := map[string]any{
			"selector":          object.Object["spec"].(map[string]any)["selector"],
			"namespaceSelector": map[string]any{"matchNames": []any{"podreeve"}},
			"endpoints": []any{map[string]any{"port": "metrics", "interval": "30s", "scrapeTimeout": "5s",
				"relabelings": []any{map[string]any{"action": "labeldrop"}}, "metricRelabelings": []any{map[string]any{"action": "keep"}}}},
		}
		if object.GetNamespace() != "monitoring" || !reflect.DeepEqual(object.Object["spec"], want) {
			t.Errorf("the ServiceMonitor is in %s: %v", object.GetNamespace(), object.Object["spec"])
		}
		return
	}
	t.Error("there is no ServiceMonitor")
}

// Rights of users: reading goes with `view`, Exemptions with `admin`, Policies with no role that is there already.
func TestRolesOfUsers(t *testing.T) {
	objects := render(t, "default")
	for name, want := range map[string]struct{ aggregated, resource, verb string }{
		"podreeve-view":  {"rbac.authorization.k8s.io/aggregate-to-view", "policies", "list"},
		"podreeve-edit":  {"rbac.authorization.k8s.io/aggregate-to-admin", "exemptions", "create"},
		"podreeve-admin": {"", "policies", "create"},
	} {
		role := find[rbac.ClusterRole](t, objects, "ClusterRole", name)
		aggregated := ""
		for label := range role.Labels {
			if strings.HasPrefix(label, "rbac.authorization.k8s.io/") {
				aggregated = label
			}
		}
		if aggregated != want.aggregated {
			t.Errorf("%s is part of %q, wanted %q", name, aggregated, want.aggregated)
		}
		writes := false
		for _, rule := range role.Rules {
			for _, resource := range rule.Resources {
				for _, verb := range rule.Verbs {
					writes = writes || resource == "policies" && verb == "create"
				}
			}
		}
		if writes != (name == "podreeve-admin") {
			t.Errorf("%s writes Policies: %v", name, writes)
		}
		if rule := role.Rules[0]; !strings.Contains(strings.Join(rule.Resources, " "), want.resource) || !strings.Contains(strings.Join(rule.Verbs, " "), want.verb) {
			t.Errorf("%s may %v %v", name, rule.Verbs, rule.Resources)
		}
	}
	for _, object := range render(t, "default", "--set", "rbac.userRoles=false") {
		if name := object.GetName(); strings.HasPrefix(name, "podreeve-") && object.GetKind() == "ClusterRole" && !strings.HasSuffix(name, "-uninstall") {
			t.Errorf("%s is made though rbac.userRoles is false", name)
		}
	}
}

// Annotations of every object, below those of its own, and objects that are added.
func TestAnnotationsAndObjectsOfUsers(t *testing.T) {
	objects := render(t, "everything", "--set", "commonAnnotations.owner=platform,commonAnnotations.note=common",
		"--set-json", `extraObjects=[{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"extra"}},"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}-text}"]`)
	for _, object := range objects {
		if strings.HasPrefix(object.GetName(), "extra") || strings.HasSuffix(object.GetName(), "-text") {
			continue
		}
		if object.GetAnnotations()["owner"] != "platform" {
			t.Errorf("%s has not the annotation of commonAnnotations", key(object))
		}
		if strings.HasSuffix(object.GetKind(), "WebhookConfiguration") && object.GetAnnotations()["note"] != "mine" {
			t.Errorf("%s: its own annotation does not win", key(object))
		}
	}
	if !objects.has("ConfigMap", "extra") || !objects.has("ConfigMap", "podreeve-text") {
		t.Error("extraObjects do not arrive")
	}
}
