package chart

import (
	"slices"
	"strings"
	"testing"

	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	rbac "k8s.io/api/rbac/v1"
)

// The uninstall job takes the reports of a scan along, where there are any.
func TestUninstallJobRemovesReports(t *testing.T) {
	for values, want := range map[string]string{"everything": "--reports=openreports", "cert-manager": "--reports=wgpolicy"} {
		args := find[batch.Job](t, render(t, values), "Job", deployment(t, values).Name+"-uninstall").Spec.Template.Spec.Containers[0].Args
		if !slices.Contains(args, want) {
			t.Errorf("%s: it runs %q, without %s", values, args, want)
		}
		if _, complaint, code := podreeve(t, "", append(args, "--help")...); code != 0 {
			t.Errorf("podreeve does not take %q: %s", args, complaint)
		}
	}
}

// After everything is deleted the job takes away what is left, and where it is applied as a plain manifest it asks for the Deployment first.
func TestUninstallJob(t *testing.T) {
	objects := render(t, "default", "--set", "uninstallHook.enabled=true")
	job := find[batch.Job](t, objects, "Job", "podreeve-uninstall")
	container := job.Spec.Template.Spec.Containers[0]
	if got := strings.Join(container.Args, " "); got != "uninstall --webhook-configuration=podreeve --deployment=podreeve --namespace=podreeve" {
		t.Errorf("it runs %q", got)
	}
	if want := deployment(t, "default").Spec.Template.Spec.Containers[0].Image; container.Image != want {
		t.Errorf("its image is %s, the webhook's %s: another image may not be where this one is", container.Image, want)
	}
	if _, complaint, code := podreeve(t, "", append(container.Args, "--help")...); code != 0 {
		t.Errorf("podreeve does not take %q: %s", container.Args, complaint)
	}
	account := job.Spec.Template.Spec.ServiceAccountName
	for _, object := range objects {
		if object.GetAnnotations()["helm.sh/hook"] != "post-delete" {
			continue
		}
		weight := object.GetAnnotations()["helm.sh/hook-weight"]
		if (object.GetKind() == "Job") != (weight == "0") {
			t.Errorf("%s has weight %s; the job comes after what it needs", key(object), weight)
		}
		policy := object.GetAnnotations()["helm.sh/hook-delete-policy"]
		if !strings.Contains(policy, "hook-succeeded") || object.GetKind() == "Job" && !strings.Contains(policy, "hook-failed") {
			t.Errorf("%s stays behind", key(object))
		}
	}
	if !objects.has("ServiceAccount", account) || !objects.has("ClusterRoleBinding", account) || !objects.has("RoleBinding", account) {
		t.Errorf("the job's account %s has no rights", account)
	}
}

// `helm test` runs a command that podreeve has, where the values say.
func TestTestPod(t *testing.T) {
	for values, want := range map[string]string{"default": "default --mode=warn", "everything": "sandbox --mode=deny --deny-from=high --deny-after=2027-01-31"} {
		name := deployment(t, values).Name + "-test"
		objects := render(t, values)
		args := find[core.Pod](t, objects, "Pod", name).Spec.Containers[0].Args
		if got := strings.Join(args, " "); got != "selftest --namespace="+want {
			t.Errorf("%s: it runs %q", values, got)
		}
		if _, complaint, code := podreeve(t, "", append(args, "--help")...); code != 0 {
			t.Errorf("podreeve does not take %q: %s", args, complaint)
		}
		// The right to create pods (as a dry run) it has there, and nowhere else.
		want, _, _ := strings.Cut(want, " ")
		if role := find[rbac.Role](t, objects, "Role", name); role.Namespace != want || len(role.Rules) != 1 {
			t.Errorf("%s: its role is %+v", values, role)
		}
	}
}

// A hook that is no post-delete or test hook would run unexpectedly.
func TestHooks(t *testing.T) {
	for _, values := range matrix(t) {
		for _, object := range render(t, values) {
			if hook := object.GetAnnotations()["helm.sh/hook"]; hook != "" && hook != "post-delete" && hook != "test" {
				t.Errorf("%s: %s is a %s hook", values, key(object), hook)
			}
		}
	}
}

func TestCRDs(t *testing.T) {
	crds, err := CRDs()
	if err != nil {
		t.Fatal(err)
	}
	for values, keep := range map[string]string{"default": "keep", "everything": ""} {
		found := 0
		for _, object := range render(t, values) {
			if object.GetKind() != "CustomResourceDefinition" {
				continue
			}
			found++
			if got := object.GetAnnotations()["helm.sh/resource-policy"]; got != keep {
				t.Errorf("%s: %s has resource-policy %q", values, key(object), got)
			}
			if !strings.HasSuffix(object.GetName(), ".podreeve.dev") || object.Object["spec"] == nil {
				t.Errorf("%s: %s is no definition of ours", values, key(object))
			}
		}
		if found != len(crds) {
			t.Errorf("%s: %d CRDs, deploy/crds has %d", values, found, len(crds))
		}
	}
	for _, object := range render(t, "minimal") {
		if object.GetKind() == "CustomResourceDefinition" {
			t.Errorf("crds.install is false, but %s is rendered", key(object))
		}
	}
}
