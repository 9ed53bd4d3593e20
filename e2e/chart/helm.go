package chart

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Helm is one helm program, with folders of its own: the caller's settings and repositories do not matter.
type Helm struct {
	Program string
	Home    string
}

// Run runs it and returns what it printed on stdout.
func (h Helm) Run(args ...string) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(h.Program, args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + h.Home, "HELM_CACHE_HOME=" + filepath.Join(h.Home, "cache"),
		"HELM_CONFIG_HOME=" + filepath.Join(h.Home, "config"), "HELM_DATA_HOME=" + filepath.Join(h.Home, "data")}
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("helm %v: %w\n%s", args, err, stderr.String())
	}
	return stdout.String(), nil
}

// KubeVersion that templates are rendered for; helm's own default differs from release to release.
const KubeVersion = "v1.36.3"

// Template renders the chart as release `podreeve` in namespace `podreeve`.
func (h Helm) Template(args ...string) (string, error) {
	return h.Run(append([]string{"template", "podreeve", Dir(), "--namespace", "podreeve", "--kube-version", KubeVersion}, args...)...)
}
