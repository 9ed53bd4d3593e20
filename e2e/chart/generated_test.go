package chart

import (
	"os"
	"path/filepath"
	"testing"
)

func TestGeneratedFilesAreUpToDate(t *testing.T) {
	crds, err := CRDs()
	if err != nil {
		t.Fatal(err)
	}
	files, err := Files(helm(t, "helm4"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(crds, files...) {
		there, err := os.ReadFile(filepath.Join(Root(), file.Path))
		if err != nil || string(there) != file.Content {
			t.Errorf("%s is out of date; run `make gen` and commit it (%v)", file.Path, err)
		}
	}
	copies, err := filepath.Glob(filepath.Join(Dir(), "files", "crds", "*"))
	if err != nil || len(copies) != len(crds) {
		t.Errorf("charts/podreeve/files/crds has %d files, deploy/crds %d; remove what is too much there (%v)", len(copies), len(crds), err)
	}
}
