package release

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"podreeve.dev/e2e/harness"
	"podreeve.dev/e2e/node"
)

// cluster is nil where none can be had; why says so.
var (
	cluster *target
	why     string
)

func TestMain(m *testing.M) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, m))
}

func run(ctx context.Context, m *testing.M) int {
	var err error
	if cluster, err = findTarget(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	if cluster == nil {
		return m.Run()
	}
	home, err := os.MkdirTemp("", "podreeve-release-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	defer os.RemoveAll(home)
	cluster.home = home
	if cluster.node == nil {
		return m.Run()
	}
	go func() { // an interrupt must not wait for what the tests wait for
		<-ctx.Done()
		_ = cluster.node.Stop(false)
		os.Exit(1)
	}()
	code := m.Run()
	if err := cluster.node.Stop(code != 0 || os.Getenv("PODREEVE_E2E_KEEP") != ""); err != nil {
		fmt.Fprintln(os.Stderr, "e2e: could not clean up:", err)
		return 1
	}
	return code
}

func findTarget(ctx context.Context) (*target, error) {
	switch os.Getenv("PODREEVE_E2E_TARGET") {
	case "kubeconfig":
		kubeconfig, image := os.Getenv("KUBECONFIG"), os.Getenv("PODREEVE_E2E_IMAGE")
		if kubeconfig == "" || image == "" {
			return nil, fmt.Errorf("PODREEVE_E2E_TARGET=kubeconfig needs KUBECONFIG, and PODREEVE_E2E_IMAGE: an image that the cluster's nodes have or can pull")
		}
		return connect(kubeconfig, image)
	case "", "own":
		if why = node.Missing(); why != "" {
			return nil, nil
		}
		return startNode(ctx)
	default:
		return nil, fmt.Errorf("PODREEVE_E2E_TARGET is %q; it can be own (the default) or kubeconfig", os.Getenv("PODREEVE_E2E_TARGET"))
	}
}

func need(t *testing.T) *target {
	t.Helper()
	if cluster == nil {
		t.Skip("e2e: skipped: " + why)
	}
	return cluster
}

// needMore: what it tests is built for `make test-more` alone.
func needMore(t *testing.T) {
	t.Helper()
	if !harness.More() {
		t.Skip("e2e: skipped: make test-more builds what it needs, and runs it")
	}
}
