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

func TestEveryHelmRendersTheSame(t *testing.T) {
	all := helms(t)
	if len(all) == 1 {
		t.Skip("e2e: skipped: Helm 4 alone renders the chart; make test-more compares it with the newest one and with Helm 3")
	}
	for _, values := range matrix(t) {
		want := renderedBy(t, all["helm4"], values)
		for name, helm := range all {
			rendered := renderedBy(t, helm, values)
			for place, object := range rendered {
				if !reflect.DeepEqual(object, want[place]) {
					t.Errorf("%s: %s differs between helm4 and %s:\n%v\n%v", values, place, name, want[place], object)
				}
			}
			if len(rendered) != len(want) {
				t.Errorf("%s: helm4 renders %d objects, %s %d", values, len(want), name, len(rendered))
			}
		}
	}
}

func renderedBy(t *testing.T, helm Helm, values string) map[string]any {
	t.Helper()
	text, err := helm.Template("-f", valuesFile(values))
	if err != nil {
		t.Fatalf("%s, %s: %v", helm.Program, values, err)
	}
	return byKey(t, parse(t, text))
}

func byKey(t *testing.T, objects Objects) map[string]any {
	t.Helper()
	all := map[string]any{}
	for _, object := range objects {
		place := object.GetNamespace() + " " + key(object)
		if _, twice := all[place]; twice {
			t.Errorf("%s is rendered twice", place)
		}
		all[place] = object.Object
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
	cluster := []string{"ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}
	for _, values := range matrix(t) {
		for _, object := range render(t, values) {
			want := "podreeve"
			for _, kind := range cluster {
				if object.GetKind() == kind {
					want = ""
				}
			}
			if inTestNamespace(object) || ofPullSecrets(object) {
				continue
			}
			if object.GetNamespace() != want {
				t.Errorf("%s: %s is in namespace %q, wanted %q", values, key(object), object.GetNamespace(), want)
			}
		}
	}
}

// The roles of pull secrets are in the namespaces that have the secrets.
func ofPullSecrets(object unstructured.Unstructured) bool {
	return object.GetName() == "podreeve-pull-secrets" && strings.HasPrefix(object.GetKind(), "Role")
}

// The role that `helm test` needs is where it tries to create a pod.
func inTestNamespace(object unstructured.Unstructured) bool {
	return strings.HasSuffix(object.GetName(), "-test") && strings.HasPrefix(object.GetKind(), "Role")
}
