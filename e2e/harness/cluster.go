package harness

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"k8s.io/client-go/rest"
)

// Options say which cluster and which podreeve.
type Options struct {
	Kubeconfig string    // empty: start a cluster of our own
	WebhookURL string    // where that cluster reaches this machine; empty: https://127.0.0.1
	AuditLog   string    // the audit log of that cluster, if this machine can read it
	Podreeve   string    // path of the binary
	Server     []string  // further flags of kube-apiserver, for a cluster of our own
	IPv6       bool      // a cluster of our own without IPv4
	Progress   io.Writer // lines about what takes long
}

// Cluster is an API server to test against, and all that the harness put there or started for it.
type Cluster struct {
	Kubeconfig string
	AuditLog   string // empty where it cannot be read
	Owned      bool   // started by Up

	config     *rest.Config
	tools      Tools
	podreeve   string
	webhookURL string
	run        string // names and labels of this run carry it
	dir        string
	counter    counter

	mu      sync.Mutex
	cleanup []func() error // undone in reverse
}

// Up starts (or connects to) the cluster. Down must follow, also after a failed test.
func Up(ctx context.Context, options Options) (*Cluster, error) {
	cluster := &Cluster{podreeve: options.Podreeve, run: strings.ToLower(rand.Text()[:6])}
	err := cluster.up(ctx, options)
	if err != nil {
		return nil, errors.Join(err, cluster.Down(true))
	}
	return cluster, nil
}

func (c *Cluster) up(ctx context.Context, options Options) (err error) {
	tools := ControlPlane
	if options.Kubeconfig != "" {
		tools = []string{"kubectl"}
	}
	if c.tools, err = EnsureTools(options.Progress, tools...); err != nil {
		return err
	}
	if c.dir, err = os.MkdirTemp("", "podreeve-e2e-"); err != nil {
		return fmt.Errorf("make a folder for this run: %w", err)
	}
	if c.webhookURL, err = parseWebhookURL(options.WebhookURL); err != nil {
		return err
	}
	network := ipv4
	if options.IPv6 {
		network, c.webhookURL = ipv6, "https://["+ipv6.host+"]"
	}
	if options.Kubeconfig != "" {
		c.Kubeconfig, c.AuditLog = options.Kubeconfig, options.AuditLog
		c.config, err = readKubeconfig(options.Kubeconfig)
	} else {
		err = c.startOwn(ctx, network, options.Server)
	}
	if err != nil {
		return err
	}
	c.config.QPS = -1 // the tests are many small calls; the default would throttle them on this side
	return nil
}

func (c *Cluster) startOwn(ctx context.Context, network network, flags []string) error {
	etcd, etcdURL, err := startEtcd(ctx, c.tools, c.dir)
	if err != nil {
		return err
	}
	c.Defer(func() error { etcd.Stop(); return nil })
	environment, err := c.startNameProxy()
	if err != nil {
		return err
	}
	server, err := startAPIServer(ctx, c.tools, c.dir, etcdURL, network, environment, flags)
	if err != nil {
		return err
	}
	// It waits a minute for its own watches on SIGTERM, and nothing in it is worth keeping.
	c.Defer(func() error { server.process.Kill(); return nil })
	c.config, c.AuditLog, c.Owned = server.config, server.auditLog, true
	c.Kubeconfig = filepath.Join(c.dir, "kubeconfig")
	return writeKubeconfig(c.Kubeconfig, server.config)
}

// Defer keeps what Down has to undo.
func (c *Cluster) Defer(undo func() error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cleanup = append(c.cleanup, undo)
}

// Down undoes everything, in reverse. keepLogs leaves the logs (never etcd's data) and the error names their folder.
func (c *Cluster) Down(keepLogs bool) error {
	c.mu.Lock()
	undo := c.cleanup
	c.cleanup = nil
	c.mu.Unlock()
	var failures []error
	for i := len(undo) - 1; i >= 0; i-- {
		failures = append(failures, undo[i]())
	}
	if c.dir != "" {
		if keepLogs {
			failures = append(failures, os.RemoveAll(filepath.Join(c.dir, "etcd")))
			fmt.Fprintf(os.Stderr, "e2e: the logs are in %s\n", c.dir)
		} else {
			failures = append(failures, os.RemoveAll(c.dir))
		}
	}
	return errors.Join(failures...)
}
