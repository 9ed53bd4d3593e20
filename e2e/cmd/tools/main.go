// Command tools builds the tools that it is given by name (none: those of a control plane; `all`: those that the suites of
// this run need) unless the cache has them, and prints the folder that the first one lies in.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"podreeve.dev/e2e/harness"
)

func main() {
	names := os.Args[1:]
	switch {
	case len(names) == 0:
		names = harness.ControlPlane
	case len(names) == 1 && names[0] == "all":
		names = harness.TestTools()
	}
	tools, err := harness.EnsureTools(os.Stderr, names...)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		os.Exit(1)
	}
	fmt.Println(filepath.Dir(tools.Path(names[0])))
}
