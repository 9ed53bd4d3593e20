// Command manifests records how kubectl reads the manifests of tests/manifests, for the Rust tests to compare with.
package main

import (
	"encoding/json"
	"log"
	"os"
	"path/filepath"

	"podreeve.dev/e2e/harness"
)

func main() {
	log.SetFlags(0)
	folder := filepath.Join("..", "tests", "manifests")
	readings, err := harness.ReadManifests(folder)
	if err != nil {
		log.Fatal(err)
	}
	text, err := json.MarshalIndent(readings, "", "  ")
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, harness.KubectlRecord), append(text, '\n'), 0o644); err != nil {
		log.Fatal(err)
	}
}
