package e2e

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	admission "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"podreeve.dev/e2e/harness"
)

// A webhook that comes after podreeve's adds an unrepaired container. podreeve's is called again (reinvocationPolicy IfNeeded) and repairs it.
func TestWhatALaterWebhookAddsIsRepaired(t *testing.T) {
	s := up(t)
	if !s.Owned {
		t.Skip("serves a webhook on loopback, which is for a cluster of our own")
	}
	ns := namespace(t, s, "reinvoke", s.hook)
	injects(t, s, ns, inject)
	must(t, harness.Await(t.Context(), "the added container is there, and repaired", func(ctx context.Context) (bool, error) {
		answer := s.Create(ctx, s.GoodPod(ns, "pod"), true)
		if answer.Err != nil {
			return false, answer.Err
		}
		if harness.Lookup(answer.Object, "spec.containers[1].name") != "added" {
			return false, fmt.Errorf("no container is added")
		}
		if may := harness.Lookup(answer.Object, "spec.containers[1].securityContext.allowPrivilegeEscalation"); may != false {
			return false, harness.Fatal{Err: fmt.Errorf("allowPrivilegeEscalation of the added container is %v", may)}
		}
		return true, nil
	}))
}

// injects registers a webhook that changes the pods of this namespace. Webhooks are called in the order of their names.
func injects(t *testing.T, s *suite, ns string, handler http.HandlerFunc) {
	t.Helper()
	server := httptest.NewTLSServer(handler)
	t.Cleanup(server.Close)
	name, never, none, ignore := s.Name("zz-podreeve-e2e-inject"), admission.NeverReinvocationPolicy, admission.SideEffectClassNone, admission.Ignore
	client, err := s.Clientset()
	must(t, err)
	configurations := client.AdmissionregistrationV1().MutatingWebhookConfigurations()
	_, err = configurations.Create(t.Context(), &admission.MutatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Webhooks: []admission.MutatingWebhook{{
			Name: "inject.podreeve.dev", SideEffects: &none, FailurePolicy: &ignore, ReinvocationPolicy: &never, AdmissionReviewVersions: []string{"v1"},
			ClientConfig: admission.WebhookClientConfig{URL: &server.URL,
				CABundle: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})},
			NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": ns}},
			Rules: []admission.RuleWithOperations{{Operations: []admission.OperationType{admission.Create},
				Rule: admission.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"pods"}}}},
		}},
	}, metav1.CreateOptions{})
	must(t, err)
	t.Cleanup(func() { must(t, configurations.Delete(context.Background(), name, metav1.DeleteOptions{})) })
}

// inject adds a copy of the first container that says nothing about privilege escalation.
func inject(w http.ResponseWriter, r *http.Request) {
	injectCopy(w, r, func(container map[string]any) {
		delete(container["securityContext"].(map[string]any), "allowPrivilegeEscalation")
	})
}

// injectCopy adds a changed copy of the first container.
func injectCopy(w http.ResponseWriter, r *http.Request, change func(container map[string]any)) {
	var review admissionv1.AdmissionReview
	var pod harness.Object
	if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if err := json.Unmarshal(review.Request.Object.Raw, &pod.Object); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	container := harness.Lookup(&pod, "spec.containers[0]").(map[string]any)
	container["name"] = "added"
	change(container)
	patch, _ := json.Marshal([]map[string]any{{"op": "add", "path": "/spec/containers/-", "value": container}}) // maps of JSON always marshal
	kind := admissionv1.PatchTypeJSONPatch
	review.Response = &admissionv1.AdmissionResponse{UID: review.Request.UID, Allowed: true, Patch: patch, PatchType: &kind}
	_ = json.NewEncoder(w).Encode(review) // a broken connection shows at the API server
}
