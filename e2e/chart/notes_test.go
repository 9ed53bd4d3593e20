package chart

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
)

// A ConfigMap with what NOTES.txt says: `helm template` does not print it, and `helm upgrade` needs a cluster.
const notesMap = `apiVersion: v1
kind: ConfigMap
metadata: {name: notes}
data:
  notes: |
    {{- tpl (.Files.Get "NOTES.txt") . | nindent 4 }}
`

func notes(t *testing.T, values string, args ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "podreeve")
	if err := os.CopyFS(dir, os.DirFS(Dir())); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "templates", "NOTES.txt"), filepath.Join(dir, "NOTES.txt")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "templates", "notes.yaml"), []byte(notesMap), 0o600); err != nil {
		t.Fatal(err)
	}
	all := append([]string{"template", "podreeve", dir, "--namespace", "podreeve", "--kube-version", KubeVersion, "-f", valuesFile(values)}, args...)
	text, err := helm(t, "helm4").Run(all...)
	if err != nil {
		t.Fatal(err)
	}
	return find[core.ConfigMap](t, parse(t, text), "ConfigMap", "notes").Data["notes"]
}

// What a person reads after the install or the upgrade: the mode, what comes next, and the way out.
func TestNotes(t *testing.T) {
	const upgrade = "helm upgrade podreeve CHART -n podreeve --reuse-values --set "
	for arguments, want := range map[string][]string{
		"default": {"no public image exists yet. `make image`, `buildah push podreeve:dev docker://REGISTRY/podreeve/podreeve:", "Mode warn: nothing is denied", "helm test podreeve -n podreeve", "exec -n podreeve deploy/podreeve -- /podreeve scan", upgrade + "mode=deny,denyFrom=critical",
			"kubectl patch validatingwebhookconfiguration,mutatingwebhookconfiguration podreeve --type=merge", "kubectl label namespace podreeve pod-security.kubernetes.io/enforce=restricted"},
		"default --set mode=audit":                            {"Mode audit: nothing is denied", upgrade + "mode=deny"},
		"default --set mode=deny":                             {"Mode deny (owasp):", upgrade + "mode=warn"},
		"default --set mode=deny,denyFrom=critical":           {"Mode deny from severity critical (owasp):", upgrade + "denyFrom=high"},
		"default --set mode=deny,denyFrom=medium":             {upgrade + "denyFrom=low"},
		"default --set denyAfter=2027-01-31":                  {"WARNING: denyAfter counts in mode deny alone"},
		"default --is-upgrade":                                {"revision 1 of podreeve", "Mode warn: nothing is denied", "helm rollback podreeve -n podreeve"},
		"default --is-upgrade --set mode=deny":                {"Mode deny (owasp):", "helm rollback"},
		"minimal":                                             {"WARNING: with one replica nothing is judged", "WARNING: without `policies`", "Mode warn"},
		"minimal --set mode=deny":                             {"WARNING: with one replica nothing is admitted", "Mode deny (your policies):"},
		"everything":                                          {"Mode deny from severity high after 2027-01-31 (pss-restricted, pss-baseline@v1.30):", "mutatingwebhookconfiguration gatekeeper-of-pods", "gatekeeper-of-pods.podreeve.svc:8443 yet"},
		"existing-secret --set tls.caBundle=":                 {"The API server trusts the CA in `ca.crt` of the Secret"},
		"images":                                              {"WARNING: images.egress does not hold the pods on the ports 443 and 6443"},
		"default --set images.pullSecrets.namespaces[0]=shop": {"WARNING: podreeve reads no pull secrets."},
		"default --set webhook.excludeNamespaces[0]=podreeve": {"leave podreeve to cluster administrators"},
		"everything --is-upgrade --set autoscaling.enabled=false,replicaCount=1,mode=warn,policyFiles=null --set-json policies=[]": {"WARNING: with one replica", "WARNING: denyAfter", "WARNING: without"},
	} {
		words := strings.Fields(arguments)
		text := notes(t, words[0], words[1:]...)
		for _, part := range want {
			if !strings.Contains(text, part) {
				t.Errorf("%s: the notes do not say %q:\n%s", arguments, part, text)
			}
		}
		lines := 0
		for line := range strings.Lines(text) {
			if strings.TrimSpace(line) != "" {
				lines++
			}
		}
		if lines > 15 {
			t.Errorf("%s: %d lines, which are not read:\n%s", arguments, lines, text)
		}
		if isUpgrade := strings.Contains(arguments, "--is-upgrade"); strings.Contains(text, " starts in namespace ") == isUpgrade {
			t.Errorf("%s: an upgrade and an install have the same notes:\n%s", arguments, text)
		}
	}
}
