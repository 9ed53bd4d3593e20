package chart

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"

	"podreeve.dev/e2e/harness"
)

const ownPolicy = `{"apiVersion":"podreeve.dev/v1alpha1","kind":"Policy","metadata":{"name":"ours"},"spec":{"rules":{"privileged":{"action":"deny"}}}}`

// gitops is a cluster in which several tools apply what the chart renders, hooks too, as `helm template | kubectl apply` does.
type gitops struct {
	*harness.Cluster
	objects Objects
}

// A tool that applies the chart again, by server-side apply under a name of its own, meets no conflict and finds no difference, also after
// the leader has written what the chart leaves to it. And the uninstall job among the manifests removes nothing.
func TestGitOps(t *testing.T) {
	g := newGitOps(t)
	// No tool keeps the pod of `helm test` as it is: the API server adds tolerations to the list. What comes after these two sets of values
	// needs a Service that leads to this machine, where no kube-proxy runs.
	for _, values := range []string{"default", "everything"} {
		g.objects = g.without(t, render(t, values, "--set", "priorityClassName=system-cluster-critical,test.namespace=default"), "Pod", "ServiceMonitor", "PrometheusRule")
		g.applied(t, "helm")
		g.sameFor(t, "argocd-controller")
		g.kubectl(t, "delete", "--wait=false", "-f", "-")
		g.definitionsGo(t)
	}
	g.objects = g.without(t, render(t, "default", "--set", "uninstallHook.enabled=true", "--set-json", `policyFiles={"ours.yaml":`+ownPolicy+`}`), "Pod", "Service")
	g.applied(t, "helm")
	server := g.leader(t)
	for _, manager := range []string{"argocd-controller", "kustomize-controller", "helm"} {
		g.sameFor(t, manager)
	}
	g.written(t, server)
	g.uninstallJob(t)
}

// definitionsGo: a definition goes when its objects have gone, and until then it has the labels of these values. The API server may
// forget one that it could not remove at first, because its storage was new: what changes in it has it looked at again.
func (g *gitops) definitionsGo(t *testing.T) {
	t.Helper()
	tries := 0
	await(t, "the definitions are gone", func(ctx context.Context) (bool, error) {
		left, err := g.Kubectl(ctx, "", "get", "--ignore-not-found", "-o", "name", "crd/policies.podreeve.dev", "crd/exemptions.podreeve.dev", "crd/imagefacts.podreeve.dev")
		if err != nil || left.Code != 0 {
			return false, fmt.Errorf("%v %v", left, err)
		}
		for _, name := range strings.Fields(left.Stdout) {
			tries++
			// It may go at this moment, so the answer does not count.
			if _, err := g.Kubectl(ctx, "", "annotate", "--overwrite", name, fmt.Sprintf("tries=%d", tries)); err != nil {
				return false, err
			}
		}
		return left.Stdout == "", fmt.Errorf("left: %s", left.Stdout)
	})
}

func newGitOps(t *testing.T) *gitops {
	t.Helper()
	cluster := apiServer(t)
	if err := cluster.Apply(t.Context(), "{apiVersion: v1, kind: Namespace, metadata: {name: podreeve}}"); err != nil {
		t.Fatal(err)
	}
	return &gitops{Cluster: cluster}
}

func (g *gitops) without(t *testing.T, objects Objects, kinds ...string) Objects {
	t.Helper()
	return slices.DeleteFunc(objects, func(object harness.Object) bool { return slices.Contains(kinds, object.GetKind()) })
}

// kubectl gets all objects on stdin.
func (g *gitops) kubectl(t *testing.T, args ...string) harness.Said {
	t.Helper()
	var text strings.Builder
	for _, object := range g.objects {
		document, err := object.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&text, "---\n%s\n", document)
	}
	said, err := g.Kubectl(t.Context(), text.String(), args...)
	if err != nil {
		t.Fatal(err)
	}
	return said
}

func (g *gitops) applied(t *testing.T, manager string) {
	t.Helper()
	if said := g.kubectl(t, "apply", "--server-side", "--field-manager="+manager, "-f", "-"); said.Code != 0 {
		t.Fatal(said)
	}
}

func (g *gitops) sameFor(t *testing.T, manager string) {
	t.Helper()
	for range 2 { // the second time it owns the fields
		if said := g.kubectl(t, "diff", "--server-side", "--field-manager="+manager, "-f", "-"); said.Code != 0 || said.Stdout != "" {
			t.Errorf("%s finds a difference: %s", manager, said)
		}
		g.applied(t, manager)
	}
}

// leader runs podreeve with the rights of the chart until it has written all that the chart leaves to it.
func (g *gitops) leader(t *testing.T) *harness.Podreeve {
	t.Helper()
	kubeconfig, err := g.KubeconfigAs(t.Context(), "podreeve", "podreeve")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	policies, lists := filepath.Join(dir, "policies"), filepath.Join(dir, "webhooks.json")
	if err := os.Mkdir(policies, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(policies, "ours.yaml"), find[core.ConfigMap](t, g.objects, "ConfigMap", "podreeve-policies").Data["ours.yaml"])
	server, err := g.LaunchWithSecret("podreeve-tls", "podreeve", "--cluster", "--kubeconfig", kubeconfig, "--namespace", "podreeve", "--policy", "owasp", "--policy", policies,
		"--leader-election-lease", "podreeve", "--scan-interval", "0", "--webhooks", lists, "--deployment", "podreeve", "--last-good-policies", "podreeve-last-good")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	rendered := find[core.ConfigMap](t, g.objects, "ConfigMap", "podreeve-webhooks").Data["webhooks.json"]
	write(t, lists, strings.ReplaceAll(rendered, `"port": 443`, fmt.Sprintf(`"port": %d`, server.Port)))
	if err := g.Apply(t.Context(), fmt.Sprintf("{apiVersion: v1, kind: Service, metadata: {name: podreeve, namespace: podreeve}, spec: {type: ExternalName, externalName: 127.0.0.1, ports: [{port: %d}]}}", server.Port)); err != nil {
		t.Fatal(err)
	}
	await(t, "the leader writes all that the chart leaves to it", func(context.Context) (bool, error) {
		left := g.left(t)
		return left == "", fmt.Errorf("not written yet: %s\n%s", left, server.LogTail(15))
	})
	return server
}

// left names what the leader has not written.
func (g *gitops) left(t *testing.T) string {
	t.Helper()
	var left []string
	for object, path := range map[string]string{
		"validatingwebhookconfiguration": "{.webhooks[*].name}", "mutatingwebhookconfiguration": "{.webhooks[*].clientConfig.caBundle}",
		"ValidatingWebhookConfiguration": "{.metadata.ownerReferences[*].name}", "MutatingWebhookConfiguration": "{.metadata.ownerReferences[*].name}",
		"secret/podreeve-tls": `{.data.ca\.crt}`, "lease/podreeve": "{.spec.holderIdentity}", "configmap/podreeve-last-good": `{.data.ours\.yaml}`,
	} {
		if !strings.Contains(object, "/") {
			object += "/podreeve"
		}
		said, err := g.Kubectl(t.Context(), "", "get", "-n", "podreeve", object, "-o", "jsonpath="+path)
		if err != nil {
			t.Fatal(err)
		}
		if said.Stdout == "" {
			left = append(left, object)
		}
	}
	return strings.Join(left, ", ")
}

// written: whatever was applied meanwhile, the leader's part is there, and its rights suffice for it.
func (g *gitops) written(t *testing.T, server *harness.Podreeve) {
	t.Helper()
	if left := g.left(t); left != "" {
		t.Errorf("the other managers took away what the leader wrote: %s", left)
	}
	if log := server.Log(); strings.Contains(log, "forbidden") {
		t.Errorf("something was refused:\n%s", log)
	}
}

// uninstallJob runs what the job runs, with the job's rights: while the Deployment is there nothing is removed.
func (g *gitops) uninstallJob(t *testing.T) {
	kubeconfig, err := g.KubeconfigAs(t.Context(), "podreeve", "podreeve-uninstall")
	if err != nil {
		t.Fatal(err)
	}
	args := append(find[batch.Job](t, g.objects, "Job", "podreeve-uninstall").Spec.Template.Spec.Containers[0].Args, "--kubeconfig="+kubeconfig)
	run := func(want string) {
		t.Helper()
		if said, err := g.PodreeveCommand(t.Context(), "", args...); err != nil || said.Code != 0 || !strings.Contains(said.Stdout, want) {
			t.Errorf("want %q: %v, %s", want, err, said)
		}
	}
	run("nothing is removed: Deployment podreeve/podreeve is there and is not being deleted")
	if left := g.left(t); left != "" {
		t.Errorf("the job removed %s", left)
	}
	if err := g.Remove(t.Context(), "-n", "podreeve", "deployment", "podreeve"); err != nil {
		t.Fatal(err)
	}
	run("ValidatingWebhookConfiguration podreeve: removed\nMutatingWebhookConfiguration podreeve: removed")
}
