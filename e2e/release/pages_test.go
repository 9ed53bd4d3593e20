package release

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"podreeve.dev/e2e/chart"
	"podreeve.dev/e2e/harness"
	"podreeve.dev/e2e/pages"
)

// inOrder are the pages with commands for a release: they install it, have it deny, look at it, and take it away.
var inOrder = []string{"README.md", "docs/install.md", "docs/modes.md", "docs/first-week.md", "docs/exempt.md", "docs/callers.md", "docs/debug.md", "docs/in-the-cluster.md",
	"docs/certificates.md", "docs/check.md", "docs/large-clusters.md", "docs/upgrade.md"}

// The commands of README.md and docs/ that need a release do what the pages say.
func TestPages(t *testing.T) {
	c := need(t)
	if c.node == nil {
		t.Skip("e2e: skipped: the pages name a registry, so the image has to be put on the node")
	}
	c.pullable(t)
	t.Cleanup(func() { c.clear(t) })
	root := chart.Root()
	found, err := pages.With(root, "sh release")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range found {
		if !slices.Contains(inOrder, path) {
			t.Errorf("%s has commands for a release: give it a place in inOrder", path)
		}
	}
	read, err := pages.Read(root, inOrder...)
	if err != nil {
		t.Fatal(err)
	}
	reader := &pages.Reader{Root: root, Home: t.TempDir(), Path: []string{c.programs(t)}, Enter: c.node.Enter, Env: []string{"KUBECONFIG=" + c.kubeconfig,
		"HELM_CACHE_HOME=" + c.home, "HELM_CONFIG_HOME=" + c.home, "HELM_DATA_HOME=" + c.home}}
	for _, page := range read {
		if !t.Run(page.Path, func(t *testing.T) {
			if page.Path == "docs/debug.md" { // whose reader had a Deployment denied
				said := c.kubectl(t, "", "apply", "-f", filepath.Join(root, "examples", "privileged-deployment.yaml"))
				if said.code == 0 {
					t.Fatal(said)
				}
			}
			reader.Before = func(block pages.Block) {
				if strings.HasPrefix(block.Text, "kubectl create namespace storage") { // docs/exempt.md says how long the reader waits
					c.awaitForgotten(t)
				}
			}
			for _, wrong := range reader.Follow(page, "sh release") {
				t.Error(wrong)
			}
		}) {
			t.Fatalf("the pages after %s stand on it\n%s", page.Path, c.about(t))
		}
	}
}

// awaitForgotten: the Service leads to no replica that an upgrade replaced. They still run, and the API server still has connections to them.
func (c *target) awaitForgotten(t *testing.T) {
	t.Helper()
	if err := harness.Await(t.Context(), "the Service to forget the old replicas", func(context.Context) (bool, error) {
		ends := strings.Fields(c.must(t, "", "get", "pods", "-n", namespace, "-l", ours, "-o", "jsonpath={range .items[?(@.metadata.deletionTimestamp)]}{.status.podIP} {end}"))
		rules := c.run(t, "", "nft", "list", "ruleset").out
		left := slices.DeleteFunc(ends, func(ip string) bool { return !regexp.MustCompile(regexp.QuoteMeta(ip) + `\b`).MatchString(rules) })
		return rules != "" && len(left) == 0, fmt.Errorf("kube-proxy still leads to %q", left)
	}); err != nil {
		t.Fatal(err)
	}
}

// pullable gives the node the image under the name that the pages have for it.
func (c *target) pullable(t *testing.T) {
	t.Helper()
	var about struct{ AppVersion string }
	text, err := os.ReadFile(filepath.Join(chart.Dir(), "Chart.yaml"))
	if err == nil {
		err = yaml.Unmarshal(text, &about)
	}
	if err != nil {
		t.Fatal(err)
	}
	name := "registry.example.com/podreeve/podreeve:" + about.AppVersion
	if _, err := buildah("tag", c.image, name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = buildah("rmi", name) })
	if err := load(c.node, name); err != nil {
		t.Fatal(err)
	}
}

// programs is a folder with what the pages run.
func (c *target) programs(t *testing.T) string {
	t.Helper()
	binary, err := filepath.Abs(cmp.Or(os.Getenv("PODREEVE_BIN"), filepath.Join(chart.Root(), "target", "debug", "podreeve")))
	if err == nil {
		_, err = os.Stat(binary)
	}
	if err != nil {
		t.Fatalf("the pages run podreeve on this machine, too; run `cargo build`, or set PODREEVE_BIN: %v", err)
	}
	dir := t.TempDir()
	for name, program := range map[string]string{"helm": c.tools.Path("helm4"), "kubectl": c.tools.Path("kubectl"), "podreeve": binary} {
		if err := os.Symlink(program, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// clear takes away what is left of what the pages installed.
func (c *target) clear(t *testing.T) {
	t.Helper()
	c.kubectl(t, "", "delete", configurations, "podreeve", "--ignore-not-found")
	c.run(t, "", c.tools.Path("helm4"), "uninstall", "podreeve", "--namespace", namespace, "--no-hooks", "--ignore-not-found")
	c.kubectl(t, "", "delete", "namespace", namespace, "--ignore-not-found")
	c.kubectl(t, "", "delete", "crd,clusterrole,clusterrolebinding", "-l", ours, "--ignore-not-found")
}
