// Command cluster starts an etcd and a kube-apiserver, prints how to use them, and ends them on Ctrl-C or SIGTERM.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"podreeve.dev/e2e/harness"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cluster, err := harness.Up(ctx, harness.Options{Progress: os.Stderr})
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		os.Exit(1)
	}
	fmt.Printf("export KUBECONFIG=%s\nexport PODREEVE_E2E_AUDIT_LOG=%s\n", cluster.Kubeconfig, cluster.AuditLog)
	fmt.Fprintln(os.Stderr, "e2e: the cluster is up; Ctrl-C ends it")
	<-ctx.Done()
	if err := cluster.Down(false); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		os.Exit(1)
	}
}
