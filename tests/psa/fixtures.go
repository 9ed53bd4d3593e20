package main

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"
)

// fixture is one pod of upstream's, and what its place in the tree says of it.
type fixture struct {
	File    string          `json:"file"`
	Level   string          `json:"level"`
	Version string          `json:"version"`
	Pass    bool            `json:"pass"`
	YAML    string          `json:"yaml"`
	Pod     json.RawMessage `json:"pod"`
}

// fixtures reads them where Go keeps the module. They are not copied into this repository.
func fixtures(out io.Writer) error {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", upstream).Output()
	if err != nil {
		return fmt.Errorf("ask go where %s lies (in the folder of this module): %w", upstream, err)
	}
	root := filepath.Join(strings.TrimSpace(string(dir)), "test", "testdata")
	lines := json.NewEncoder(out)
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".yaml" {
			return err
		}
		fixture, err := readFixture(root, path)
		if err != nil {
			return err
		}
		return lines.Encode(fixture)
	})
}

func readFixture(root, path string) (fixture, error) {
	file, err := filepath.Rel(root, path)
	if err != nil {
		return fixture{}, err
	}
	// baseline/v1.34/fail/hostports0.yaml
	parts := strings.Split(filepath.ToSlash(file), "/")
	if len(parts) != 4 || (parts[2] != "pass" && parts[2] != "fail") {
		return fixture{}, fmt.Errorf("%s is not in a folder LEVEL/VERSION/pass or fail", file)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return fixture{}, err
	}
	pod, err := yaml.YAMLToJSON(text)
	if err != nil {
		return fixture{}, fmt.Errorf("%s: %w", file, err)
	}
	return fixture{
		File: filepath.ToSlash(file), Level: parts[0], Version: parts[1], Pass: parts[2] == "pass",
		YAML: string(text), Pod: pod,
	}, nil
}
