package harness

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
)

// The version that the binaries say of themselves: kubectl and the API server compare theirs.
const (
	kubernetesVersion = "v1.36.3"
	kubernetesMajor   = "1"
	kubernetesMinor   = "36"
)

type tool struct{ name, pkg, note string }

// allTools in the order in which they are built; the note is shown before the wait.
var allTools = []tool{
	{"etcd", "go.etcd.io/etcd/server/v3", "about a minute the first time"},
	{"kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver", "about 5 minutes the first time"},
	{"kubectl", "k8s.io/kubernetes/cmd/kubectl", "about a minute the first time"},
}

// Tools is the folder that holds etcd, kube-apiserver and kubectl.
type Tools struct{ Dir string }

// Path of one tool.
func (t Tools) Path(name string) string { return filepath.Join(t.Dir, name) }

func buildFlags() []string {
	const version = "k8s.io/component-base/version."
	return []string{"-trimpath", "-ldflags", "-s -w" +
		" -X " + version + "gitVersion=" + kubernetesVersion +
		" -X " + version + "gitMajor=" + kubernetesMajor +
		" -X " + version + "gitMinor=" + kubernetesMinor}
}

// EnsureTools builds what is not there yet of the named tools (of all when none is named). The cache lies outside the repository and is keyed by all that decides the
// result, so an old folder is never wrong and a new one never disturbs it. It writes one line to progress per build.
func EnsureTools(progress io.Writer, names ...string) (Tools, error) {
	module, err := toolsModule()
	if err != nil {
		return Tools{}, err
	}
	dir, err := toolsCache(module)
	if err != nil {
		return Tools{}, err
	}
	folder := Tools{Dir: dir}
	if len(folder.missing(names)) == 0 {
		return folder, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Tools{}, fmt.Errorf("make the cache folder: %w (PODREEVE_CACHE names another one)", err)
	}
	unlock, err := lockFolder(dir) // two runs at once: the second waits and then finds the work done
	if err != nil {
		return Tools{}, err
	}
	defer unlock()
	return folder, folder.build(module, folder.missing(names), progress)
}

func (t Tools) missing(names []string) []tool {
	var missing []tool
	for _, tool := range allTools {
		if len(names) > 0 && !slices.Contains(names, tool.name) {
			continue
		}
		if _, err := os.Stat(t.Path(tool.name)); err != nil {
			missing = append(missing, tool)
		}
	}
	return missing
}

func (t Tools) build(module string, missing []tool, progress io.Writer) error {
	for _, tool := range missing {
		fmt.Fprintf(progress, "e2e: building %s %s, %s ...\n", tool.name, toolVersion(module, tool.pkg), tool.note)
		partial := t.Path(tool.name) + ".partial" // renamed when whole, so that a broken build is never taken for a tool
		cmd := exec.Command("go", append(append([]string{"build"}, buildFlags()...), "-o", partial, tool.pkg)...)
		cmd.Dir = module
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if output, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s in %s: %w\n%s", tool.name, module, err, output)
		}
		if err := os.Rename(partial, t.Path(tool.name)); err != nil {
			return fmt.Errorf("put %s in place: %w", tool.name, err)
		}
	}
	return nil
}

// toolsModule finds e2e/tools by this file's place in the source tree.
func toolsModule() (string, error) {
	_, file, _, _ := runtime.Caller(0)
	dir := filepath.Join(filepath.Dir(filepath.Dir(file)), "tools")
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
		return "", fmt.Errorf("the module of the tools is not there: %w (run the tests in the source tree, without -trimpath)", err)
	}
	return dir, nil
}

func toolsCache(module string) (string, error) {
	hash := sha256.New()
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(module, name))
		if err != nil {
			return "", fmt.Errorf("read what the tools are built from: %w", err)
		}
		hash.Write(text)
	}
	goVersion, err := exec.Command("go", "version").Output()
	if err != nil {
		return "", fmt.Errorf("run `go version`: %w (go 1.26 or newer must be on PATH)", err)
	}
	fmt.Fprintln(hash, string(goVersion), buildFlags())
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

// toolVersion reads the version that go.mod requires for the package's module.
func toolVersion(module, pkg string) string {
	text, _ := os.ReadFile(filepath.Join(module, "go.mod"))
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) >= 2 && strings.HasPrefix(words[1], "v") && (pkg == words[0] || strings.HasPrefix(pkg, words[0]+"/")) {
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
