package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"k8s.io/client-go/tools/clientcmd"

	"podreeve.dev/e2e/harness"
	"podreeve.dev/e2e/pages"
)

// The commands of README.md and docs/ that need an API server do what the pages say. The cluster is of its own: the pages
// apply Policies, which are in force everywhere.
//
// What a reader's cluster has: namespaces default, shop, ci and storage, and in shop a Deployment from the time before podreeve.
func TestPages(t *testing.T) {
	if options.Kubeconfig != "" {
		t.Skip("the pages apply Policies and CRDs, which is for a cluster of our own")
	}
	cluster, err := harness.Up(t.Context(), options)
	must(t, err)
	t.Cleanup(func() {
		if err := cluster.Down(t.Failed()); err != nil {
			t.Error(err)
		}
	})
	must(t, cluster.InstallCRDs(t.Context()))
	must(t, cluster.InstallReports(t.Context(), harness.OpenReports))
	hook := cluster.NewHook().WithConnects().WithPolicies().WithNamespaces()
	before(t, cluster)
	server, err := cluster.StartPodreeve(t.Context(), "--cluster", "--kubeconfig", cluster.Kubeconfig, "--namespace", harness.LeaseNamespace,
		"--leader-election-lease", cluster.NewLease(), "--exemption-namespaces", "ci", "--scan-interval", "2s", "--reports", "openreports", "--webhook-configuration", hook.Name())
	must(t, err)
	must(t, cluster.Register(t.Context(), hook, server.URL(), server.CA))
	for _, namespace := range []string{"default", "shop", "ci", "storage"} {
		must(t, cluster.LookAt(t.Context(), namespace, hook))
	}
	root, err := filepath.Abs("..")
	must(t, err)
	reader := &pages.Reader{Root: root, Home: t.TempDir(), Path: []string{programs(t)}, Env: []string{"KUBECONFIG=" + production(t, cluster)}}
	paths, err := pages.With(root, "sh cluster")
	must(t, err)
	if len(paths) < 8 {
		t.Errorf("only these pages have commands for a cluster: %v", paths)
	}
	read, err := pages.Read(root, paths...)
	must(t, err)
	scans(t, server, 1)
	for _, page := range read {
		t.Run(page.Path, func(t *testing.T) {
			for _, wrong := range reader.Follow(page, "sh cluster") {
				t.Error(wrong)
			}
			must(t, cluster.Remove(t.Context(), "policies.podreeve.dev", "--all"))
			must(t, cluster.Remove(t.Context(), "exemptions.podreeve.dev", "--all", "--namespace", "ci"))
		})
	}
}

// before makes what ran before podreeve was there.
func before(t *testing.T, cluster *harness.Cluster) {
	t.Helper()
	for _, namespace := range []string{"shop", "ci", "storage"} {
		must(t, cluster.Apply(t.Context(), "{apiVersion: v1, kind: Namespace, metadata: {name: "+namespace+"}}"))
		must(t, cluster.Apply(t.Context(), "{apiVersion: v1, kind: ServiceAccount, metadata: {name: default, namespace: "+namespace+"}}"))
	}
	must(t, cluster.Apply(t.Context(), "{apiVersion: v1, kind: ServiceAccount, metadata: {name: default, namespace: default}}"))
	checkout := cluster.GoodPod("shop", "checkout", harness.Privileged)
	checkout.SetName("checkout")
	deployment := harness.WorkloadOf("Deployment").Wrap(checkout, "shop", "checkout")
	for _, object := range []*harness.Object{deployment, checkout} {
		must(t, cluster.Create(t.Context(), object, false).Err)
	}
}

// programs is a folder with what the pages run.
func programs(t *testing.T) string {
	t.Helper()
	tools, err := harness.EnsureTools(os.Stderr, "kubectl")
	must(t, err)
	dir := t.TempDir()
	must(t, os.Symlink(tools.Path("kubectl"), filepath.Join(dir, "kubectl")))
	must(t, os.Symlink(options.Podreeve, filepath.Join(dir, "podreeve")))
	return dir
}

// production is a kubeconfig whose context has the name that the pages use.
func production(t *testing.T, cluster *harness.Cluster) string {
	t.Helper()
	config, err := clientcmd.LoadFromFile(cluster.Kubeconfig)
	must(t, err)
	config.Contexts["production"] = config.Contexts[config.CurrentContext]
	config.CurrentContext = "production"
	path := filepath.Join(t.TempDir(), "kubeconfig")
	must(t, clientcmd.WriteToFile(*config, path))
	return path
}
