package harness

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Fit makes the pod one that the API server accepts, where that takes away only what the case is not about. The
// examples of a rule all vary one good pod for Linux, and the API server refuses some of its fields together with, say,
// host namespaces or Windows. keep are the fields that stay. It returns what was changed. namespace is one without hooks.
func (c *Cluster) Fit(ctx context.Context, pod *Object, namespace string, keep []string) (*Object, []string) {
	fitted := WorkloadOf("Pod").Wrap(pod, namespace, c.Name("fit"))
	var changes []string
	for {
		status := c.Create(ctx, fitted, true).Status()
		if status == nil || status.Details == nil {
			return fitted, changes
		}
		before := len(changes)
		for _, cause := range status.Details.Causes {
			field, value, known := demand(cause.Field, cause.Message)
			if !known || slices.Contains(keep, field) || Lookup(fitted, field) == value {
				continue
			}
			put(fitted, field, value)
			changes = append(changes, fmt.Sprintf("%s = %v", field, value))
		}
		if len(changes) == before {
			return fitted, changes
		}
	}
}

// demand reads what the API server wants of which field; nil is "not there".
func demand(field, message string) (string, any, bool) {
	switch {
	case strings.Contains(message, "cannot be set for a windows pod"):
		return field, nil, true
	// Kubernetes 1.36 names it hostUsers, older versions pod.Spec.HostUsers.
	case strings.Contains(strings.ToLower(message), "hostusers` is false"):
		return "spec.hostUsers", nil, true
	case strings.Contains(message, "hostNetwork must be true if pod contains any hostProcess containers"):
		return "spec.hostNetwork", true, true
	}
	return "", nil, false
}

// put sets a field that a path as in Lookup names, or removes it.
func put(object *Object, path string, value any) {
	dot := strings.LastIndexByte(path, '.')
	parent, _ := Lookup(object, path[:dot]).(map[string]any)
	if value == nil {
		unstructured.RemoveNestedField(parent, path[dot+1:])
	} else {
		set(parent, value, path[dot+1:])
	}
}
