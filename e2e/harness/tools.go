package harness

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// tool is a program that is made of a package of a module.
type tool struct{ name, module, pkg string }

// Modules that the tools are built from, seen from e2e/tools.
const (
	ofKubernetes = "."
	ofCharts     = "charts"
	// Its program is our own, of upstream's packages.
	ofCertManager = "certmanager"
	ofLint        = "lint"
	ofRelease     = "release"
	// Its program is our own, too.
	ofNotation = "notation"
	// The Rust tests build it, too; here its packages come into Go's cache, which both have.
	ofParity = "../../tests/psa"
)

// allTools in the order in which their modules are built. Those of one module are built together, so that what they
// share is compiled once and no core waits for a linker.
var allTools = []tool{
	{"etcd", ofKubernetes, "go.etcd.io/etcd/server/v3"},
	{"kube-apiserver", ofKubernetes, "k8s.io/kubernetes/cmd/kube-apiserver"},
	{"kubectl", ofKubernetes, "k8s.io/kubernetes/cmd/kubectl"},
	{"kube-controller-manager", ofKubernetes, "k8s.io/kubernetes/cmd/kube-controller-manager"},
	{"kube-scheduler", ofKubernetes, "k8s.io/kubernetes/cmd/kube-scheduler"},
	{"kubelet", ofKubernetes, "k8s.io/kubernetes/cmd/kubelet"},
	{"kube-proxy", ofKubernetes, "k8s.io/kubernetes/cmd/kube-proxy"},
	{"helm4", ofKubernetes, "helm.sh/helm/v4/cmd/helm"},
	{"psa", ofParity, "."},
	{"kubeconform", ofCharts, "github.com/yannh/kubeconform/cmd/kubeconform"},
	{"helm4-newest", ofCharts, "helm.sh/helm/v4/cmd/helm"},
	{"helm3", ofCharts, "helm.sh/helm/v3/cmd/helm"},
	{"cert-manager", ofCertManager, "."},
	{"actionlint", ofLint, "github.com/rhysd/actionlint/cmd/actionlint"},
	{"validate-krew-manifest", ofLint, "sigs.k8s.io/krew/cmd/validate-krew-manifest"},
	{"crane", ofRelease, "github.com/google/go-containerregistry/cmd/crane"},
	{"cosign", ofRelease, "github.com/sigstore/cosign/v3/cmd/cosign"},
	{"notation", ofNotation, "."},
}

// Groups of tools. ControlPlane are those that nearly every test needs, NodeTools make a whole node of it, ChartTools
// judge the chart, LintTools the workflows; the last two are built for `make test-more` alone. What no group has
// is built for `make release-dry-run` and the workflow that it tries.
var (
	ControlPlane = []string{"etcd", "kube-apiserver", "kubectl"}
	NodeTools    = []string{"kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy"}
	ChartTools   = []string{"kubeconform", "helm4"}
	LintTools    = []string{"actionlint"}
	parityTools  = []string{"psa"}
	otherHelms   = []string{"helm4-newest", "helm3"}
	certManagers = []string{"cert-manager"}
	// SignatureTools sign images in every way; only `make image-signatures` needs them.
	SignatureTools = []string{"crane", "cosign", "notation"}
)

// More says whether the suites run what `make test` leaves out: other Helms, and certificates of cert-manager.
func More() bool { return os.Getenv("PODREEVE_E2E_MORE") != "" }

// TestTools are all that the suites of this run need.
func TestTools() []string {
	names := slices.Concat(ControlPlane, NodeTools, ChartTools, LintTools, parityTools)
	if More() {
		names = append(append(names, otherHelms...), certManagers...)
	}
	return names
}

// HelmTools are the Helms that the chart is tested with in this run.
func HelmTools() []string {
	if More() {
		return append([]string{"helm4"}, otherHelms...)
	}
	return []string{"helm4"}
}

// Tools knows the folders that hold the built tools.
type Tools struct{ dirs map[string]string } // by module

// Path of one tool.
func (t Tools) Path(name string) string {
	tool, _ := findTool(name)
	return filepath.Join(t.dirs[tool.module], name)
}

func (t Tools) has(tool tool) bool {
	_, err := os.Stat(t.Path(tool.name))
	return err == nil
}

func findTool(name string) (tool, error) {
	for _, tool := range allTools {
		if tool.name == name {
			return tool.chosen()
		}
	}
	return tool{}, fmt.Errorf("there is no tool %q; harness/tools.go lists them", name)
}

// Module is the folder of this Go module: the tests run in it or below, whatever path the compiler wrote down.
func Module() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the source tree: %w", err)
	}
	for {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(text), "module podreeve.dev/e2e\n") {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("no source tree: run this in the folder e2e or below it")
		}
		dir = parent
	}
}

// toolsModule finds a module that tools are built from.
func toolsModule(name string) (string, error) {
	root, err := Module()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(root, "tools", name)
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
		return "", fmt.Errorf("the module of the tools is not there: %w", err)
	}
	return dir, nil
}

// ToolSource is the folder of a module that a tool is made of, with the files next to its code.
func ToolSource(name, of string) (string, error) {
	tool, err := findTool(name)
	if err != nil {
		return "", err
	}
	module, err := toolsModule(tool.module)
	if err != nil {
		return "", err
	}
	cmd := exec.Command("go", "mod", "download", "-json", of)
	cmd.Dir = module
	said, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("download the source of %s: %w: %s", of, err, said)
	}
	var source struct{ Dir string }
	if err := json.Unmarshal(said, &source); err != nil {
		return "", fmt.Errorf("read where the source of %s lies: %w: %s", of, err, said)
	}
	return source.Dir, nil
}

// version is the one that go.mod requires of the tool's module; for a program of this repository, the version of the first one.
func (t tool) version(module string) string {
	text, _ := os.ReadFile(filepath.Join(module, "go.mod"))
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) >= 2 && strings.HasPrefix(words[1], "v") && (t.pkg == "." || t.pkg == words[0] || strings.HasPrefix(t.pkg, words[0]+"/")) {
			return words[1]
		}
	}
	return "(version unknown)"
}
