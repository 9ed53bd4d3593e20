package chart

import (
	"fmt"
	"os"
	"path/filepath"

	"podreeve.dev/e2e/harness"
)

// Root is the repository's.
func Root() string {
	module, _ := harness.Module() // outside of it nothing is found, and whoever looks says what
	return filepath.Dir(module)
}

// Dir is the chart's.
func Dir() string { return filepath.Join(Root(), "charts", "podreeve") }

// File is a generated file: its path below the root, and its expected content.
type File struct {
	Path    string
	Content string
}

// CRDs are the chart's copies of what `make gen` writes: a chart cannot read outside its own folder.
func CRDs() ([]File, error) {
	sources, err := filepath.Glob(filepath.Join(Root(), "deploy", "crds", "*.yaml"))
	if err != nil || len(sources) == 0 {
		return nil, fmt.Errorf("no CRDs in deploy/crds: run `make gen` first (%v)", err)
	}
	var files []File
	for _, source := range sources {
		text, err := os.ReadFile(source)
		if err != nil {
			return nil, fmt.Errorf("read a CRD: %w", err)
		}
		files = append(files, File{"charts/podreeve/files/crds/" + filepath.Base(source), string(text)})
	}
	return files, nil
}

// Files are all others; the chart has its CRDs already.
func Files(helm Helm) ([]File, error) {
	readme, err := readme()
	if err != nil {
		return nil, err
	}
	install, err := installManifest(helm)
	if err != nil {
		return nil, err
	}
	files := []File{{"charts/podreeve/README.md", readme}, {"deploy/install.yaml", install}}
	for from, to := range map[string]string{"alerts.yaml": "deploy/alerts.yaml", "dashboard.json": "deploy/dashboard.json"} {
		text, err := os.ReadFile(filepath.Join(Dir(), "files", from))
		if err != nil {
			return nil, fmt.Errorf("read what deploy/ has a copy of: %w", err)
		}
		files = append(files, File{to, string(text)})
	}
	return files, nil
}

// Write puts the file in its place, and says whether it changed.
func (f File) Write() (bool, error) {
	path := filepath.Join(Root(), f.Path)
	if there, err := os.ReadFile(path); err == nil && string(there) == f.Content {
		return false, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return false, fmt.Errorf("write %s: %w", f.Path, err)
	}
	if err := os.WriteFile(path, []byte(f.Content), 0o644); err != nil {
		return false, fmt.Errorf("write %s: %w", f.Path, err)
	}
	return true, nil
}
