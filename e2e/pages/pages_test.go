package pages

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestBrokenCommandsAreFound(t *testing.T) {
	text := strings.Join([]string{
		"```sh cluster", "false", "```",
		"```sh cluster exit=1", "true", "```",
		"```sh cluster", "printf 'one two\\nthree\\n'", "```", "```text", "three", "one", "```",
		"```sh cluster", "echo '{\"a\": 1}'", "```", "```json", "{\"a\": 2}", "```",
		"```sh", "false", "```",
		"```sh cluster needs=no-such-program", "exit 1", "```",
		"```sh cluster", "printf 'one two\\nthree \\n'", "```", "```text", "o... two", "three", "```",
		"```yaml file=a.yaml", "until: 2027-01-31", "```", "```sh cluster", "cat a.yaml", "```", "```text", "until: 2027-01-31", "```",
		"```sh cluster", "cat deploy.yaml examples/good-deployment.yaml csi.yaml", "```",
	}, "\n")
	reader := Reader{Root: "../..", Home: t.TempDir()}
	root, err := filepath.Abs(reader.Root)
	if err != nil {
		t.Fatal(err)
	}
	reader.Root = root
	page := Page{"page.md", blocks(text)}
	var said []string
	for _, err := range reader.Follow(page, "sh cluster") {
		line, _, _ := strings.Cut(err.Error(), ": ")
		said = append(said, line)
	}
	if got := strings.Join(said, " "); got != "page.md:1 page.md:4 page.md:7 page.md:14" {
		t.Errorf("these are found: %s", got)
	}
	if wrong := reader.Follow(Page{"another.md", blocks(text[:strings.Index(text, "```sh cluster exit")])}, "sh cluster"); len(wrong) != 0 {
		t.Errorf("a block that ran before is run again: %v", wrong)
	}
}
