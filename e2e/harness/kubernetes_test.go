package harness

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// A module of an older version is one release of Kubernetes, and not a mixture: all of its parts have the same patch version.
func TestEachVersionIsOneRelease(t *testing.T) {
	minors, err := KubernetesVersions()
	if err != nil {
		t.Fatal(err)
	}
	if len(minors) < 2 || !slices.IsSorted(minors) || minors[len(minors)-1] != NewestKubernetes {
		t.Fatalf("the versions are %q", minors)
	}
	for _, minor := range minors {
		folder := filepath.Join("tools", olderKubernetes, minor)
		if minor == NewestKubernetes {
			folder = "tools"
		}
		all := versions(t, folder)
		version := all["k8s.io/kubernetes"]
		if !strings.HasPrefix(version, "v"+minor+".") {
			t.Errorf("%s/go.mod has k8s.io/kubernetes %s", folder, version)
		}
		for path, is := range all {
			// Those that Kubernetes does not release with itself have other numbers.
			if want := "v0." + strings.TrimPrefix(version, "v1."); strings.HasPrefix(path, "k8s.io/") && strings.HasPrefix(is, "v0.3") && is != want {
				t.Errorf("%s/go.mod: %s %s, wanted %s", folder, path, is, want)
			}
		}
	}
}

// The page says which versions were run, and the chart installs on the oldest one and on none before it.
func TestThePageNamesTheVersions(t *testing.T) {
	root, err := Module()
	if err != nil {
		t.Fatal(err)
	}
	minors, err := KubernetesVersions()
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(root, "..", "docs", "reference", "kubernetes.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, minor := range minors {
		module := filepath.Join(root, "tools", olderKubernetes, minor)
		if minor == NewestKubernetes {
			module = filepath.Join(root, "tools")
		}
		if row := "| " + minor + " | " + kubernetesVersion(module) + " |"; !strings.Contains(string(page), row) {
			t.Errorf("docs/reference/kubernetes.md has no row %q: run the suite, and write its date there", row)
		}
	}
	chart, err := os.ReadFile(filepath.Join(root, "..", "charts", "podreeve", "Chart.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if want := `kubeVersion: ">=` + minors[0] + `.0-0"`; !strings.Contains(string(chart), want) {
		t.Errorf("charts/podreeve/Chart.yaml does not have %s", want)
	}
}

func TestAnOlderVersionIsChosen(t *testing.T) {
	t.Setenv(versionVariable, "1.33")
	for name, want := range map[string]string{"kube-apiserver": "kubernetes/1.33", "kubectl": "kubernetes/1.33", "etcd": ofKubernetes, "helm4": ofKubernetes} {
		tool, err := findTool(name)
		if err != nil || tool.module != want {
			t.Errorf("%s comes from %q (%v), wanted %q", name, tool.module, err, want)
		}
	}
	t.Setenv(versionVariable, "1.12")
	if _, err := findTool("kubectl"); err == nil || !strings.Contains(err.Error(), "1.33, 1.34") {
		t.Errorf("the error does not name the versions: %v", err)
	}
	if !IsOlder("1.33") || IsOlder(NewestKubernetes) || IsOlder("1.100") {
		t.Error("the wrong versions are older")
	}
}

func TestDroppedFieldsAreFound(t *testing.T) {
	object := func(spec map[string]any) *Object {
		return &unstructured.Unstructured{Object: map[string]any{"spec": spec}}
	}
	sent := object(map[string]any{
		"kept": true, "no": false, "empty": map[string]any{"also": []any{}}, "gone": map[string]any{"limits": map[string]any{"pids": int64(0)}},
		"list": []any{map[string]any{"name": "a", "image": "b"}},
	})
	got := object(map[string]any{"kept": true, "added": "default", "list": []any{map[string]any{"name": "a"}, map[string]any{"name": "more"}}})
	if lost := Dropped(sent, got); !slices.Equal(lost, []string{"spec.gone", "spec.list[0].image"}) {
		t.Errorf("dropped: %q", lost)
	}
}
