package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"podreeve.dev/e2e/harness"
)

// How kubectl reads the manifests of tests/manifests is recorded for the Rust tests; its decoders must still read them so.
func TestManifestsAreRecordedAsKubectlReadsThem(t *testing.T) {
	folder := filepath.Join("..", "tests", "manifests")
	text, err := os.ReadFile(filepath.Join(folder, harness.KubectlRecord))
	if err != nil {
		t.Fatal(err)
	}
	var recorded map[string]harness.KubectlReading
	if err := json.Unmarshal(text, &recorded); err != nil {
		t.Fatal(err)
	}
	read, err := harness.ReadManifests(folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(read) != len(recorded) {
		t.Errorf("%d manifests, %d recorded: run `go run ./cmd/manifests` in e2e/", len(read), len(recorded))
	}
	for name, reading := range read {
		if !reflect.DeepEqual(values(t, recorded[name]), values(t, reading)) {
			t.Errorf("%s is read as %v, recorded is %v: run `go run ./cmd/manifests` in e2e/", name, reading, recorded[name])
		}
	}
}

func values(t *testing.T, reading harness.KubectlReading) any {
	t.Helper()
	text, err := json.Marshal(reading)
	if err != nil {
		t.Fatal(err)
	}
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	return value
}
