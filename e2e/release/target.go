package release

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"podreeve.dev/e2e/chart"
	"podreeve.dev/e2e/harness"
	"podreeve.dev/e2e/node"
)

// image that is tested, where PODREEVE_E2E_IMAGE names no other one.
const builtImage = "podreeve/podreeve:e2e"

// nextImage differs from it in a label.
const nextImage = builtImage + "-next"

// target is the cluster to install into.
type target struct {
	kubeconfig string
	image      string
	next       string // what to upgrade to; empty: there is no other image
	home       string
	tools      harness.Tools
	node       *node.Node // nil: somebody else's cluster
}

// connect uses the cluster that a kubeconfig names; its nodes have the image, or can pull it.
func connect(kubeconfig, image string) (*target, error) {
	tools, err := harness.EnsureTools(os.Stderr, append([]string{"kubectl"}, harness.HelmTools()...)...)
	return &target{kubeconfig: kubeconfig, image: image, tools: tools}, err
}

// startNode makes a node and gives it the image that image/build makes of this tree.
func startNode(ctx context.Context) (*target, error) {
	if err := buildImages(); err != nil {
		return nil, err
	}
	tools, err := harness.EnsureTools(os.Stderr, append([]string{"kubectl"}, harness.HelmTools()...)...)
	if err != nil {
		return nil, err
	}
	running, err := node.Start(ctx, os.Stderr)
	if err != nil {
		return nil, err
	}
	target := &target{kubeconfig: running.Kubeconfig, image: builtImage, next: nextImage, tools: tools, node: running}
	return target, errors.Join(load(running, builtImage), load(running, nextImage))
}

func buildImages() error {
	build := exec.Command("image/build")
	build.Dir = chart.Root()
	build.Env = append(os.Environ(), "TAG="+builtImage)
	if os.Getenv("PROFILE") == "" {
		build.Env = append(build.Env, "PROFILE=dev")
	}
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("image/build: %w\n%s", err, out)
	}
	container, err := buildah("from", "--pull-never", builtImage)
	if err != nil {
		return err
	}
	_, err = buildah("config", "--label", "dev.podreeve.e2e=next", container)
	if err == nil {
		_, err = buildah("commit", "--quiet", container, nextImage)
	}
	_, removed := buildah("rm", container)
	return errors.Join(err, removed)
}

func buildah(args ...string) (string, error) {
	out, err := exec.Command("buildah", args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("buildah %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

// load gives the node an image.
func load(node *node.Node, image string) error {
	file, err := os.CreateTemp("", "podreeve-image-*.tar")
	if err != nil {
		return fmt.Errorf("make a file for the image: %w", err)
	}
	file.Close()
	os.Remove(file.Name()) // buildah will not overwrite it
	defer os.Remove(file.Name())
	if _, err := buildah("push", "--quiet", image, "docker-archive:"+file.Name()+":"+image); err != nil {
		return err
	}
	return node.LoadImage(file.Name())
}

func (c *target) config() (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", c.kubeconfig)
	if err == nil && c.node != nil {
		config.Dial = c.node.Dial
	}
	return config, err
}

func (c *target) client(t *testing.T) *kubernetes.Clientset {
	t.Helper()
	config, err := c.config()
	if err != nil {
		t.Fatal(err)
	}
	config.QPS = -1
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// said is what a command printed, and how it ended.
type said struct {
	command, out, err string
	code              int
}

func (s said) String() string {
	return fmt.Sprintf("%s\n  exit code %d\n  stdout: %s\n  stderr: %s", s.command, s.code, s.out, s.err)
}

// run runs a program where it reaches the cluster.
func (c *target) run(t *testing.T, stdin, program string, args ...string) said {
	t.Helper()
	words := append([]string{program}, args...)
	if c.node != nil {
		words = c.node.Enter(program, args...)
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(words[0], words[1:]...) // without the test's context: cleaning up comes after its end
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + c.home, "KUBECONFIG=" + c.kubeconfig,
		"HELM_CACHE_HOME=" + c.home, "HELM_CONFIG_HOME=" + c.home, "HELM_DATA_HOME=" + c.home}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	err := cmd.Run()
	if cmd.ProcessState == nil {
		t.Fatalf("run %s: %v", program, err)
	}
	return said{filepath.Base(program) + " " + strings.Join(args, " "), stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

func (c *target) kubectl(t *testing.T, stdin string, args ...string) said {
	t.Helper()
	return c.run(t, stdin, c.tools.Path("kubectl"), args...)
}

// must runs kubectl, which has to end well, and returns what it printed.
func (c *target) must(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	said := c.kubectl(t, stdin, args...)
	if said.code != 0 {
		t.Fatal(said)
	}
	return strings.TrimSpace(said.out)
}

// helm has to end well.
func (c *target) helm(t *testing.T, program string, args ...string) string {
	t.Helper()
	said := c.run(t, "", c.tools.Path(program), args...)
	if said.code != 0 {
		t.Fatalf("%s\n%s", said, c.about(t))
	}
	return said.out
}

// about returns what a person would look at first.
func (c *target) about(t *testing.T) string {
	t.Helper()
	var text strings.Builder
	for _, args := range [][]string{
		{"get", "pods", "-A", "-o", "wide"},
		{"get", "events", "-n", namespace, "--sort-by=.lastTimestamp"},
		{"logs", "-n", namespace, "-l", "app.kubernetes.io/part-of=podreeve", "--tail=20", "--prefix", "--ignore-errors"},
	} {
		said := c.kubectl(t, "", args...)
		fmt.Fprintf(&text, "--- kubectl %s\n%s%s", strings.Join(args, " "), said.out, said.err)
	}
	return text.String()
}
