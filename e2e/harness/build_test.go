package harness

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const ofMill = "../harness/testdata/mill"

var mills = []tool{{"outer", ofMill, "."}, {"inner", ofMill, "example.com/mill/cmd/mill"}}

func buildMills(t *testing.T, tools Tools) string {
	t.Helper()
	var said strings.Builder
	report := newBuildReport(&said, len(mills))
	defer report.stop()
	if err := tools.build(ofMill, mills, report); err != nil {
		t.Fatal(err)
	}
	for _, mill := range mills {
		out, err := exec.Command(tools.Path(mill.name)).CombinedOutput()
		if err != nil || string(out) != "the "+mill.name+" mill\n" {
			t.Errorf("%s: %v: %s", mill.name, err, out)
		}
	}
	return said.String()
}

// Two programs of one module and one file name, each in its place, and a line for each.
func TestToolsAreBuiltAndCounted(t *testing.T) {
	allTools = append(allTools, mills...)
	tools := Tools{dirs: map[string]string{ofMill: t.TempDir()}}
	said := buildMills(t, tools)
	for _, want := range []string{"building 2 tools", "tool 1 of 2: outer", "tool 2 of 2: inner", "0 minutes so far"} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in:\n%s", want, said)
		}
	}
	entries, err := filepath.Glob(filepath.Join(tools.dirs[ofMill], partialPrefix+"*"))
	if err != nil || len(entries) > 0 {
		t.Errorf("the build left %v (%v)", entries, err)
	}
}

// Whatever a build left that was killed is neither taken for a tool nor in the way of the next build: Go refuses to
// overwrite a file that is no program.
func TestWhatAnUnfinishedBuildLeftIsTakenAway(t *testing.T) {
	allTools = append(allTools, mills...)
	tools := Tools{dirs: map[string]string{ofMill: t.TempDir()}}
	left := filepath.Join(tools.dirs[ofMill], partialPrefix+"1", "mill")
	if err := os.MkdirAll(filepath.Dir(left), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{left, filepath.Join(tools.dirs[ofMill], "outer.partial")} {
		if err := os.WriteFile(file, []byte("half a program"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if tools.has(mills[0]) {
		t.Error("an unfinished build is taken for a tool")
	}
	buildMills(t, tools)
	for _, file := range []string{left, filepath.Join(tools.dirs[ofMill], "outer.partial")} {
		if _, err := os.Stat(file); err == nil {
			t.Errorf("%s is still there", file)
		}
	}
}

func TestAFailedBuildSaysWhyAndLeavesNothing(t *testing.T) {
	tools := Tools{dirs: map[string]string{ofMill: t.TempDir()}}
	report := newBuildReport(&strings.Builder{}, 1)
	defer report.stop()
	err := tools.build(ofMill, []tool{{"none", ofMill, "example.com/mill/none"}}, report)
	if err == nil || !strings.Contains(err.Error(), "example.com/mill/none") {
		t.Errorf("the error does not name the package: %v", err)
	}
	entries, err := os.ReadDir(tools.dirs[ofMill])
	if err != nil || len(entries) != 1 || entries[0].Name() != ".lock" {
		t.Errorf("left: %v (%v)", entries, err)
	}
}

// What tests and tools have in common is compiled once, if both have the same version of it.
func TestModulesAgreeOnVersions(t *testing.T) {
	want := versions(t, "tools")
	for _, module := range []string{".", "../tests/psa"} {
		for path, version := range versions(t, module) {
			if of, known := want[path]; known && of != version {
				t.Errorf("%s: %s %s, but e2e/tools has %s: go get %s@%s", module, path, version, of, path, of)
			}
		}
	}
}

// versions that a module requires, and those that its replacements name.
func versions(t *testing.T, dir string) map[string]string {
	t.Helper()
	module, err := Module()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(module, dir, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
		switch {
		case len(words) >= 4 && words[1] == "=>":
			found[words[0]] = words[3]
		case len(words) >= 2 && strings.HasPrefix(words[1], "v") && strings.Contains(words[0], ".") && found[words[0]] == "":
			found[words[0]] = words[1]
		}
	}
	if len(found) < 10 {
		t.Fatalf("%s/go.mod names only %d modules", dir, len(found))
	}
	return found
}

// Go names a program for the last part of its path that is no major version.
func TestTheNameOfAProgram(t *testing.T) {
	for pkg, want := range map[string]string{
		"go.etcd.io/etcd/server/v3":                   "server",
		"sigs.k8s.io/krew/cmd/validate-krew-manifest": "validate-krew-manifest",
		"github.com/sigstore/cosign/v3/cmd/cosign":    "cosign",
	} {
		if got := (tool{"", ofKubernetes, pkg}).file(); got != want {
			t.Errorf("%s becomes %s and not %s", pkg, got, want)
		}
	}
}
