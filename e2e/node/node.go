package node

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"podreeve.dev/e2e/harness"
)

// Node is a running one.
type Node struct {
	Kubeconfig string
	dir        string
	token      string
	tools      harness.Tools
	space      *space
}

// Start makes a node and waits until it is ready for pods. Stop must follow, also after a failed test.
func Start(ctx context.Context, progress io.Writer) (*Node, error) {
	tools, err := harness.EnsureTools(progress, append(append([]string{}, harness.ControlPlane...), harness.NodeTools...)...)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "podreeve-node-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the node: %w", err)
	}
	n := &Node{Kubeconfig: filepath.Join(dir, "kubeconfig"), dir: dir, token: rand.Text(), tools: tools}
	if err := n.start(ctx); err != nil {
		return nil, errors.Join(err, n.Stop(true))
	}
	return n, nil
}

func (n *Node) start(ctx context.Context) error {
	pause, err := n.buildPause()
	if err != nil {
		return err
	}
	if n.space, err = newSpace(ctx, n.dir, pause); err != nil {
		return err
	}
	if err := n.writeConfigs(); err != nil {
		return err
	}
	if err := n.startControlPlane(ctx); err != nil {
		return err
	}
	return n.startKubelet(ctx, pause)
}

// Stop ends everything that Start began. keepLogs leaves the logs, and says where.
func (n *Node) Stop(keepLogs bool) error {
	var failures []error
	if n.space != nil {
		failures = append(failures, n.space.end())
	}
	if !keepLogs {
		return errors.Join(append(failures, os.RemoveAll(n.dir))...)
	}
	entries, err := os.ReadDir(n.dir)
	for _, entry := range entries {
		if entry.Name() != "logs" && filepath.Ext(entry.Name()) != ".log" {
			err = errors.Join(err, os.RemoveAll(filepath.Join(n.dir, entry.Name())))
		}
	}
	fmt.Fprintf(os.Stderr, "e2e: the node's logs are in %s\n", n.dir)
	return errors.Join(append(failures, err)...)
}

// Enter is the command line that runs a program of this machine in the node's network.
func (n *Node) Enter(program string, args ...string) []string {
	return n.space.enterNetwork(program, args...)
}

// Inside is the command line that runs a program of this machine on the node: in its network, with its mounts and processes.
func (n *Node) Inside(program string, args ...string) []string {
	return n.space.enter(program, args...)
}

// KubeletConfig is the kubelet's configuration: a file of this machine, in a folder of root's.
func (n *Node) KubeletConfig() string { return filepath.Join(n.dir, "kubelet.yaml") }

// Kubectl is the path of the program.
func (n *Node) Kubectl() string { return n.tools.Path("kubectl") }

// LoadImage gives the node an image from an archive as `buildah push ... docker-archive:FILE` writes it.
func (n *Node) LoadImage(archive string) error {
	_, err := n.ctr("images", "import", archive)
	return err
}

// Kill ends a container's process with SIGKILL, as the kernel does when memory is short.
func (n *Node) Kill(container string) error {
	_, err := n.ctr("tasks", "kill", "--signal", "SIGKILL", strings.TrimPrefix(container, "containerd://"))
	return err
}

func (n *Node) ctr(args ...string) (string, error) {
	return n.space.run("ctr", append([]string{"--address", n.dir + "/containerd.sock", "--namespace", "k8s.io"}, args...)...)
}

func (n *Node) kubectl(args ...string) (string, error) {
	words := n.Enter(n.Kubectl(), append([]string{"--kubeconfig", n.Kubeconfig}, args...)...)
	out, err := exec.Command(words[0], words[1:]...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// buildPause compiles the sandbox's program; nothing is pulled.
func (n *Node) buildPause() (string, error) {
	program := filepath.Join(n.dir, "pause")
	cmd := exec.Command("go", "build", "-o", program, "podreeve.dev/e2e/cmd/pause")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the pause program: %w: %s", err, out)
	}
	return program, nil
}
