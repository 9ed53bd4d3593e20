package harness

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// workflow is what these tests read of a file in .github/workflows.
type workflow struct {
	Permissions any            `yaml:"permissions"`
	Jobs        map[string]job `yaml:"jobs"`
}

type job struct {
	Permissions map[string]string `yaml:"permissions"`
	Timeout     int               `yaml:"timeout-minutes"`
	Uses        string            `yaml:"uses"`
	Steps       []struct {
		Uses string `yaml:"uses"`
		Run  string `yaml:"run"`
	} `yaml:"steps"`
}

func workflows(t *testing.T) map[string]string {
	t.Helper()
	module, err := Module()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(module, "..", ".github", "workflows", "*.y*ml"))
	if err != nil || len(files) < 3 {
		t.Fatalf("only the workflows %v (%v)", files, err)
	}
	texts := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts[file] = string(text)
	}
	return texts
}

// actionlint knows the keys, the contexts, the labels of runners and the inputs of actions. What it would call if it were
// installed is switched off, so that it says the same everywhere.
func actionlint(t *testing.T, files ...string) (string, error) {
	t.Helper()
	tools, err := EnsureTools(os.Stderr, "actionlint")
	if err != nil {
		t.Fatal(err)
	}
	said, err := exec.Command(tools.Path("actionlint"), append([]string{"-no-color", "-shellcheck=", "-pyflakes="}, files...)...).CombinedOutput()
	return string(said), err
}

func TestWorkflowsAreValid(t *testing.T) {
	for file := range workflows(t) {
		if said, err := actionlint(t, file); err != nil {
			t.Errorf("%v\n%s", err, said)
		}
	}
	broken := filepath.Join(t.TempDir(), "broken.yaml")
	if err := os.WriteFile(broken, []byte("on: push\njobs: {a: {runs-on: ubuntu-24.04, steps: [{run: \"echo ${{ nothing.here }}\"}]}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if said, err := actionlint(t, broken); err == nil || !strings.Contains(said, "nothing") {
		t.Errorf("a broken workflow passes: %v: %s", err, said)
	}
}

// unsafe lists what a workflow does that lets another project or a pull request act in its name.
func unsafe(t *testing.T, text string) []string {
	t.Helper()
	var read workflow
	if err := yaml.Unmarshal([]byte(text), &read); err != nil {
		t.Fatal(err)
	}
	var found []string
	if rights, isMap := read.Permissions.(map[string]any); !isMap || len(rights) > 0 {
		found = append(found, "top-level permissions are not {}: each job names its own")
	}
	for name, job := range read.Jobs {
		if job.Permissions == nil {
			found = append(found, name+": no permissions")
		}
		if job.Timeout == 0 && job.Uses == "" {
			found = append(found, name+": no timeout-minutes")
		}
		for _, step := range job.Steps {
			if strings.Contains(step.Run, "${{") {
				found = append(found, name+": a script with an expression in it; pass it through env: "+step.Run)
			}
		}
	}
	for line := range strings.Lines(text) {
		_, uses, is := strings.Cut(line, "uses: ")
		if is && !strings.HasPrefix(uses, "./") && !pinned.MatchString(uses) {
			found = append(found, "an action that is not pinned by commit, with its version behind it: "+strings.TrimSpace(line))
		}
	}
	return found
}

var pinned = regexp.MustCompile(`^[\w.-]+/[\w./-]+@[0-9a-f]{40} # v[0-9]+\.[0-9]+\.[0-9]+\n$`)

func TestWorkflowsHaveTheLeastRights(t *testing.T) {
	for file, text := range workflows(t) {
		for _, what := range unsafe(t, text) {
			t.Errorf("%s: %s", filepath.Base(file), what)
		}
	}
	found := unsafe(t, "permissions: {contents: write}\njobs:\n  a:\n    steps:\n    - uses: actions/checkout@v7\n    - run: echo ${{ github.head_ref }}\n")
	if len(found) != 5 {
		t.Errorf("of five faults these were found: %q", found)
	}
}

// All steps of a release are called by the dry run, or are named where it says what it does not run.
func TestTheDryRunRunsTheStepsOfTheWorkflow(t *testing.T) {
	module, err := Module()
	if err != nil {
		t.Fatal(err)
	}
	dryRun, err := os.ReadFile(filepath.Join(module, "..", "release", "dry-run"))
	if err != nil {
		t.Fatal(err)
	}
	steps := regexp.MustCompile(`release/([a-z]+)`)
	notHere := map[string]bool{"place": true, "login": true, "publish": true} // they need GitHub or its registry
	for file, text := range workflows(t) {
		if filepath.Base(file) != "release.yaml" {
			continue
		}
		for _, step := range steps.FindAllStringSubmatch(regexp.MustCompile(`(?m)#.*$|path:.*$|^ *\$\{\{.*$`).ReplaceAllString(text, ""), -1) {
			if step[1] == "release" || step[1] == "assets" || notHere[step[1]] {
				continue
			}
			if !regexp.MustCompile(`(?m)^(    |quietly )?release/` + step[1] + `\b`).Match(dryRun) {
				t.Errorf("release.yaml runs release/%s, and release/dry-run does not", step[1])
			}
		}
	}
}
