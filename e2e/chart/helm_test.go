package chart

import (
	"reflect"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestLint(t *testing.T) {
	for name, helm := range helms(t) {
		for _, values := range matrix(t) {
			if text, err := helm.Run("lint", "--strict", "--kube-version", KubeVersion, "-f", valuesFile(values), Dir()); err != nil {
				t.Errorf("%s, %s: %v\n%s", name, values, err, text)
			}
		}
	}
}

func TestBothHelmsRenderTheSame(t *testing.T) {
	both := helms(t)
	for _, values := range matrix(t) {
		var rendered [2]map[string]any
		for i, name := range []string{"helm4", "helm3"} {
			text, err := both[name].Template("-f", valuesFile(values))
			if err != nil {
				t.Fatalf("%s, %s: %v", name, values, err)
			}
			rendered[i] = byKey(t, parse(t, text))
		}
		for key, object := range rendered[0] {
			if !reflect.DeepEqual(object, rendered[1][key]) {
				t.Errorf("%s: %s differs between Helm 4 and Helm 3:\n%v\n%v", values, key, object, rendered[1][key])
			}
		}
		if len(rendered[0]) != len(rendered[1]) {
			t.Errorf("%s: Helm 4 renders %d objects, Helm 3 %d", values, len(rendered[0]), len(rendered[1]))
		}
	}
}

func byKey(t *testing.T, objects Objects) map[string]any {
	t.Helper()
	all := map[string]any{}
	for _, object := range objects {
		if _, twice := all[key(object)]; twice {
			t.Errorf("%s is rendered twice", key(object))
		}
		all[key(object)] = object.Object
	}
	return all
}

// Rendering twice gives the same: nothing is drawn by lot, nothing looked up.
func TestRenderingIsDeterministic(t *testing.T) {
	for _, values := range matrix(t) {
		if !reflect.DeepEqual(render(t, values), render(t, values)) {
			t.Errorf("%s renders differently each time", values)
		}
	}
}

func TestEveryObjectHasTheLabels(t *testing.T) {
	for _, values := range matrix(t) {
		for _, object := range render(t, values) {
			for _, label := range []string{"app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/version", "helm.sh/chart"} {
				if object.GetLabels()[label] == "" {
					t.Errorf("%s: %s has no label %s", values, key(object), label)
				}
			}
			if values == "everything" && object.GetLabels()["team"] != "platform" {
				t.Errorf("%s has not the label of commonLabels", key(object))
			}
		}
	}
}

// What is namespaced says so, or `kubectl apply` of a rendered chart puts it into the namespace of the day.
func TestNamespacesAreWritten(t *testing.T) {
	cluster := []string{"ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"}
	for _, values := range matrix(t) {
		for _, object := range render(t, values) {
			want := "podreeve"
			for _, kind := range cluster {
				if object.GetKind() == kind {
					want = ""
				}
			}
			if inTestNamespace(object) {
				continue
			}
			if object.GetNamespace() != want {
				t.Errorf("%s: %s is in namespace %q, wanted %q", values, key(object), object.GetNamespace(), want)
			}
		}
	}
}

// The role that `helm test` needs is where it tries to create a pod.
func inTestNamespace(object unstructured.Unstructured) bool {
	return strings.HasSuffix(object.GetName(), "-test") && strings.HasPrefix(object.GetKind(), "Role")
}
