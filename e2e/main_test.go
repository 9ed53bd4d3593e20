package e2e

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"podreeve.dev/e2e/harness"
)

var kubeconfig = flag.String("kubeconfig", "", "test against this cluster instead of starting one (or PODREEVE_E2E_TARGET=kubeconfig and KUBECONFIG)")

// suite is what nearly all tests share: one cluster, one podreeve with the owasp policy, one pair of webhooks.
type suite struct {
	*harness.Cluster
	server *harness.Podreeve
	hook   *harness.Hook
}

// start runs once, at the first test that needs a cluster: `go test -run Fields` starts nothing.
var start = sync.OnceValues(func() (*suite, error) {
	ctx := running
	starting.Lock()
	defer starting.Unlock()
	cluster, err := harness.Up(ctx, options)
	if err != nil {
		return nil, err
	}
	started = cluster
	server, err := cluster.StartPodreeve(ctx)
	if err != nil {
		return nil, err
	}
	hook := cluster.NewHook()
	return &suite{Cluster: cluster, server: server, hook: hook}, cluster.Register(ctx, hook, server.URL(), server.CA)
})

var (
	options  harness.Options  // set by TestMain
	started  *harness.Cluster // set by start, for TestMain
	starting sync.Mutex       // held while start is at work

	running, interrupt = context.WithCancel(context.Background())
)

func TestMain(m *testing.M) {
	flag.Parse()
	var err error
	if options, err = optionsFromEnvironment(); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		os.Exit(1)
	}
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-interrupted
		interrupt()
		starting.Lock() // a start that is under way undoes itself first
		os.Exit(max(1, down(1)))
	}()
	os.Exit(down(m.Run()))
}

func down(code int) int {
	if started == nil {
		return code
	}
	if err := started.Down(code != 0 || os.Getenv("PODREEVE_E2E_KEEP") != ""); err != nil {
		fmt.Fprintln(os.Stderr, "e2e: could not clean up:", err)
		return max(1, code)
	}
	return code
}

// up gives the shared suite; a cluster that does not come up fails every test with the same reason.
func up(t *testing.T) *suite {
	t.Helper()
	suite, err := start()
	if err != nil {
		t.Fatal("e2e:", err)
	}
	return suite
}

func optionsFromEnvironment() (harness.Options, error) {
	options := harness.Options{
		Kubeconfig: *kubeconfig,
		WebhookURL: os.Getenv("PODREEVE_E2E_WEBHOOK_URL"),
		AuditLog:   os.Getenv("PODREEVE_E2E_AUDIT_LOG"),
		Progress:   os.Stderr,
	}
	switch target := os.Getenv("PODREEVE_E2E_TARGET"); {
	case target == "kubeconfig" && options.Kubeconfig == "":
		if options.Kubeconfig = os.Getenv("KUBECONFIG"); options.Kubeconfig == "" {
			return options, fmt.Errorf("PODREEVE_E2E_TARGET=kubeconfig needs KUBECONFIG: the path of one kubeconfig file")
		}
	case target != "" && target != "kubeconfig" && target != "own":
		return options, fmt.Errorf("PODREEVE_E2E_TARGET is %q; it can be own (the default) or kubeconfig", target)
	}
	binary := os.Getenv("PODREEVE_BIN")
	if binary == "" {
		target := os.Getenv("CARGO_TARGET_DIR")
		if target == "" {
			target = filepath.Join("..", "target")
		}
		binary = filepath.Join(target, "debug", "podreeve")
	}
	absolute, err := filepath.Abs(binary)
	if err != nil {
		return options, err
	}
	if _, err := os.Stat(absolute); err != nil {
		return options, fmt.Errorf("no podreeve binary at %s: run `cargo build` in the repository, or set PODREEVE_BIN to one", binary)
	}
	options.Podreeve = absolute
	return options, nil
}
