package chart

import (
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What the chart sets of cert-manager's kinds; another field is not known here and fails.
type (
	certificate struct {
		metav1.TypeMeta   `json:",inline"`
		metav1.ObjectMeta `json:"metadata"`
		Spec              struct {
			IsCA        bool      `json:"isCA"`
			CommonName  string    `json:"commonName"`
			SecretName  string    `json:"secretName"`
			DNSNames    []string  `json:"dnsNames"`
			Duration    string    `json:"duration"`
			RenewBefore string    `json:"renewBefore"`
			Usages      []string  `json:"usages"`
			IssuerRef   issuerRef `json:"issuerRef"`
			PrivateKey  struct {
				Algorithm      string `json:"algorithm"`
				Size           int    `json:"size"`
				RotationPolicy string `json:"rotationPolicy"`
			} `json:"privateKey"`
		} `json:"spec"`
	}
	issuer struct {
		metav1.TypeMeta   `json:",inline"`
		metav1.ObjectMeta `json:"metadata"`
		Spec              struct {
			SelfSigned *struct{} `json:"selfSigned"`
			CA         *struct {
				SecretName string `json:"secretName"`
			} `json:"ca"`
		} `json:"spec"`
	}
	issuerRef struct {
		Kind string `json:"kind"`
		Name string `json:"name"`
	}
)

// The Certificate goes into the Secret that is mounted, names the Service, and is the one whose CA both configurations trust.
func TestCertManagerCertificate(t *testing.T) {
	for values, want := range map[string]issuerRef{
		"cert-manager":        {"Issuer", "podreeve-ca"},
		"cert-manager-issuer": {"ClusterIssuer", "company"},
	} {
		objects := armed(t, values)
		serving := find[certificate](t, objects, "Certificate", "podreeve")
		if mounted := deployment(t, values).Spec.Template.Spec.Volumes[1].Secret.SecretName; serving.Spec.SecretName != mounted {
			t.Errorf("%s: the certificate goes into Secret %s, mounted is %s", values, serving.Spec.SecretName, mounted)
		}
		if serving.Spec.IssuerRef != want {
			t.Errorf("%s: it is issued by %+v, wanted %+v", values, serving.Spec.IssuerRef, want)
		}
		if !slices.Contains(serving.Spec.Usages, "server auth") || serving.Spec.IsCA {
			t.Errorf("%s: it is no server's certificate: %+v", values, serving.Spec)
		}
		if serving.Spec.Duration != "2160h" || serving.Spec.RenewBefore != "720h" {
			t.Errorf("%s: it holds %s and is renewed %s before its end", values, serving.Spec.Duration, serving.Spec.RenewBefore)
		}
		for _, object := range objects {
			webhooks, _ := object.Object["webhooks"].([]any)
			if webhooks == nil {
				continue
			}
			if from := object.GetAnnotations()["cert-manager.io/inject-ca-from"]; from != serving.Namespace+"/"+serving.Name {
				t.Errorf("%s: %s has the CA of %q", values, key(object), from)
			}
			for _, webhook := range webhooks {
				service := webhook.(map[string]any)["clientConfig"].(map[string]any)["service"].(map[string]any)
				if name := service["name"].(string) + "." + service["namespace"].(string) + ".svc"; !slices.Contains(serving.Spec.DNSNames, name) {
					t.Errorf("%s: %s calls %s, the certificate is for %v", values, key(object), name, serving.Spec.DNSNames)
				}
			}
		}
	}
}

// Without an issuer of the user's the chart brings its own: a root that signs itself, and an issuer that signs with it.
func TestCertManagerIssuers(t *testing.T) {
	objects := render(t, "cert-manager")
	root := find[certificate](t, objects, "Certificate", "podreeve-ca")
	if !root.Spec.IsCA || root.Spec.IssuerRef.Kind != "Issuer" {
		t.Errorf("the root is %+v", root.Spec)
	}
	if self := find[issuer](t, objects, "Issuer", root.Spec.IssuerRef.Name); self.Spec.SelfSigned == nil {
		t.Errorf("the root is issued by %s, which is %+v", self.Name, self.Spec)
	}
	signer := find[issuer](t, objects, "Issuer", find[certificate](t, objects, "Certificate", "podreeve").Spec.IssuerRef.Name)
	if signer.Spec.CA == nil || signer.Spec.CA.SecretName != root.Spec.SecretName {
		t.Errorf("the serving certificate is signed by %+v, the root is in Secret %s", signer.Spec.CA, root.Spec.SecretName)
	}
	if serving := find[certificate](t, objects, "Certificate", "podreeve"); serving.Spec.SecretName == root.Spec.SecretName {
		t.Errorf("Secret %s is that of the root too", serving.Spec.SecretName)
	}
	for _, object := range render(t, "cert-manager-issuer") {
		if object.GetKind() == "Issuer" || object.GetName() == "podreeve-ca" {
			t.Errorf("there is an issuer already, but %s is rendered", key(object))
		}
	}
}

// No other mode uses cert-manager.
func TestCertManagerIsAskedOnlyInItsMode(t *testing.T) {
	for _, values := range []string{"default", "everything", "existing-secret", "minimal"} {
		for _, object := range render(t, values) {
			if object.GetAnnotations()["cert-manager.io/inject-ca-from"] != "" || object.GroupVersionKind().Group == "cert-manager.io" {
				t.Errorf("%s: %s needs cert-manager", values, key(object))
			}
		}
	}
}
