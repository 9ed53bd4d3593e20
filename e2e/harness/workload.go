package harness

import (
	"encoding/json"
	"fmt"
	"maps"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"
)

// Workload is a kind that holds a pod, and where it holds it.
type Workload struct {
	Kind     string
	Resource schema.GroupVersionResource
	Template []string // path to the pod template; empty for a Pod itself
	restart  string   // a restart policy that the kind insists on
	selector bool     // spec.selector.matchLabels is required
	extra    map[string]any
}

// Workloads are all the kinds that the webhooks look at.
var Workloads = []Workload{
	{Kind: "Pod", Resource: core("pods")},
	{Kind: "PodTemplate", Resource: core("podtemplates"), Template: []string{"template"}},
	{Kind: "ReplicationController", Resource: core("replicationcontrollers"), Template: specTemplate, restart: "Always"},
	{Kind: "Deployment", Resource: apps("deployments"), Template: specTemplate, restart: "Always", selector: true},
	{Kind: "StatefulSet", Resource: apps("statefulsets"), Template: specTemplate, restart: "Always", selector: true},
	{Kind: "DaemonSet", Resource: apps("daemonsets"), Template: specTemplate, restart: "Always", selector: true},
	{Kind: "ReplicaSet", Resource: apps("replicasets"), Template: specTemplate, restart: "Always", selector: true},
	{Kind: "Job", Resource: batch("jobs"), Template: specTemplate, restart: "Never", extra: map[string]any{"backoffLimit": int64(2)}},
	{Kind: "CronJob", Resource: batch("cronjobs"), Template: []string{"spec", "jobTemplate", "spec", "template"}, restart: "Never",
		extra: map[string]any{"schedule": "0 3 * * *"}},
}

var specTemplate = []string{"spec", "template"}

func core(resource string) schema.GroupVersionResource  { return gvr("", resource) }
func apps(resource string) schema.GroupVersionResource  { return gvr("apps", resource) }
func batch(resource string) schema.GroupVersionResource { return gvr("batch", resource) }
func gvr(group, resource string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: group, Version: "v1", Resource: resource}
}

// WorkloadOf finds a kind in the table.
func WorkloadOf(kind string) Workload {
	for _, workload := range Workloads {
		if workload.Kind == kind {
			return workload
		}
	}
	panic("the harness has no workload kind " + kind)
}

func resourceOf(object *Object) (schema.GroupVersionResource, error) {
	for _, workload := range Workloads {
		if workload.Kind == object.GetKind() && workload.Resource.GroupVersion().String() == object.GetAPIVersion() {
			return workload.Resource, nil
		}
	}
	return schema.GroupVersionResource{}, fmt.Errorf("the harness does not know %s %s", object.GetAPIVersion(), object.GetKind())
}

// Wrap puts a pod into an object of this kind. The pod's spec is kept as it is but for the restart policy, where the
// kind allows only some.
func (w Workload) Wrap(pod *Object, namespace, name string) *Object {
	object := &Object{Object: map[string]any{}}
	template := pod.DeepCopy()
	if len(w.Template) == 0 {
		object = template
	} else {
		labels := map[string]string{"e2e": name}
		maps.Copy(labels, template.GetLabels())
		content := map[string]any{"spec": template.Object["spec"], "metadata": map[string]any{}}
		set(content, stringsToAny(labels), "metadata", "labels")
		if annotations := template.GetAnnotations(); annotations != nil {
			set(content, stringsToAny(annotations), "metadata", "annotations")
		}
		if w.restart != "" {
			set(content, w.restart, "spec", "restartPolicy")
		}
		set(object.Object, content, w.Template...)
		if w.selector {
			set(object.Object, map[string]any{"e2e": name}, "spec", "selector", "matchLabels")
		}
		for key, value := range w.extra {
			set(object.Object, value, "spec", key)
		}
	}
	object.SetAPIVersion(w.Resource.GroupVersion().String())
	object.SetKind(w.Kind)
	object.SetNamespace(namespace)
	object.SetName(name)
	return object
}

// FieldPath turns a path in the pod into the path in an object of this kind.
func (w Workload) FieldPath(inPod string) string {
	for i := len(w.Template) - 1; i >= 0; i-- {
		inPod = w.Template[i] + "." + inPod
	}
	return inPod
}

func set(object map[string]any, value any, path ...string) {
	if err := unstructured.SetNestedField(object, value, path...); err != nil {
		panic(err) // the paths are literals above
	}
}

func stringsToAny(in map[string]string) map[string]any {
	out := map[string]any{}
	for key, value := range in {
		out[key] = value
	}
	return out
}

// ParseObject reads one manifest, YAML or JSON.
func ParseObject(text []byte) (*Object, error) {
	text, err := yaml.YAMLToJSON(text)
	if err != nil {
		return nil, fmt.Errorf("read a manifest: %w", err)
	}
	object := &Object{}
	if err := json.Unmarshal(text, object); err != nil {
		return nil, fmt.Errorf("read a manifest: %w", err)
	}
	return object, nil
}
