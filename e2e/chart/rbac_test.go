package chart

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	rbac "k8s.io/api/rbac/v1"
)

func right(group, resources, verbs string, names ...string) rbac.PolicyRule {
	return rbac.PolicyRule{APIGroups: []string{group}, Resources: strings.Fields(resources), Verbs: strings.Fields(verbs), ResourceNames: names}
}

const webhookConfigurations = "validatingwebhookconfigurations mutatingwebhookconfigurations"

// Every right that podreeve has by default, and it uses each verb: src/cluster has the call. A new one is written here too, with its
// reason in templates/rbac.yaml; one that no call needs any more goes.
var (
	clusterRights = []rbac.PolicyRule{
		right("podreeve.dev", "policies exemptions", "list watch"),
		right("podreeve.dev", "policies", "create patch update delete", "owasp", "pss-baseline", "pss-restricted"),
		right("podreeve.dev", "policies/status exemptions/status", "patch"),
		right("apiextensions.k8s.io", "customresourcedefinitions", "get", "policies.podreeve.dev", "exemptions.podreeve.dev"),
		right("", "namespaces pods", "get list watch"),
		right("", "nodes", "list"),
		right("networking.k8s.io", "networkpolicies", "list watch"),
		right("", "podtemplates replicationcontrollers", "list"),
		right("apps", "deployments statefulsets daemonsets replicasets", "list"),
		right("batch", "jobs cronjobs", "list"),
		right("", "events", "create get patch"),
		right("admissionregistration.k8s.io", webhookConfigurations, "get patch", "podreeve"),
	}
	ownRights = []rbac.PolicyRule{
		right("", "services", "get", "podreeve"),
		right("apps", "deployments", "get list watch", "podreeve"),
		right("coordination.k8s.io", "leases", "get update", "podreeve"),
		right("coordination.k8s.io", "leases", "create"),
		right("", "secrets", "get update", "podreeve-tls"),
		right("", "secrets", "create"),
	}
)

func TestDefaultRights(t *testing.T) {
	objects := render(t, "default")
	sameRights(t, find[rbac.ClusterRole](t, objects, "ClusterRole", "podreeve").Rules, clusterRights)
	sameRights(t, find[rbac.Role](t, objects, "Role", "podreeve").Rules, ownRights)
}

func sameRights(t *testing.T, got, want []rbac.PolicyRule) {
	t.Helper()
	for _, rule := range got {
		if !slices.ContainsFunc(want, func(w rbac.PolicyRule) bool { return reflect.DeepEqual(rule, w) }) {
			t.Errorf("an unexpected right: %+v", rule)
		}
	}
	for _, rule := range want {
		if !slices.ContainsFunc(got, func(g rbac.PolicyRule) bool { return reflect.DeepEqual(rule, g) }) {
			t.Errorf("a right is missing: %+v", rule)
		}
	}
}

// What each value adds or takes.
func TestRightsFollowTheValues(t *testing.T) {
	const proxy, configz, reports, policyReports, certificates, scan = "nodes/proxy", "nodes/configz", "reports", "policyreports", "secrets", "cronjobs"
	const token = "serviceaccounts/token"           // of the account that kubelets see
	const owner = "validatingwebhookconfigurations" // of which there must be one, whoever makes the certificate
	const unscanned = " --set-string scan.interval=0"
	for values, want := range map[string][]string{
		"default":                            {certificates, scan, owner},
		"default" + unscanned:                {certificates, owner},
		"default --set rbac.nodesProxy=true": {proxy, certificates, scan, owner},
		"everything":                         {configz, token, reports, certificates, scan, owner},
		"everything" + unscanned:             {configz, token, certificates, owner},
		"cert-manager":                       {policyReports, scan, owner},
		"cert-manager" + unscanned:           {owner},
		"existing-secret":                    {scan, owner},
		"minimal":                            {}, // its role is made by others
	} {
		var has []string
		args := strings.Fields(values)
		for _, rule := range allRights(t, render(t, args[0], args[1:]...)) {
			for _, resource := range []string{proxy, configz, token, reports, policyReports, certificates, scan, owner} {
				if slices.Contains(rule.Resources, resource) && !slices.Contains(has, resource) {
					has = append(has, resource)
				}
			}
		}
		slices.Sort(has)
		slices.Sort(want)
		if !slices.Equal(has, want) {
			t.Errorf("%s: rights to %v, wanted %v", values, has, want)
		}
	}
}

// No values give a right to everything, to other people's secrets, or to change other webhooks. Where pull secrets are, podreeve reads them
// by the names that pods give (TestPullSecretsNeedARight).
func TestNoRightIsWide(t *testing.T) {
	for _, values := range matrix(t) {
		objects := slices.DeleteFunc(render(t, values), ofPullSecrets)
		for _, rule := range allRights(t, objects) {
			all := slices.Concat(rule.APIGroups, rule.Resources, rule.Verbs)
			if slices.Contains(all, "*") || len(rule.NonResourceURLs) > 0 {
				t.Errorf("%s: %+v", values, rule)
			}
			for _, verb := range []string{"escalate", "bind", "impersonate", "deletecollection"} {
				if slices.Contains(rule.Verbs, verb) {
					t.Errorf("%s: %+v", values, rule)
				}
			}
			named := len(rule.ResourceNames) > 0
			onlyCreate := slices.Equal(rule.Verbs, []string{"create"})
			if guarded := slices.ContainsFunc(rule.Resources, func(resource string) bool {
				return resource == "secrets" || resource == "configmaps" || resource == "leases" || resource == "serviceaccounts/token" || strings.HasSuffix(resource, "webhookconfigurations")
			}); guarded && !named && !onlyCreate {
				t.Errorf("%s: %+v has no resourceNames", values, rule)
			}
		}
	}
}

// Secrets are reached in the own namespace alone.
func TestSecretsAreNotReachedClusterWide(t *testing.T) {
	for _, values := range matrix(t) {
		for _, object := range render(t, values) {
			if object.GetKind() != "ClusterRole" {
				continue
			}
			for _, rule := range find[rbac.ClusterRole](t, Objects{object}, "ClusterRole", object.GetName()).Rules {
				if slices.Contains(rule.Resources, "secrets") || slices.Contains(rule.Resources, "leases") {
					t.Errorf("%s: %+v", values, rule)
				}
			}
		}
	}
}

// allRights are those of the webhook itself, not of hooks.
func allRights(t *testing.T, objects Objects) []rbac.PolicyRule {
	t.Helper()
	var rules []rbac.PolicyRule
	for _, object := range objects {
		if object.GetAnnotations()["helm.sh/hook"] != "" || isOfUsers(object.GetName()) {
			continue
		}
		switch object.GetKind() {
		case "ClusterRole":
			rules = append(rules, find[rbac.ClusterRole](t, Objects{object}, "ClusterRole", object.GetName()).Rules...)
		case "Role":
			rules = append(rules, find[rbac.Role](t, Objects{object}, "Role", object.GetName()).Rules...)
		}
	}
	return rules
}

// isOfUsers: roles that podreeve itself does not have (TestRolesOfUsers).
func isOfUsers(name string) bool {
	return strings.HasSuffix(name, "-view") || strings.HasSuffix(name, "-edit") || strings.HasSuffix(name, "-admin")
}

// What kubelets see may read their configuration and nothing else, and podreeve may make tokens of that account alone.
func TestKubeletsSeeAnAccountOfTheirOwn(t *testing.T) {
	objects := render(t, "default", "--set", "rbac.nodesConfigz=true")
	const name = "podreeve-kubelets"
	sameRights(t, find[rbac.ClusterRole](t, objects, "ClusterRole", name).Rules, []rbac.PolicyRule{right("", "nodes/configz", "get")})
	sameRights(t, find[rbac.Role](t, objects, "Role", name).Rules, []rbac.PolicyRule{right("", "serviceaccounts/token", "create", name)})
	for kind, want := range map[string]string{"ClusterRoleBinding": name, "RoleBinding": "podreeve"} {
		binding := find[rbac.RoleBinding](t, objects, kind, name) // both kinds have these fields
		if binding.RoleRef.Name != name || len(binding.Subjects) != 1 || binding.Subjects[0].Name != want || binding.Subjects[0].Namespace != "podreeve" {
			t.Errorf("%s: %+v of %+v, wanted %s", kind, binding.RoleRef, binding.Subjects, want)
		}
	}
	for _, object := range objects {
		if !strings.HasSuffix(object.GetKind(), "RoleBinding") || object.GetName() == name {
			continue
		}
		for _, subject := range find[rbac.RoleBinding](t, Objects{object}, object.GetKind(), object.GetName()).Subjects {
			if subject.Name == name {
				t.Errorf("%s %s gives it more rights", object.GetKind(), object.GetName())
			}
		}
	}
	account := find[core.ServiceAccount](t, objects, "ServiceAccount", name)
	if account.AutomountServiceAccountToken == nil || *account.AutomountServiceAccountToken {
		t.Error("its token is mounted into pods that name it")
	}
	if args := deployment(t, "default", "--set", "rbac.nodesConfigz=true").Spec.Template.Spec.Containers[0].Args; !slices.Contains(args, "--kubelet-service-account="+name) {
		t.Errorf("%q do not name it", args)
	}
}

// The uninstall job may remove the release's two webhook configurations, the reports where there are any, read the Deployment, and do nothing else.
func TestRightsOfTheUninstallJob(t *testing.T) {
	webhooks := right("admissionregistration.k8s.io", webhookConfigurations, "delete", "podreeve")
	for values, reports := range map[string][]rbac.PolicyRule{
		"nodes":        {right("openreports.io", "clusterreports", "list delete")},
		"images":       {right("podreeve.dev", "imagefacts", "list delete")},
		"cert-manager": {right("wgpolicyk8s.io", "policyreports", "list"), right("wgpolicyk8s.io", "policyreports", "delete", "podreeve")},
		"everything":   {right("openreports.io", "reports", "list"), right("openreports.io", "reports", "delete", "podreeve")},
	} {
		objects := render(t, values, "--set", "uninstallHook.enabled=true")
		name := deployment(t, values).Name
		webhooks.ResourceNames = []string{name}
		role := find[rbac.ClusterRole](t, objects, "ClusterRole", name+"-uninstall")
		sameRights(t, role.Rules, append(reports, webhooks))
		sameRights(t, find[rbac.Role](t, objects, "Role", name+"-uninstall").Rules, []rbac.PolicyRule{right("apps", "deployments", "get", name)})
		args := find[batch.Job](t, objects, "Job", name+"-uninstall").Spec.Template.Spec.Containers[0].Args
		if removes := slices.Contains(args, "--node-reports"); removes != (values == "nodes") {
			t.Errorf("%s: the arguments are %q", values, args)
		}
		if removes := slices.Contains(args, "--image-facts"); removes != (values == "images") {
			t.Errorf("%s: the arguments are %q", values, args)
		}
		if _, complaint, code := podreeve(t, "", append(slices.Clone(args), "--help")...); code != 0 {
			t.Errorf("%q: %s", args, complaint)
		}
	}
}
