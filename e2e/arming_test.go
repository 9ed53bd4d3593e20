package e2e

import (
	"context"
	"encoding/base64"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"podreeve.dev/e2e/harness"
)

const bothConfigurations = "validatingwebhookconfiguration,mutatingwebhookconfiguration"

// arming is a podreeve that is to write the lists of webhooks itself, and all that it needs but the Service.
type arming struct {
	*suite
	server     *harness.Podreeve
	home, team string
	name, file string
}

// The leader arms the cluster once podreeve answers through its Service with a certificate of its CA, keeps the lists right, and
// empties them for an operator in need and when the Deployment goes.
func TestArming(t *testing.T) {
	a := newArming(t)
	// Nothing is armed before podreeve can be called.
	must(t, a.server.AwaitReport(t.Context(), "[+]webhooks: the API server does not call podreeve as the chart says: the Service "+a.home+"/podreeve cannot be read"))
	a.wantWebhooks(t, "")

	a.applyService(t)
	a.awaitArmed(t)
	a.awaitJudged(t, true)
	must(t, a.server.AwaitReport(t.Context(), "[+]webhooks: the API server calls podreeve"))
	a.awaitMetric(t, 1)

	for _, change := range []string{
		`[{"op": "replace", "path": "/webhooks/0/failurePolicy", "value": "Ignore"}]`, `[{"op": "remove", "path": "/webhooks"}]`,
	} {
		kubectl(t, a.suite, "", "patch", "validatingwebhookconfiguration", a.name, "--type=json", "--patch", change)
		a.awaitArmed(t)
	}

	// A file that cannot be read changes nothing.
	must(t, a.WriteFile(a.file, "{"))
	must(t, a.server.AwaitReport(t.Context(), a.file+": "))
	a.wantWebhooks(t, "judge.podreeve.dev")
	a.writeLists(t)
	must(t, a.server.AwaitReport(t.Context(), "[+]webhooks: the API server calls podreeve"))

	a.followsMode(t)
	a.breakGlass(t)
	a.oneIsMissing(t)
	a.deploymentGoes(t)
}

// A certificate that somebody else makes and renews, also with another CA: the leader has both configurations trust the new CA, and the
// former one until every replica serves the new certificate.
func TestArmingKeepsTheCAOfAFile(t *testing.T) {
	dir, first := t.TempDir(), harness.KeyPair{}
	renew := func(a *arming) harness.KeyPair {
		pair, err := harness.NewKeyPair([]string{"podreeve." + a.home + ".svc"}, nil)
		must(t, err)
		for name, text := range map[string][]byte{"ca.crt": pair.CA, "tls.crt": pair.Cert, "tls.key": pair.Key} {
			must(t, a.WriteFile(filepath.Join(dir, name), string(text)))
		}
		return pair
	}
	a := newArmingWith(t, func(a *arming, args ...string) (*harness.Podreeve, error) {
		first = renew(a)
		return a.LaunchWithFiles(dir, append(args, "--webhook-configuration", a.name, "--tls-ca", filepath.Join(dir, "ca.crt"))...)
	})
	a.applyService(t)
	a.awaitWebhooks(t, "clientConfig.caBundle", base64.StdEncoding.EncodeToString(first.CA))
	a.awaitJudged(t, true)
	second := renew(a)
	a.awaitWebhooks(t, "clientConfig.caBundle", base64.StdEncoding.EncodeToString(append(second.CA, first.CA...)))
	a.awaitJudged(t, true)
}

func newArming(t *testing.T) *arming {
	return newArmingWith(t, func(a *arming, args ...string) (*harness.Podreeve, error) {
		return a.LaunchWithSecret("podreeve-tls", a.name, args...)
	})
}

func newArmingWith(t *testing.T, launch func(*arming, ...string) (*harness.Podreeve, error)) *arming {
	s := up(t)
	if !s.Owned {
		t.Skip("writes webhook configurations as an installation does, which is for a cluster of our own")
	}
	must(t, s.InstallCRDs(t.Context()))
	team, err := s.NamespaceWith(t.Context(), "team", nil, map[string]string{"team": "arming"})
	must(t, err)
	a := &arming{suite: s, home: namespace(t, s, "arming", nil), team: team, name: s.Name("arming")}
	a.file = filepath.Join(t.TempDir(), "webhooks.json")
	for _, kind := range []string{"Validating", "Mutating"} {
		a.apply(t, fmt.Sprintf("{apiVersion: admissionregistration.k8s.io/v1, kind: %sWebhookConfiguration, metadata: {name: %s}}", kind, a.name))
	}
	t.Cleanup(func() { must(t, s.Remove(context.Background(), bothConfigurations, a.name)) })
	a.apply(t, deploymentWithoutPods(a.home))
	policies, err := s.WritePolicies(harness.NewPolicy("probe", nil, harness.ProbeRules))
	must(t, err)
	a.server, err = launch(a, "--cluster", "--kubeconfig", s.Kubeconfig, "--namespace", a.home, "--policy", policies,
		"--leader-election-lease", s.NewLease(), "--scan-interval", "0", "--webhooks", a.file, "--deployment", "podreeve", "--drain-delay", "30s")
	must(t, err)
	t.Cleanup(a.server.Stop)
	a.writeLists(t)
	return a
}

func (a *arming) apply(t *testing.T, text string) {
	t.Helper()
	must(t, a.Apply(t.Context(), text))
}

func (a *arming) applyService(t *testing.T) {
	t.Helper()
	a.apply(t, fmt.Sprintf("{apiVersion: v1, kind: Service, metadata: {name: podreeve, namespace: %s}, spec: {type: ExternalName, externalName: 127.0.0.1, ports: [{port: %d}]}}",
		a.home, a.server.Port))
}

// writeLists as the chart mounts them.
func (a *arming) writeLists(t *testing.T) {
	t.Helper()
	must(t, a.WriteFile(a.file, fmt.Sprintf(`{"mutating": [], "validating": [{"name": "judge.podreeve.dev", "clientConfig": {"service": {"name": "podreeve", "namespace": %q, "path": "/validate", "port": %d}},
"rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}], "namespaceSelector": {"matchLabels": {"team": "arming"}},
"failurePolicy": "Fail", "sideEffects": "None", "admissionReviewVersions": ["v1"]}]}`, a.home, a.server.Port)))
}

func (a *arming) webhooks(t *testing.T) string {
	t.Helper()
	return kubectl(t, a.suite, "", "get", bothConfigurations, a.name, "--ignore-not-found", "-o", "jsonpath={.items[*].webhooks[*].name}").Stdout
}

func (a *arming) wantWebhooks(t *testing.T, names string) {
	t.Helper()
	if there := a.webhooks(t); there != names {
		t.Errorf("the configurations have %q, wanted %q", there, names)
	}
}

func (a *arming) awaitWebhooks(t *testing.T, path, want string) {
	t.Helper()
	must(t, harness.Await(t.Context(), fmt.Sprintf("%s of the webhooks is %q", path, want), func(context.Context) (bool, error) {
		said := kubectl(t, a.suite, "", "get", bothConfigurations, a.name, "--ignore-not-found", "-o", "jsonpath={.items[*].webhooks[*]."+path+"}").Stdout
		return said == want, fmt.Errorf("it is %q\n%s", said, a.server.LogTail(10))
	}))
}

func (a *arming) awaitArmed(t *testing.T) {
	t.Helper()
	a.awaitWebhooks(t, "failurePolicy", "Fail")
	must(t, harness.Await(t.Context(), "the webhook trusts a CA", func(context.Context) (bool, error) {
		return kubectl(t, a.suite, "", "get", bothConfigurations, a.name, "--ignore-not-found", "-o", "jsonpath={.items[*].webhooks[*].clientConfig.caBundle}").Stdout != "", nil
	}))
}

func (a *arming) awaitJudged(t *testing.T, judged bool) {
	t.Helper()
	must(t, harness.Await(t.Context(), fmt.Sprintf("a privileged pod is denied: %v", judged), func(ctx context.Context) (bool, error) {
		answer := a.Create(ctx, a.GoodPod(a.team, "bad", harness.Privileged), true)
		if !judged {
			return answer.Err == nil, answer.Err
		}
		return answer.DeniedBy("judge.podreeve.dev") && strings.Contains(answer.Err.Error(), " denied: 1 violation"), answer.Err
	}))
}

func (a *arming) awaitMetric(t *testing.T, value int) {
	t.Helper()
	must(t, harness.Await(t.Context(), "the metric says so", func(ctx context.Context) (bool, error) {
		text, err := a.server.Metrics(ctx)
		for _, hook := range []string{"mutate", "validate"} {
			if line := fmt.Sprintf("podreeve_webhook_configured{hook=%q} %d", hook, value); !strings.Contains(text, line) {
				return false, fmt.Errorf("no line %s (%w)", line, err)
			}
		}
		return true, err
	}))
}

// breakGlass: the annotation empties both lists and keeps them empty, until it is removed.
func (a *arming) breakGlass(t *testing.T) {
	kubectl(t, a.suite, "", "annotate", "validatingwebhookconfiguration", a.name, "podreeve.dev/break-glass=incident 7")
	a.awaitWebhooks(t, "name", "")
	a.awaitJudged(t, false)
	must(t, a.server.AwaitReport(t.Context(), "[+]webhooks: the API server does not call podreeve, because a webhook configuration has the annotation podreeve.dev/break-glass"))
	a.awaitMetric(t, 0)
	a.wantWebhooks(t, "")
	kubectl(t, a.suite, "", "annotate", "validatingwebhookconfiguration", a.name, "podreeve.dev/break-glass-")
	a.awaitArmed(t)
	a.awaitJudged(t, true)
}

// followsMode: a replica denies no more than its Deployment says, which an upgrade changes before it replaces the replica.
func (a *arming) followsMode(t *testing.T) {
	t.Helper()
	setMode(t, a.suite, a.home, `{"mode":"warn"}`)
	must(t, a.server.AwaitReport(t.Context(), "[+]mode: warn (nothing is denied or changed)"))
	a.awaitJudged(t, false)
	setMode(t, a.suite, a.home, "nonsense")
	must(t, a.server.AwaitLog(t.Context(), "podreeve.dev/mode of podreeve's Deployment cannot be read"))
	a.awaitJudged(t, false)
	setMode(t, a.suite, a.home, `{"mode":"deny"}`)
	a.awaitJudged(t, true)
}

// oneIsMissing: without the mutating configuration, the other one is kept right and emptied all the same.
func (a *arming) oneIsMissing(t *testing.T) {
	t.Helper()
	must(t, a.Remove(t.Context(), "mutatingwebhookconfiguration", a.name))
	must(t, a.server.AwaitReport(t.Context(), "the MutatingWebhookConfiguration "+a.name+" is missing; install the chart again"))
	kubectl(t, a.suite, "", "patch", "validatingwebhookconfiguration", a.name, "--type=json", "--patch", `[{"op": "replace", "path": "/webhooks/0/failurePolicy", "value": "Ignore"}]`)
	a.awaitArmed(t)
	kubectl(t, a.suite, "", "annotate", "validatingwebhookconfiguration", a.name, "podreeve.dev/break-glass=incident 8")
	a.awaitWebhooks(t, "name", "")
	kubectl(t, a.suite, "", "annotate", "validatingwebhookconfiguration", a.name, "podreeve.dev/break-glass-")
	a.awaitArmed(t)
}

// deploymentGoes: whoever deletes it wants no webhooks that nothing answers. Its pods may have to end before they see it.
func (a *arming) deploymentGoes(t *testing.T) {
	must(t, a.server.Signal(syscall.SIGTERM))
	must(t, a.server.AwaitLog(t.Context(), "the Lease is released"))
	must(t, a.Remove(t.Context(), "-n", a.home, "deployment", "podreeve"))
	a.awaitWebhooks(t, "name", "")
	must(t, a.server.AwaitReport(t.Context(), "because podreeve's Deployment is being deleted"))
}
