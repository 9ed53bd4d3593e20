package harness

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// versionVariable names the minor version that the suites run against.
const versionVariable = "PODREEVE_E2E_KUBERNETES"

// NewestKubernetes is what e2e/tools builds, and what the suites run against unless the environment names another one.
const NewestKubernetes = "1.36"

// folder of the modules of the older minor versions, seen from e2e/tools: one each, so that each has its own dependencies.
const olderKubernetes = "kubernetes"

// KubernetesMinor is the minor version that this run starts, such as 1.36. A cluster that is not its own has its own version
// (Cluster.Minor).
func KubernetesMinor() string {
	if minor := os.Getenv(versionVariable); minor != "" {
		return minor
	}
	return NewestKubernetes
}

// KubernetesVersions that the suites can start, oldest first.
func KubernetesVersions() ([]string, error) {
	root, err := Module()
	if err != nil {
		return nil, err
	}
	modules, err := filepath.Glob(filepath.Join(root, "tools", olderKubernetes, "*", "go.mod"))
	if err != nil {
		return nil, err
	}
	var versions []string
	for _, module := range modules {
		versions = append(versions, filepath.Base(filepath.Dir(module)))
	}
	slices.Sort(versions)
	return append(versions, NewestKubernetes), nil
}

// chosen is the tool as this run needs it: a part of Kubernetes itself comes from the module of the chosen version.
func (t tool) chosen() (tool, error) {
	minor := KubernetesMinor()
	if minor == NewestKubernetes || !strings.HasPrefix(t.pkg, "k8s.io/kubernetes/") {
		return t, nil
	}
	versions, err := KubernetesVersions()
	if err != nil {
		return t, err
	}
	if !slices.Contains(versions, minor) {
		return t, fmt.Errorf("%s is %q; it can be one of %s", versionVariable, minor, strings.Join(versions, ", "))
	}
	t.module = filepath.Join(olderKubernetes, minor)
	return t, nil
}

// ofKubernetesItself says whether the programs of a module say a version of Kubernetes.
func ofKubernetesItself(module string) bool {
	return module == ofKubernetes || strings.HasPrefix(module, olderKubernetes+string(filepath.Separator))
}

// kubernetesVersion is the patch version that a module of the tools requires, such as v1.36.3.
func kubernetesVersion(source string) string {
	return tool{pkg: "k8s.io/kubernetes"}.version(source)
}

// Minor is the minor version that the API server says it has, such as 1.36.
func (c *Cluster) Minor() (string, error) {
	client, err := c.Clientset()
	if err != nil {
		return "", err
	}
	version, err := client.Discovery().ServerVersion()
	if err != nil {
		return "", fmt.Errorf("read the version of the API server: %w", err)
	}
	return version.Major + "." + strings.TrimSuffix(version.Minor, "+"), nil
}

// IsOlder says whether a minor version is older than the newest one that is tested.
func IsOlder(minor string) bool {
	number := func(text string) int {
		_, minor, _ := strings.Cut(text, ".")
		n, _ := strconv.Atoi(minor) // 0 is older than all
		return n
	}
	return number(minor) < number(NewestKubernetes)
}

// Dropped are the fields of an object that the API server took away without a word, because its version does not have them. What is zero,
// false or empty may be left out of an answer.
func Dropped(sent, got *Object) []string {
	return dropped(sent.Object, got.Object, "")
}

func dropped(sent, got any, path string) []string {
	switch sent := sent.(type) {
	case map[string]any:
		fields, _ := got.(map[string]any)
		var lost []string
		for _, key := range slices.Sorted(maps.Keys(sent)) {
			at := strings.TrimPrefix(path+"."+key, ".")
			if value, is := fields[key]; is {
				lost = append(lost, dropped(sent[key], value, at)...)
			} else if !isEmpty(sent[key]) {
				lost = append(lost, at)
			}
		}
		return lost
	case []any:
		items, _ := got.([]any)
		var lost []string
		for i, item := range sent {
			if i < len(items) {
				lost = append(lost, dropped(item, items[i], fmt.Sprintf("%s[%d]", path, i))...)
			}
		}
		return lost
	}
	return nil
}

func isNumber(value any) bool {
	kind := reflect.ValueOf(value).Kind()
	return kind == reflect.Int64 || kind == reflect.Float64
}

func isEmpty(value any) bool {
	switch value := value.(type) {
	case nil:
		return true
	case map[string]any:
		// A number in it is one that was written, such as the limit 0.
		return !slices.ContainsFunc(slices.Collect(maps.Values(value)), func(value any) bool { return isNumber(value) || !isEmpty(value) })
	case []any:
		return len(value) == 0
	}
	return reflect.ValueOf(value).IsZero()
}
