package chart

import (
	"reflect"
	"slices"
	"strings"
	"testing"

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
		right("events.k8s.io", "events", "create patch"),
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
	const proxy, reports, policyReports, certificates, scan = "nodes/proxy", "reports", "policyreports", "secrets", "cronjobs"
	const owner = "validatingwebhookconfigurations" // of which there must be one, whoever makes the certificate
	const unscanned = " --set-string scan.interval=0"
	for values, want := range map[string][]string{
		"default":                  {certificates, scan, owner},
		"default" + unscanned:      {certificates, owner},
		"everything":               {proxy, reports, certificates, scan, owner},
		"everything" + unscanned:   {proxy, certificates, owner},
		"cert-manager":             {policyReports, scan, owner},
		"cert-manager" + unscanned: {owner},
		"existing-secret":          {scan, owner},
		"minimal":                  {}, // its role is made by others
	} {
		var has []string
		args := strings.Fields(values)
		for _, rule := range allRights(t, render(t, args[0], args[1:]...)) {
			for _, resource := range []string{proxy, reports, policyReports, certificates, scan, owner} {
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

// No values give a right to everything, to other people's secrets, or to change other webhooks.
func TestNoRightIsWide(t *testing.T) {
	for _, values := range matrix(t) {
		for _, rule := range allRights(t, render(t, values)) {
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
				return resource == "secrets" || resource == "configmaps" || resource == "leases" || strings.HasSuffix(resource, "webhookconfigurations")
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

// The uninstall job may remove the release's two webhook configurations, the reports where there are any, read the Deployment, and do nothing else.
func TestRightsOfTheUninstallJob(t *testing.T) {
	webhooks := right("admissionregistration.k8s.io", webhookConfigurations, "delete", "podreeve")
	for values, reports := range map[string][]rbac.PolicyRule{
		"cert-manager": {right("wgpolicyk8s.io", "policyreports", "list"), right("wgpolicyk8s.io", "policyreports", "delete", "podreeve")},
		"everything":   {right("openreports.io", "reports", "list"), right("openreports.io", "reports", "delete", "podreeve")},
	} {
		objects := render(t, values)
		name := deployment(t, values).Name
		webhooks.ResourceNames = []string{name}
		role := find[rbac.ClusterRole](t, objects, "ClusterRole", name+"-uninstall")
		sameRights(t, role.Rules, append(reports, webhooks))
		sameRights(t, find[rbac.Role](t, objects, "Role", name+"-uninstall").Rules, []rbac.PolicyRule{right("apps", "deployments", "get", name)})
	}
}
