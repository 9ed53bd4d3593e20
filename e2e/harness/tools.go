package harness

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// The version that the binaries say of themselves: kubectl and the API server compare theirs.
const (
	kubernetesVersion = "v1.36.3"
	kubernetesMajor   = "1"
	kubernetesMinor   = "36"
)

type tool struct{ name, module, pkg, note string }

// Modules under e2e/tools that the tools are built from.
const (
	ofKubernetes = "."
	ofCharts     = "charts"
	// Its program is our own, of upstream's packages.
	ofCertManager = "certmanager"
)

// allTools in the order in which they are built; the note is shown before the wait.
var allTools = []tool{
	{"etcd", ofKubernetes, "go.etcd.io/etcd/server/v3", "about a minute the first time"},
	{"kube-apiserver", ofKubernetes, "k8s.io/kubernetes/cmd/kube-apiserver", "about 5 minutes the first time"},
	{"kubectl", ofKubernetes, "k8s.io/kubernetes/cmd/kubectl", "about a minute the first time"},
	{"kube-controller-manager", ofKubernetes, "k8s.io/kubernetes/cmd/kube-controller-manager", "about a minute the first time"},
	{"kube-scheduler", ofKubernetes, "k8s.io/kubernetes/cmd/kube-scheduler", "a moment"},
	{"kubelet", ofKubernetes, "k8s.io/kubernetes/cmd/kubelet", "about a minute the first time"},
	{"kube-proxy", ofKubernetes, "k8s.io/kubernetes/cmd/kube-proxy", "a moment"},
	{"kubeconform", ofCharts, "github.com/yannh/kubeconform/cmd/kubeconform", "a moment"},
	{"helm4", ofCharts, "helm.sh/helm/v4/cmd/helm", "about 4 minutes the first time"},
	{"helm3", ofCharts, "helm.sh/helm/v3/cmd/helm", "about a minute the first time"},
	{"cert-manager", ofCertManager, ".", "about 4 minutes the first time"},
}

// ControlPlane are the tools that nearly every test needs, NodeTools make a whole node of it, ChartTools judge the chart.
var (
	ControlPlane = []string{"etcd", "kube-apiserver", "kubectl"}
	NodeTools    = []string{"kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy"}
	ChartTools   = []string{"kubeconform", "helm4", "helm3"}
)

// Tools knows the folders that hold the built tools.
type Tools struct{ dirs map[string]string } // by module

// Path of one tool.
func (t Tools) Path(name string) string {
	tool, _ := findTool(name)
	return filepath.Join(t.dirs[tool.module], name)
}

func findTool(name string) (tool, error) {
	for _, tool := range allTools {
		if tool.name == name {
			return tool, nil
		}
	}
	return tool{}, fmt.Errorf("there is no tool %q; harness/tools.go lists them", name)
}

func buildFlags(module string) []string {
	link := "-s -w"
	if module == ofKubernetes {
		const version = "k8s.io/component-base/version."
		link += " -X " + version + "gitVersion=" + kubernetesVersion +
			" -X " + version + "gitMajor=" + kubernetesMajor +
			" -X " + version + "gitMinor=" + kubernetesMinor
	}
	return []string{"-trimpath", "-ldflags", link}
}

// EnsureTools builds what is not there yet of the named tools. The cache lies outside the repository and is keyed by all
// that decides the result, so an old folder is never wrong and a new one never disturbs it. It writes one line to
// progress per build.
func EnsureTools(progress io.Writer, names ...string) (Tools, error) {
	tools := Tools{dirs: map[string]string{}}
	for _, name := range names {
		tool, err := findTool(name)
		if err != nil {
			return Tools{}, err
		}
		if err := tools.ensure(tool, progress); err != nil {
			return Tools{}, err
		}
	}
	return tools, nil
}

func (t Tools) ensure(tool tool, progress io.Writer) error {
	module, err := toolsModule(tool.module)
	if err != nil {
		return err
	}
	if t.dirs[tool.module] == "" {
		if t.dirs[tool.module], err = toolsCache(module, tool.module); err != nil {
			return err
		}
	}
	if t.has(tool) {
		return nil
	}
	dir := t.dirs[tool.module]
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the cache folder: %w (PODREEVE_CACHE names another one)", err)
	}
	unlock, err := lockFolder(dir) // two runs at once: the second waits and then finds the work done
	if err != nil {
		return err
	}
	defer unlock()
	if t.has(tool) {
		return nil
	}
	return t.build(module, tool, progress)
}

func (t Tools) has(tool tool) bool {
	_, err := os.Stat(t.Path(tool.name))
	return err == nil
}

func (t Tools) build(module string, tool tool, progress io.Writer) error {
	fmt.Fprintf(progress, "e2e: building %s %s, %s ...\n", tool.name, toolVersion(module, tool.pkg), tool.note)
	partial := t.Path(tool.name) + ".partial" // renamed when whole, so that a broken build is never taken for a tool
	cmd := exec.Command("go", append(append([]string{"build"}, buildFlags(tool.module)...), "-o", partial, tool.pkg)...)
	cmd.Dir = module
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s in %s: %w\n%s", tool.name, module, err, output)
	}
	if err := os.Rename(partial, t.Path(tool.name)); err != nil {
		return fmt.Errorf("put %s in place: %w", tool.name, err)
	}
	return nil
}

// toolsModule finds a module under e2e/tools by this file's place in the source tree.
func toolsModule(name string) (string, error) {
	_, file, _, _ := runtime.Caller(0)
	dir := filepath.Join(filepath.Dir(filepath.Dir(file)), "tools", name)
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
		return "", fmt.Errorf("the module of the tools is not there: %w (run the tests in the source tree, without -trimpath)", err)
	}
	return dir, nil
}

func toolsCache(module, name string) (string, error) {
	hash := sha256.New()
	sources, _ := filepath.Glob(filepath.Join(module, "*.go")) // only of a bad pattern there is an error
	for _, path := range append([]string{filepath.Join(module, "go.mod"), filepath.Join(module, "go.sum")}, sources...) {
		text, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("read what the tools are built from: %w", err)
		}
		hash.Write(text)
	}
	goVersion, err := exec.Command("go", "version").Output()
	if err != nil {
		return "", fmt.Errorf("run `go version`: %w (go 1.26 or newer must be on PATH)", err)
	}
	fmt.Fprintln(hash, string(goVersion), buildFlags(name))
	root := os.Getenv("PODREEVE_CACHE")
	if root == "" {
		cache, err := userCache()
		if err != nil {
			return "", err
		}
		root = filepath.Join(cache, "podreeve")
	}
	root, err = filepath.Abs(root)
	if err != nil {
		return "", err
	}
	return filepath.Join(root, "e2e", hex.EncodeToString(hash.Sum(nil))[:16]), nil
}

// userCache is ${XDG_CACHE_HOME:-$HOME/.cache} on every system, as the README says.
func userCache() (string, error) {
	if dir := os.Getenv("XDG_CACHE_HOME"); dir != "" {
		return dir, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", errors.New("no cache folder: set PODREEVE_CACHE, XDG_CACHE_HOME or HOME")
	}
	return filepath.Join(home, ".cache"), nil
}

// ToolSource is the folder of a module that a tool is made of, with the files beside its code.
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

// toolVersion reads the version that go.mod requires for the package's module; for a program of our own, that of the first module.
func toolVersion(module, pkg string) string {
	text, _ := os.ReadFile(filepath.Join(module, "go.mod"))
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) >= 2 && strings.HasPrefix(words[1], "v") && (pkg == "." || pkg == words[0] || strings.HasPrefix(pkg, words[0]+"/")) {
			return words[1]
		}
	}
	return "(version unknown)"
}

func lockFolder(dir string) (func(), error) {
	lock, err := os.OpenFile(filepath.Join(dir, ".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the cache folder: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		lock.Close()
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	return func() { lock.Close() }, nil
}
