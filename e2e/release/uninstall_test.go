package release

import (
	"fmt"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"

	"podreeve.dev/e2e/harness"
)

// uninstall leaves nothing of podreeve, and blocks no request at any moment.
func (r *release) uninstall(t *testing.T) {
	r.awaitScanned(t) // one that is under way might write a report after those were removed
	good := r.pod(t, func(*core.Pod) {})
	if r.reportsLeft(t) == "" {
		t.Error("there is no report that the job of the uninstall could remove")
	}
	traffic := startTraffic(t.Context(), r.client, shop, good, nil)
	r.awaitMore(t, traffic)
	r.helm(t, "helm4", "uninstall", "podreeve", "--namespace", namespace, "--wait", "--timeout", "3m")
	r.awaitMore(t, traffic)
	if err := traffic.end(false); err != nil {
		t.Error(err)
	}
	r.nothingIsLeft(t)
	// Helm removes the job with its log, and its Event stays.
	if ended := r.must(t, "", "get", "events", "-n", namespace, "--field-selector", "involvedObject.kind=Job,involvedObject.name=podreeve-uninstall,reason=Completed", "-o", "name"); ended == "" {
		t.Errorf("the job of the uninstall has not run:\n%s", r.about(t))
	}
	// And no request is judged any more.
	bad, _, _ := strings.Cut(r.manifest(t, "bad.yaml"), "\n---\n")
	r.must(t, bad, "create", "-n", shop, "-f", "-", "--dry-run=server")
}

func (r *release) reportsLeft(t *testing.T) string {
	t.Helper()
	return r.must(t, "", "get", harness.OpenReports.Resource(), "-A", "-l", "app.kubernetes.io/managed-by=podreeve", "-o", "name")
}

func (r *release) nothingIsLeft(t *testing.T) {
	t.Helper()
	r.await(t, "the last pod of podreeve to end", func() (bool, error) {
		left := r.must(t, "", "get", "pods", "-A", "-l", ours, "-o", "name")
		return left == "", fmt.Errorf("left: %s", left)
	})
	if left := r.reportsLeft(t); left != "" {
		t.Errorf("reports are left: %s", left)
	}
	kinds := strings.Fields(r.must(t, "", "api-resources", "--verbs=list", "-o", "name"))
	for line := range strings.Lines(r.must(t, "", "get", strings.Join(kinds, ","), "-A", "-l", ours, "-o", "name", "--ignore-not-found")) {
		// The definitions stay, with what operators wrote in them (crds.keep).
		if name := strings.TrimSpace(line); !strings.HasPrefix(name, "customresourcedefinition") && !strings.HasPrefix(name, "event") {
			t.Errorf("%s is left", name)
		}
	}
	for _, kind := range []string{"secrets", "leases", "configmaps"} {
		for name := range strings.FieldsSeq(r.must(t, "", "get", kind, "-n", namespace, "-o", "name")) {
			if name != "secret/serving" && name != "configmap/kube-root-ca.crt" {
				t.Errorf("%s is left in podreeve's namespace", name)
			}
		}
	}
}

// uninstallWithCRDs: without the value that keeps the definitions they are removed too.
func (r *release) uninstallWithCRDs(t *testing.T) {
	r.installed(t, "helm4", "--set", "crds.keep=false")
	r.helm(t, "helm4", "uninstall", "podreeve", "--namespace", namespace, "--wait", "--timeout", "3m")
	r.nothingIsLeft(t)
	if left := r.must(t, "", "get", "crd", "-l", ours, "-o", "name"); left != "" {
		t.Errorf("definitions are left: %s", left)
	}
}

// namespaceDeleted deletes podreeve's namespace and uninstalls nothing. Both configurations go with it, and pods are created again,
// also where podreeve does not make its certificate.
func (r *release) namespaceDeleted(t *testing.T) {
	r.installed(t, "helm4", "--set", "tls.mode=existingSecret,tls.secretName=serving", "--set-file", "tls.caBundle="+r.home+"/ca.crt")
	r.await(t, "both configurations belong to the namespace", func() (bool, error) {
		owners := r.must(t, "", "get", configurations, "podreeve", "-o", "jsonpath={.items[*].metadata.ownerReferences[*].name}")
		return owners == namespace+" "+namespace, fmt.Errorf("their owners are %q", owners)
	})
	// Something holds it up, as it does in many clusters: nobody may have to wait for that.
	r.must(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: held, finalizers: [e2e.podreeve.dev/held]}}", "apply", "-n", namespace, "-f", "-")
	r.must(t, "", "delete", "namespace", namespace, "--wait=false")
	r.await(t, "podreeve's last pod to end", func() (bool, error) { return len(r.replicas(t)) == 0, nil })
	if err := r.dryRun(t, shop, r.careful(t)); err != nil {
		t.Errorf("podreeve is gone with its namespace, which is held up: %v", err)
	}
	r.must(t, "", "patch", "configmap", "held", "-n", namespace, "--type=merge", "--patch", `{"metadata":{"finalizers":null}}`)
	r.must(t, "", "wait", "namespace", namespace, "--for=delete", "--timeout=180s")
	r.await(t, "both configurations are gone", func() (bool, error) {
		left := r.must(t, "", "get", configurations, "-l", ours, "-o", "name")
		return left == "", fmt.Errorf("left: %s", left)
	})
	r.await(t, "a pod is created again", func() (bool, error) {
		err := r.dryRun(t, shop, r.careful(t))
		return err == nil, err
	})
}

// remove gives the cluster back as it was, also when a step failed.
func (r *release) remove(t *testing.T) {
	if r.node != nil {
		return // it ends as a whole
	}
	r.run(t, "", r.tools.Path("kubectl"), "delete", configurations, "podreeve", "--ignore-not-found")
	r.run(t, "", r.tools.Path("helm4"), "uninstall", "podreeve", "--namespace", namespace, "--no-hooks", "--ignore-not-found")
	r.run(t, "", r.tools.Path("kubectl"), "delete", "namespace", namespace, shop, before, "--ignore-not-found", "--wait=false")
	r.run(t, "", r.tools.Path("kubectl"), "delete", "crd,clusterrole,clusterrolebinding", "-l", ours, "--ignore-not-found")
	if r.reports {
		r.run(t, "", r.tools.Path("kubectl"), "delete", "crd", harness.OpenReports.Resource(), "--ignore-not-found")
	}
}
