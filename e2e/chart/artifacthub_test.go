package chart

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// hubEntry has the keys of all lists that Artifact Hub reads from annotations.
type hubEntry struct {
	Kind, Version, Name, DisplayName, Description, URL string
}

// aboutChart is what Chart.yaml says of the chart.
type aboutChart struct {
	Icon        string
	AppVersion  string `yaml:"appVersion"`
	Home        string
	Maintainers []struct{ Name, URL string }
	Annotations map[string]string
}

func readChartFile(t *testing.T) aboutChart {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(Dir(), "Chart.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var file aboutChart
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	return file
}

// hubList reads a list as Artifact Hub does, and says what is wrong with an entry.
func hubList(t *testing.T, name, text string, complain func(hubEntry) string) []hubEntry {
	t.Helper()
	var raw []map[string]any
	if err := yaml.Unmarshal([]byte(text), &raw); err != nil || len(raw) == 0 {
		t.Errorf("%s is no list of objects: %v", name, err)
		return nil
	}
	var entries []hubEntry
	for _, one := range raw {
		field := func(key string) string { text, _ := one[key].(string); return text }
		entry := hubEntry{field("kind"), field("version"), field("name"), field("displayName"), field("description"), field("url")}
		if complaint := complain(entry); complaint != "" {
			t.Errorf("%s: %s: %+v", name, complaint, entry)
		}
		entries = append(entries, entry)
	}
	return entries
}

// The kinds of changes, and the categories, that Artifact Hub knows; it refuses a chart with others.
var (
	hubChanges    = []string{"added", "changed", "deprecated", "removed", "fixed", "security"}
	hubCategories = []string{"ai-machine-learning", "database", "integration-delivery", "monitoring-logging", "networking", "security", "storage", "streaming-messaging", "skip-prediction"}
)

func TestArtifactHubReadsTheChart(t *testing.T) {
	file := readChartFile(t)
	below, isOurs := strings.CutPrefix(file.Icon, file.Home+"/raw/main/")
	if icon, err := os.ReadFile(filepath.Join(Root(), below)); !isOurs || err != nil || !strings.HasPrefix(string(icon), "<svg ") {
		t.Errorf("the icon %q is no SVG of this repository: %v", file.Icon, err)
	}
	if len(file.Maintainers) == 0 || file.Maintainers[0].Name == "" {
		t.Error("the chart names no maintainer")
	}
	hub := func(key string) string { return file.Annotations["artifacthub.io/"+key] }
	if hub("license") != "Apache-2.0" || !slices.Contains(hubCategories, hub("category")) {
		t.Errorf("license %q, category %q", hub("license"), hub("category"))
	}
	hubList(t, "links", hub("links"), func(link hubEntry) string {
		if link.Name == "" || !strings.HasPrefix(link.URL, "https://") {
			return "no name or no URL"
		}
		return ""
	})
	var named []string
	for _, crd := range hubList(t, "crds", hub("crds"), func(crd hubEntry) string {
		if crd.Kind == "" || crd.Version == "" || crd.DisplayName == "" || crd.Description == "" {
			return "a key is missing"
		}
		return ""
	}) {
		named = append(named, crd.Name)
	}
	var rendered []string
	for _, object := range render(t, "default") {
		if object.GetKind() == "CustomResourceDefinition" {
			rendered = append(rendered, object.GetName())
		}
	}
	slices.Sort(named)
	slices.Sort(rendered)
	if !slices.Equal(named, rendered) {
		t.Errorf("Artifact Hub would show the definitions %v, and the chart has %v", named, rendered)
	}
	// What release/chart adds.
	notes, err := exec.Command(filepath.Join(Root(), "release", "notes"), "artifacthub").Output()
	if err != nil {
		t.Fatal(err)
	}
	hubList(t, "changes", string(notes), func(change hubEntry) string {
		switch {
		case !slices.Contains(hubChanges, change.Kind):
			return fmt.Sprintf("the kind %q of a change", change.Kind)
		case change.Description == "" || strings.Contains(change.Description, "]("):
			return "no description, or one with a link to a file that the chart does not have"
		}
		return ""
	})
}
