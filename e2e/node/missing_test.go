package node

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"podreeve.dev/e2e/harness"
)

// What a node needs is said, and installed, before any test: by scripts/needs.
func TestScriptNeedsKnowsWhatANodeNeeds(t *testing.T) {
	module, err := harness.Module()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(module, "..", "scripts", "needs"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	for _, need := range append(append([][2]string{}, needs...), [2]string{"cni", "containernetworking-plugins"}) {
		known := slices.ContainsFunc(lines, func(line string) bool {
			return strings.HasPrefix(line, need[0]+" "+need[1]+" ") && strings.Contains(line, "release")
		})
		if !known {
			t.Errorf("scripts/needs has no line %s %s for the release", need[0], need[1])
		}
	}
}
