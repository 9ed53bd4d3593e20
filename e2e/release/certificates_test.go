package release

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"podreeve.dev/e2e/harness"
)

const configurations = "validatingwebhookconfiguration,mutatingwebhookconfiguration"

// rotations: a new certificate, and a new CA that is trusted before it signs, while pods are created all the time: until every replica serves
// what is new and every webhook trusts it.
func (r *release) rotations(t *testing.T) {
	r.awaitReplicas(t)
	first := r.certificates(t)
	r.underTraffic(t, false, func() {
		r.must(t, "", "annotate", "secret", "podreeve-tls", "-n", namespace, "podreeve.dev/renew=leaf")
		r.await(t, "a new certificate", func() (bool, error) {
			now := r.certificates(t)
			return now["tls.crt"] != first["tls.crt"] && now["ca.key"] == first["ca.key"], nil
		})
		r.awaitInUse(t)
	})
	second := r.certificates(t)
	r.underTraffic(t, false, func() {
		r.must(t, "", "annotate", "secret", "podreeve-tls", "-n", namespace, "podreeve.dev/renew=ca")
		r.await(t, "a new CA beside the old one", func() (bool, error) {
			now := r.certificates(t)
			return now["ca.key"] != second["ca.key"] && strings.Count(now["ca.crt"], "BEGIN CERTIFICATE") == 2 && now["tls.crt"] == second["tls.crt"], nil
		})
		r.awaitInUse(t)
		r.await(t, "a certificate of the new CA", func() (bool, error) { return r.certificates(t)["tls.crt"] != second["tls.crt"], nil })
		r.awaitInUse(t)
	})
}

// awaitInUse: every replica serves the certificate that the Secret holds, and every webhook trusts the Secret's bundle.
func (r *release) awaitInUse(t *testing.T) {
	t.Helper()
	now := r.certificates(t)
	r.awaitServed(t, now)
	r.awaitTrusted(t, now["ca.crt"])
}

func (r *release) awaitServed(t *testing.T, now map[string]string) {
	t.Helper()
	block, _ := pem.Decode([]byte(now["tls.crt"]))
	if block == nil {
		t.Fatalf("no certificate in the Secret: %q", now["tls.crt"])
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	for _, pod := range r.replicas(t) {
		r.await(t, pod.Name+" serves the new certificate", func() (bool, error) {
			until := r.metricOf(t, pod.Name, "podreeve_certificate_expiry_timestamp_seconds", "")
			return int64(until) == leaf.NotAfter.Unix(), fmt.Errorf("it serves one until %.0f, the Secret holds one until %d", until, leaf.NotAfter.Unix())
		})
	}
}

func (r *release) awaitTrusted(t *testing.T, bundle string) {
	t.Helper()
	want := base64.StdEncoding.EncodeToString([]byte(bundle))
	r.await(t, "all webhooks trust the Secret's bundle", func() (bool, error) {
		trusted := r.must(t, "", "get", configurations, "podreeve", "-o", "jsonpath={.items[*].webhooks[*].clientConfig.caBundle}")
		all := r.webhooks(t, configurations)
		return trusted == strings.TrimSpace(strings.Repeat(want+" ", all)), fmt.Errorf("the %d trust %s", all, trusted)
	})
}

// webhooks counts those of one kind of configuration, or of both.
func (r *release) webhooks(t *testing.T, kind string) int {
	t.Helper()
	path := "{.webhooks[*].name}"
	if kind == configurations {
		path = "{.items[*].webhooks[*].name}"
	}
	return len(strings.Fields(r.must(t, "", "get", kind, "podreeve", "-o", "jsonpath="+path)))
}

// wrongBundle writes another CA into both configurations. It is repaired, and pods are created again.
func (r *release) wrongBundle(t *testing.T) {
	other, err := harness.NewKeyPair([]string{"elsewhere"}, []net.IP{})
	if err != nil {
		t.Fatal(err)
	}
	bundle := base64.StdEncoding.EncodeToString(other.CA)
	for kind := range strings.SplitSeq(configurations, ",") {
		var patch []string
		for n := range r.webhooks(t, kind) {
			patch = append(patch, fmt.Sprintf(`{"op": "replace", "path": "/webhooks/%d/clientConfig/caBundle", "value": %q}`, n, bundle))
		}
		r.must(t, "", "patch", kind, "podreeve", "--type=json", "--patch", "["+strings.Join(patch, ",")+"]")
	}
	r.awaitTrusted(t, r.certificates(t)["ca.crt"])
	r.awaitCreated(t)
}

// certificates that podreeve serves with, by the keys of their Secret.
func (r *release) certificates(t *testing.T) map[string]string {
	t.Helper()
	return r.secret(t, "podreeve-tls")
}

// secret in podreeve's namespace.
func (r *release) secret(t *testing.T, name string) map[string]string {
	t.Helper()
	secret, err := r.client.CoreV1().Secrets(namespace).Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for key, bytes := range secret.Data {
		texts[key] = string(bytes)
	}
	return texts
}

// trusted is each configuration's generation, and what its webhooks trust.
func (r *release) trusted(t *testing.T) string {
	t.Helper()
	return r.must(t, "", "get", configurations, "podreeve", "-o",
		"jsonpath={range .items[*]}{.metadata.generation} {.webhooks[*].clientConfig.caBundle}{\"\\n\"}{end}")
}

// existingSecret installs it with a certificate that exists already.
func (r *release) existingSecret(t *testing.T) {
	pair, err := harness.NewKeyPair([]string{"podreeve." + namespace + ".svc"}, []net.IP{})
	if err != nil {
		t.Fatal(err)
	}
	secret := &core.Secret{ObjectMeta: metav1.ObjectMeta{Name: "serving"}, Data: map[string][]byte{"tls.crt": pair.Cert, "tls.key": pair.Key}}
	if _, err := r.client.CoreV1().Secrets(namespace).Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	ca := r.home + "/ca.crt"
	if err := os.WriteFile(ca, pair.CA, 0o600); err != nil {
		t.Fatal(err)
	}
	r.installed(t, "helm4", "--set", "crds.install=false,tls.mode=existingSecret,tls.secretName=serving", "--set-file", "tls.caBundle="+ca)
	r.helm(t, "helm4", "test", "podreeve", "--namespace", namespace, "--timeout", "1m")
	r.helm(t, "helm4", "uninstall", "podreeve", "--namespace", namespace, "--wait", "--timeout", "3m")
	r.nothingIsLeft(t)
}
