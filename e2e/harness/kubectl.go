package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Said is what a command printed and how it ended.
type Said struct {
	Command string
	Stdout  string
	Stderr  string
	Code    int
}

func (s Said) String() string {
	return fmt.Sprintf("%s\n  exit code %d\n  stdout: %s\n  stderr: %s", s.Command, s.Code, s.Stdout, s.Stderr)
}

// Kubectl runs the real kubectl against the cluster. An error means that it could not be run at all.
func (c *Cluster) Kubectl(ctx context.Context, stdin string, args ...string) (Said, error) {
	args = append([]string{"--kubeconfig", c.Kubeconfig, "--cache-dir", filepath.Join(c.dir, "kubectl-cache")}, args...)
	return run(ctx, c.dir, stdin, c.tools.Path("kubectl"), args...)
}

// PodreeveCommand runs another command of the podreeve binary (`rules`, `check` ...).
func (c *Cluster) PodreeveCommand(ctx context.Context, stdin string, args ...string) (Said, error) {
	return run(ctx, c.dir, stdin, c.podreeve, args...)
}

func run(ctx context.Context, home, stdin, program string, args ...string) (Said, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH")} // `kubectl diff` runs diff
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	err := cmd.Run()
	said := Said{
		Command: filepath.Base(program) + " " + strings.Join(args, " "),
		Stdout:  stdout.String(), Stderr: stderr.String(), Code: cmd.ProcessState.ExitCode(),
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return said, fmt.Errorf("run %s: %w", program, err)
	}
	return said, nil
}
