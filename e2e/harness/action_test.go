package harness

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// actionlint reads action.yml where a workflow uses it, so each case is a repository with the action and one workflow.
func lintUse(t *testing.T, workflow string) (string, error) {
	t.Helper()
	module, err := Module()
	if err != nil {
		t.Fatal(err)
	}
	action, err := os.ReadFile(filepath.Join(module, "..", "action.yml"))
	if err != nil {
		t.Fatal(err)
	}
	repository := t.TempDir()
	file := filepath.Join(repository, ".github", "workflows", "w.yaml")
	for path, text := range map[string]string{
		filepath.Join(repository, "action.yml"):   string(action),
		filepath.Join(repository, ".git", "HEAD"): "ref: refs/heads/main\n",
		file: workflow,
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return actionlint(t, file)
}

// The workflow that docs/pipelines.md shows as workflow.yaml has inputs that action.yml has.
func TestTheActionTakesWhatThePageShows(t *testing.T) {
	module, err := Module()
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(module, "..", "docs", "pipelines.md"))
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile("(?s)```yaml file=workflow\\.yaml [^\n]*\n(.*?)```").FindSubmatch(page)
	if shown == nil {
		t.Fatal("docs/pipelines.md shows no workflow")
	}
	workflow := regexp.MustCompile(`podreeve/podreeve@\S+`).ReplaceAllString(string(shown[1]), "./")
	if !strings.Contains(workflow, "uses: ./") {
		t.Fatal("the workflow does not use the action")
	}
	if said, err := lintUse(t, workflow); err != nil {
		t.Errorf("%v\n%s", err, said)
	}
	if said, err := lintUse(t, strings.Replace(workflow, "sarif: podreeve.sarif", "sarfi: podreeve.sarif", 1)); err == nil || !strings.Contains(said, "sarfi") {
		t.Errorf("an input that the action has not passes: %v: %s", err, said)
	}
}
