package release

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"podreeve.dev/e2e/chart"
	"podreeve.dev/e2e/harness"
)

// certManager: cert-manager issues the certificate and has every webhook trust it, from the install on, when the certificate is
// renewed, and when its CA is; meanwhile pods are created, and no request is lost. An upgrade leaves alone what it wrote.
func (r *release) certManager(t *testing.T) {
	needMore(t)
	if r.node == nil {
		t.Skip("e2e: skipped: cert-manager is started only on a cluster of the suite's own")
	}
	r.startCertManager(t)
	r.installed(t, "helm4", "--set", "crds.install=false,tls.mode=certManager")
	r.awaitIssued(t)
	r.awaitCreated(t)
	r.helm(t, "helm4", "test", "podreeve", "--namespace", namespace, "--timeout", "1m")
	r.underTraffic(t, false, func() { r.renew(t, "podreeve", "podreeve-tls") })
	r.underTraffic(t, false, func() {
		r.renew(t, "podreeve-ca", "podreeve-ca")
		r.renew(t, "podreeve", "podreeve-tls") // only now it is signed by the new CA
	})
	if now := r.certificates(t)["ca.crt"]; now != r.secret(t, "podreeve-ca")["tls.crt"] {
		t.Errorf("the certificate is of another CA than the new one: %s", now)
	}
	trusted := r.trusted(t)
	r.helm(t, "helm4", "upgrade", "podreeve", chart.Dir(), "--namespace", namespace, "-f", r.values, "--set", "crds.install=false,tls.mode=certManager,log.level=debug", "--wait", "--timeout", "3m")
	if now := r.trusted(t); now != trusted {
		t.Errorf("the upgrade changed the webhook configurations:\n%s\n%s", trusted, now)
	}
	r.helm(t, "helm4", "uninstall", "podreeve", "--namespace", namespace, "--wait", "--timeout", "3m")
	r.await(t, "the requests to go with their certificates", func() (bool, error) {
		left := r.must(t, "", "get", "certificaterequests", "-n", namespace, "-o", "name")
		return left == "", fmt.Errorf("left: %s", left)
	})
	// cert-manager keeps the Secrets of certificates that are deleted.
	r.must(t, "", "delete", "secret", "podreeve-tls", "podreeve-ca", "-n", namespace)
	r.nothingIsLeft(t)
}

// renew makes cert-manager issue a new certificate, as `cmctl renew` does, and waits until it is in use.
func (r *release) renew(t *testing.T, certificate, secret string) {
	t.Helper()
	before := r.secret(t, secret)["tls.crt"]
	r.must(t, "", "patch", "certificate", certificate, "-n", namespace, "--subresource=status", "--type=json", "--patch",
		`[{"op": "add", "path": "/status/conditions/-", "value": {"type": "Issuing", "status": "True", "reason": "ManuallyTriggered", "message": "by hand"}}]`)
	r.await(t, "a new certificate in Secret "+secret, func() (bool, error) { return r.secret(t, secret)["tls.crt"] != before, nil })
	r.awaitIssued(t)
}

// awaitIssued: every replica serves the certificate that the Secret holds, and every webhook trusts its CA and the ones before it.
func (r *release) awaitIssued(t *testing.T) {
	t.Helper()
	now := r.certificates(t)
	r.awaitServed(t, now)
	r.await(t, "all webhooks trust the Secret's CA", func() (bool, error) {
		trusting := 0
		for bundle := range strings.FieldsSeq(r.must(t, "", "get", configurations, "podreeve", "-o", "jsonpath={.items[*].webhooks[*].clientConfig.caBundle}")) {
			text, err := base64.StdEncoding.DecodeString(bundle)
			if err != nil {
				return false, err
			}
			if strings.Contains(string(text), strings.TrimSpace(now["ca.crt"])) {
				trusting++
			}
		}
		return trusting == r.webhooks(t, configurations), fmt.Errorf("%d do", trusting)
	})
}

// startCertManager runs it next to the cluster until the test ends.
func (r *release) startCertManager(t *testing.T) {
	t.Helper()
	tools, err := harness.EnsureTools(os.Stderr, "cert-manager")
	if err != nil {
		t.Fatal(err)
	}
	source, err := harness.ToolSource("cert-manager", "github.com/cert-manager/cert-manager")
	if err != nil {
		t.Fatal(err)
	}
	crds := filepath.Join(source, "deploy", "crds")
	r.must(t, "", "apply", "--server-side", "-f", crds)
	r.must(t, "", "wait", "-f", crds, "--for=condition=Established", "--timeout=30s")
	words := r.node.Enter(tools.Path("cert-manager"))
	process, err := harness.StartProcess("cert-manager", r.home, words[0], words[1:], []string{"KUBECONFIG=" + r.kubeconfig})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		process.Kill()
		if t.Failed() {
			t.Logf("the end of cert-manager's log:\n%s", process.LogTail(40))
		}
	})
}
