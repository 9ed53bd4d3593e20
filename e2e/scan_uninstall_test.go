package e2e

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"testing"

	"podreeve.dev/e2e/harness"
)

// uninstall runs `podreeve uninstall`, which must end well, and waits until it says this: the API server learns of roles by a watch.
func (s *suite) uninstall(t *testing.T, kubeconfig, reports, want string) harness.Said {
	t.Helper()
	var said harness.Said
	must(t, harness.Await(t.Context(), fmt.Sprintf("an uninstall that says %q", want), func(ctx context.Context) (_ bool, err error) {
		said, err = s.PodreeveCommand(ctx, "", "uninstall", "--kubeconfig", kubeconfig, "--webhook-configuration", "podreeve-e2e-nobody", "--reports", reports)
		return strings.Contains(said.Stdout+said.Stderr, want), cmp.Or(err, fmt.Errorf("%s", said))
	}))
	if said.Code != 0 {
		t.Errorf("want exit code 0: %s", said)
	}
	return said
}

// An uninstall removes podreeve's reports and no others. Without the right to do so it goes on, and prints the command for it.
func uninstalls(t *testing.T, s *suite, name string, api harness.ReportAPI, ns string) {
	t.Helper()
	const ours = "app.kubernetes.io/managed-by: podreeve"
	write := func(report, label string) {
		t.Helper()
		must(t, s.Apply(t.Context(), fmt.Sprintf("{apiVersion: %s/%s, kind: %s, metadata: {name: %s, namespace: %s, labels: {%s}}}", api.Group, api.Version, api.Kind, report, ns, label)))
	}
	write("podreeve", ours)
	write("other", ours)
	role := s.Name("podreeve-e2e-uninstall")
	must(t, s.Apply(t.Context(), fmt.Sprintf(`{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: %s}, rules: [
		{apiGroups: [admissionregistration.k8s.io], resources: [validatingwebhookconfigurations, mutatingwebhookconfigurations], verbs: [delete]},
		{apiGroups: [%s], resources: [%s], verbs: [list]}]}`, role, api.Group, api.Plural)))
	must(t, s.Apply(t.Context(), fmt.Sprintf(`{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: %[1]s},
		roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: %[1]s}, subjects: [{kind: ServiceAccount, name: default, namespace: %[2]s}]}`, role, ns)))
	t.Cleanup(func() {
		must(t, s.Remove(context.Background(), "--wait=false", "clusterrole/"+role, "clusterrolebinding/"+role))
	})
	kubeconfig, err := s.KubeconfigAs(t.Context(), ns, "default")
	must(t, err)
	must(t, harness.Await(t.Context(), "the role counts", func(ctx context.Context) (bool, error) {
		said, err := s.Kubectl(ctx, "", "--as=system:serviceaccount:"+ns+":default", "auth", "can-i", "list", api.Resource(), "-A")
		return said.Code == 0, cmp.Or(err, fmt.Errorf("%s", said))
	}))
	left := s.uninstall(t, kubeconfig, name, "1 could not be deleted: ")
	if command := "kubectl delete " + api.Resource() + " --all-namespaces -l app.kubernetes.io/managed-by=podreeve"; !strings.Contains(left.Stderr, command) || !strings.Contains(left.Stderr, "is forbidden") {
		t.Errorf("want why, and %q: %s", command, left)
	}
	if said := s.uninstall(t, s.Kubeconfig, name, api.Resource()+": 1 removed"); said.Stderr != "" {
		t.Errorf("want nothing left: %s", said)
	}
	if names := kubectl(t, s, "", "get", api.Resource(), "-A", "-o", "name").Stdout; names != api.Singular+"."+api.Group+"/other\n" {
		t.Errorf("want the report of another name left alone, got %q", names)
	}
}
