package harness

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every build of Go code has the same flags. Otherwise a first run compiles most of Kubernetes' client twice.
func TestEverybodyBuildsWithTheSameFlags(t *testing.T) {
	module, err := Module()
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string][]string{
		"run":                             {"CGO_ENABLED=" + goCgo, `GOFLAGS="` + goFlags + `"`},
		"../tests/psa_parity/upstream.rs": {`("CGO_ENABLED", "` + goCgo + `")`, `("GOFLAGS", "` + goFlags + `")`},
	} {
		text, err := os.ReadFile(filepath.Join(module, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range want {
			if !strings.Contains(string(text), want) {
				t.Errorf("e2e/%s has no %s", file, want)
			}
		}
	}
}
