package chart

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"podreeve.dev/e2e/harness"
)

var tools = sync.OnceValues(func() (harness.Tools, error) {
	return harness.EnsureTools(os.Stderr, append(append([]string{}, harness.ChartTools...), harness.HelmTools()...)...)
})

// home is helm's, for all tests.
var home string

func TestMain(m *testing.M) {
	var err error
	if home, err = os.MkdirTemp("", "podreeve-chart-"); err != nil {
		fmt.Fprintln(os.Stderr, "chart:", err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(home)
	os.Exit(code)
}

// apiServer is a cluster of the test's own, which ends with it. The flags are those of its kube-apiserver.
func apiServer(t *testing.T, flags ...string) *harness.Cluster {
	t.Helper()
	cluster, err := harness.Up(t.Context(), harness.Options{Podreeve: os.Getenv("PODREEVE_BIN"), Progress: os.Stderr, Server: flags})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Down(t.Failed()); err != nil {
			t.Error(err)
		}
	})
	return cluster
}

func tool(t *testing.T, name string) string {
	t.Helper()
	tools, err := tools()
	if err != nil {
		t.Fatal(err)
	}
	return tools.Path(name)
}

// helms are those that the chart is for: Helm 4, and in `make test-more` the newest one and Helm 3.
func helms(t *testing.T) map[string]Helm {
	all := map[string]Helm{}
	for _, name := range harness.HelmTools() {
		all[name] = helm(t, name)
	}
	return all
}

func helm(t *testing.T, name string) Helm {
	return Helm{Program: tool(t, name), Home: home}
}

// matrix has a name for each file of testdata/values.
func matrix(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/values/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no values in testdata/values: %v", err)
	}
	var names []string
	for _, file := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(file), ".yaml"))
	}
	return names
}

func valuesFile(name string) string { return filepath.Join("testdata", "values", name+".yaml") }

// Objects are what a chart renders.
type Objects []unstructured.Unstructured

// render renders the chart with the values of testdata/values/NAME.yaml, by Helm 4.
func render(t *testing.T, name string, args ...string) Objects {
	t.Helper()
	text, err := helm(t, "helm4").Template(append([]string{"-f", valuesFile(name)}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, text)
}

// armed renders the chart, with the lists of webhooks where the leader puts them.
func armed(t *testing.T, name string, args ...string) Objects {
	t.Helper()
	objects := render(t, name, args...)
	if count, err := Arm(objects); err != nil || count != 2 {
		t.Fatalf("%d webhook configurations have lists: %v", count, err)
	}
	return objects
}

func parse(t *testing.T, text string) Objects {
	t.Helper()
	var objects Objects
	for document := range strings.SplitSeq("\n"+text, "\n---") {
		var object unstructured.Unstructured
		if err := yaml.UnmarshalStrict([]byte(document), &object.Object); err != nil {
			t.Fatalf("rendered YAML: %v\n%s", err, document)
		}
		if len(object.Object) > 0 {
			objects = append(objects, object)
		}
	}
	return objects
}

// key names an object among those of a release.
func key(object unstructured.Unstructured) string {
	return object.GetKind() + "/" + object.GetName()
}

// find returns the only object of that kind and name as T, which must know every field.
func find[T any](t *testing.T, objects Objects, kind, name string) *T {
	t.Helper()
	typed := new(T)
	found := 0
	for _, object := range objects {
		if object.GetKind() != kind || object.GetName() != name {
			continue
		}
		found++
		if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object.Object, typed, true); err != nil {
			t.Fatalf("%s: %v", key(object), err)
		}
	}
	if found != 1 {
		t.Fatalf("%d objects %s/%s are rendered, wanted one", found, kind, name)
	}
	return typed
}

func (o Objects) has(kind, name string) bool {
	for _, object := range o {
		if object.GetKind() == kind && object.GetName() == name {
			return true
		}
	}
	return false
}

// podreeve runs the binary that is tested elsewhere too.
func podreeve(t *testing.T, stdin string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	binary := os.Getenv("PODREEVE_BIN")
	if binary == "" {
		t.Fatal("PODREEVE_BIN is not set: `e2e/run chart` sets it")
	}
	var out, complaints bytes.Buffer
	cmd := exec.Command(binary, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &complaints
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatalf("run %s: %v", binary, err)
	}
	return out.String(), complaints.String(), cmd.ProcessState.ExitCode()
}
