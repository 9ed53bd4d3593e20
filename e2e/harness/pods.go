package harness

import (
	_ "embed"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

//go:embed good-pod.yaml
var goodPod []byte

// GoodPod is a pod that no rule of the owasp policy has anything against; change it to make one that is bad in one way.
func (c *Cluster) GoodPod(namespace, hint string, changes ...func(*Object)) *Object {
	pod, err := ParseObject(goodPod)
	if err != nil {
		panic(err) // the file is compiled in
	}
	pod.SetNamespace(namespace)
	pod.SetName(c.Name(hint))
	for _, change := range changes {
		change(pod)
	}
	return pod
}

// Container changes the first container.
func Container(change func(map[string]any)) func(*Object) {
	return func(pod *Object) {
		containers, _, err := unstructured.NestedSlice(pod.Object, "spec", "containers")
		if err != nil || len(containers) == 0 {
			panic("the pod has no containers")
		}
		change(containers[0].(map[string]any))
		set(pod.Object, containers, "spec", "containers")
	}
}

// Set sets a field of the pod.
func Set(value any, path ...string) func(*Object) {
	return func(pod *Object) { set(pod.Object, value, path...) }
}

// Privileged makes the first container privileged.
func Privileged(pod *Object) {
	Container(func(container map[string]any) {
		set(container, true, "securityContext", "privileged")
		// The API itself refuses privileged together with allowPrivilegeEscalation: false.
		unstructured.RemoveNestedField(container, "securityContext", "allowPrivilegeEscalation")
	})(pod)
}

// Unprofiled takes the seccomp profile away.
func Unprofiled(pod *Object) {
	unstructured.RemoveNestedField(pod.Object, "spec", "securityContext", "seccompProfile")
}

func privilegedPod(c *Cluster, namespace string) *Object {
	return c.GoodPod(namespace, "privileged", Privileged)
}

func escalatingPod(c *Cluster, namespace string) *Object {
	return c.GoodPod(namespace, "escalating", Container(func(container map[string]any) {
		unstructured.RemoveNestedField(container, "securityContext", "allowPrivilegeEscalation")
	}))
}
