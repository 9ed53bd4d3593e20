// Command tools builds etcd, kube-apiserver and kubectl unless the cache has them, and prints the folder they lie in.
package main

import (
	"fmt"
	"os"

	"podreeve.dev/e2e/harness"
)

func main() {
	tools, err := harness.EnsureTools(os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		os.Exit(1)
	}
	fmt.Println(tools.Dir)
}
