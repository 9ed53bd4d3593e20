package harness

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
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
