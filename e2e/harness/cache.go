package harness

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// How everything of Go is built here, tests and tools alike, so that a package which both need is compiled once:
// without cgo, without paths, and without what only a debugger reads. e2e/run says the same.
const (
	goFlags = "-trimpath -gcflags=all=-dwarf=false"
	goCgo   = "0"
)

func goEnvironment() []string {
	return append(os.Environ(), "CGO_ENABLED="+goCgo, "GOFLAGS="+goFlags)
}

// linkFlags let Kubernetes say its version: kubectl and the API server compare theirs.
func linkFlags(source, module string) string {
	link := "-s -w"
	if ofKubernetesItself(module) {
		const stamp = " -X k8s.io/component-base/version."
		version := kubernetesVersion(source)
		numbers := append(strings.Split(strings.TrimPrefix(version, "v"), "."), "", "")
		link += stamp + "gitVersion=" + version + stamp + "gitMajor=" + numbers[0] + stamp + "gitMinor=" + numbers[1]
	}
	return link
}

// toolsCache is the folder of a module's tools. It lies outside the repository and is keyed by all that decides the
// result, so an old folder is never wrong and a new one never disturbs it.
func toolsCache(source, module string) (string, error) {
	hash := sha256.New()
	programs, _ := filepath.Glob(filepath.Join(source, "*.go")) // only of a bad pattern there is an error
	for _, path := range append([]string{filepath.Join(source, "go.mod"), filepath.Join(source, "go.sum")}, programs...) {
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
	fmt.Fprintln(hash, string(goVersion), goFlags, goCgo, linkFlags(source, module))
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

// lockFolder: of two runs at once the second waits, and then finds the work done. The kernel takes the lock from
// whoever ends, however it ends.
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

// partialPrefix begins the names of folders that are built into.
const partialPrefix = ".partial-"

// newPartial makes a folder to build into, and takes away what builds left that were cut off: the folder's lock is held.
// Nothing is ever built under the name of a tool, or where another build may still write.
func newPartial(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", fmt.Errorf("look into the cache folder: %w", err)
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), partialPrefix) || strings.HasSuffix(entry.Name(), ".partial") {
			if err := os.RemoveAll(filepath.Join(dir, entry.Name())); err != nil {
				return "", fmt.Errorf("remove what an unfinished build left: %w", err)
			}
		}
	}
	partial, err := os.MkdirTemp(dir, partialPrefix)
	if err != nil {
		return "", fmt.Errorf("make a folder to build into: %w", err)
	}
	return partial, nil
}
