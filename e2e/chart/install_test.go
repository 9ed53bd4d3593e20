package chart

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// kubectl applies in the order of the file, and goes on or breaks off where it must: a webhook configuration comes after the server and
// all that this one needs. The head says how they go first.
func TestWebhooksStandBehindTheServer(t *testing.T) {
	text, err := installManifest(helm(t, "helm4"))
	if err != nil {
		t.Fatal(err)
	}
	objects := parse(t, text)
	at := func(kind, name string) int {
		t.Helper()
		index := slices.IndexFunc(objects, func(object unstructured.Unstructured) bool {
			return object.GetKind() == kind && object.GetName() == name
		})
		if index < 0 {
			t.Fatalf("no %s/%s in deploy/install.yaml", kind, name)
		}
		return index
	}
	for _, configuration := range []string{"ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"} {
		for _, kind := range []string{"Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "Service", "Deployment"} {
			if at(kind, "podreeve") > at(configuration, "podreeve") {
				t.Errorf("the %s comes before the %s", configuration, kind)
			}
		}
	}
	first := strings.Index(text, "\n#   kubectl delete validatingwebhookconfiguration,mutatingwebhookconfiguration podreeve\n")
	if rest := strings.Index(text, "\n#   kubectl delete -f deploy/install.yaml\n"); first < 0 || rest < first {
		t.Errorf("the head does not say that the webhooks go first:\n%s", text[:strings.Index(text, "apiVersion:")])
	}
}
