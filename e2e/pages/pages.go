// Package pages runs the commands of README.md and docs/ that need a cluster. tests/pages.rs runs the others, and
// checks the form of all of them; CONTRIBUTING.md, "Write a page", says what the language of a code block means.
package pages

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Page is a file with code blocks.
type Page struct {
	Path   string // below the root
	Blocks []Block
}

// Block is a code block.
type Block struct {
	Line     int
	Kind     string            // "sh cluster", "yaml"
	Settings map[string]string // exit=1, file=NAME
	Text     string
}

// Read reads these pages, by path below the root of the repository.
func Read(root string, paths ...string) ([]Page, error) {
	var pages []Page
	for _, path := range paths {
		text, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			return nil, fmt.Errorf("read a page: %w", err)
		}
		pages = append(pages, Page{path, blocks(string(text))})
	}
	return pages, nil
}

// With is every page that has a block of this kind, README.md first.
func With(root, kind string) ([]string, error) {
	var found []string
	for _, pattern := range []string{"README.md", "docs/*.md", "docs/*/*.md"} {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return nil, fmt.Errorf("look for pages: %w", err)
		}
		for _, path := range paths {
			below, err := filepath.Rel(root, path)
			if err != nil {
				return nil, fmt.Errorf("look for pages: %w", err)
			}
			pages, err := Read(root, below)
			if err != nil {
				return nil, err
			}
			if slices.ContainsFunc(pages[0].Blocks, func(block Block) bool { return block.Kind == kind }) {
				found = append(found, below)
			}
		}
	}
	return found, nil
}

func blocks(text string) (found []Block) {
	open := false
	for number, line := range strings.Split(text, "\n") {
		info, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && open:
			open = false
		case fence:
			block := Block{Line: number + 1, Settings: map[string]string{}}
			var words []string
			for _, word := range strings.Fields(info) {
				if key, value, found := strings.Cut(word, "="); found {
					block.Settings[key] = value
				} else {
					words = append(words, word)
				}
			}
			block.Kind = strings.Join(words, " ")
			found, open = append(found, block), true
		case open:
			found[len(found)-1].Text += line + "\n"
		}
	}
	return found
}

// File is a file that a page shows.
func (p Page) File(name string) (string, error) {
	for _, block := range p.Blocks {
		if block.Settings["file"] == name {
			return block.Text, nil
		}
	}
	return "", fmt.Errorf("%s shows no file %s", p.Path, name)
}

// Reader is who follows the pages: a clone of the repository, files of their own, programs and a kubeconfig.
type Reader struct {
	Root string   // of the repository
	Home string   // an empty folder
	Path []string // folders of programs, before those of PATH
	Env  []string
	// Enter gives the words that run a program where it reaches the cluster; nil: as it is.
	Enter func(program string, args ...string) []string
	// Before is called before each block that runs, where a page says to wait; nil: nothing waits.
	Before func(Block)
	ran    map[string]bool
}

// own are files that a reader has; tests/pages/commands.rs knows the same.
var own = map[string]string{"deploy.yaml": "examples/privileged-deployment.yaml", "review.json": "tests/reviews/review-001-Deployment-CREATE.json"}

// folder makes the folder in which the commands of a page run.
func (r *Reader) folder(page Page) (string, error) {
	dir := filepath.Join(r.Home, strings.NewReplacer("/", "-", ".md", "").Replace(page.Path))
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(r.Root, "tests", "pages", "reader"))); err != nil {
		return "", fmt.Errorf("copy the reader's files: %w", err)
	}
	for name, from := range own {
		text, err := os.ReadFile(filepath.Join(r.Root, from))
		if err != nil {
			return "", fmt.Errorf("copy the reader's files: %w", err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			return "", fmt.Errorf("copy the reader's files: %w", err)
		}
	}
	for _, name := range []string{"examples", "policies", "charts"} {
		if err := os.Symlink(filepath.Join(r.Root, name), filepath.Join(dir, name)); err != nil {
			return "", fmt.Errorf("make the clone: %w", err)
		}
	}
	for _, block := range page.Blocks {
		if name := block.Settings["file"]; name != "" {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(far(block.Text)), 0o600); err != nil {
				return "", fmt.Errorf("write a file of the page: %w", err)
			}
		}
	}
	return dir, nil
}

// far: dates on the pages are near, and a test must not end with them.
func far(text string) string { return strings.ReplaceAll(text, "2027-", "2099-") }

// Follow runs the blocks of these kinds, and gives what is wrong. A block that ran before, on another page, is not run again.
func (r *Reader) Follow(page Page, kinds ...string) []error {
	dir, err := r.folder(page)
	if err != nil {
		return []error{err}
	}
	if r.ran == nil {
		r.ran = map[string]bool{}
	}
	var wrong []error
	for i, block := range page.Blocks {
		if !slices.Contains(kinds, block.Kind) || r.ran[block.Text] {
			continue
		}
		if program := block.Settings["needs"]; program != "" {
			if _, err := exec.LookPath(program); err != nil {
				continue
			}
		}
		if !strings.HasSuffix(block.Text, "-\n") { // what reads stdin is cheap, and another file's
			r.ran[block.Text] = true
		}
		var want *Block
		if i+1 < len(page.Blocks) && (page.Blocks[i+1].Kind == "text" || page.Blocks[i+1].Kind == "json") {
			want = &page.Blocks[i+1]
		}
		if r.Before != nil {
			r.Before(block)
		}
		if err := r.run(dir, block, want); err != nil {
			wrong = append(wrong, fmt.Errorf("%s:%d: %w", page.Path, block.Line, err))
		}
	}
	return wrong
}

func (r *Reader) run(dir string, block Block, want *Block) error {
	words := []string{"bash", "-c", "exec 2>&1; set -euo pipefail; " + far(block.Text)}
	if r.Enter != nil {
		words = r.Enter(words[0], words[1:]...)
	}
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir = dir
	path := strings.Join(append(slices.Clone(r.Path), os.Getenv("PATH")), string(filepath.ListSeparator))
	cmd.Env = append([]string{"PATH=" + path, "HOME=" + r.Home}, r.Env...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		return fmt.Errorf("run bash: %w", err)
	}
	code := block.Settings["exit"]
	if code == "" {
		code = "0"
	}
	if ended := fmt.Sprint(cmd.ProcessState.ExitCode()); ended != code {
		return fmt.Errorf("`%s` ended with %s and not with %s:\n%s", strings.TrimSpace(block.Text), ended, code, out)
	}
	if want == nil {
		return nil
	}
	if line := missing(*want, string(out)); line != "" {
		return fmt.Errorf("`%s` does not print, or not in this place:\n%s\nIt printed:\n%s", strings.TrimSpace(block.Text), line, out)
	}
	return nil
}

// missing is the first part of an output block that was not printed. Its lines may have others between them; `...`
// stands for any text, and in JSON blanks do not count.
func missing(want Block, printed string) string {
	wanted := far(want.Text)
	if want.Kind == "json" {
		wanted, printed = strings.Join(strings.Fields(wanted), ""), strings.Join(strings.Fields(printed), "")
	}
	lines := strings.Split(printed, "\n")
	for _, line := range strings.Split(wanted, "\n") {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		at := slices.IndexFunc(lines, func(printed string) bool { return holds(printed, line) })
		if at < 0 {
			return line
		}
		lines = lines[at+1:]
	}
	return ""
}

// holds says whether the line has the parts around each `...`, in order.
func holds(line, want string) bool {
	for _, part := range strings.Split(want, "...") {
		_, after, found := strings.Cut(line, strings.TrimSpace(part))
		if !found {
			return false
		}
		line = after
	}
	return true
}
