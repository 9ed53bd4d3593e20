package e2e

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"podreeve.dev/e2e/harness"
)

// The same pods in each mode: denied and repaired in mode deny, only warned of in mode warn, and only noted in mode audit.
func TestModes(t *testing.T) {
	s := up(t)
	if !s.Owned {
		t.Skip("registers a webhook for the Exemptions of the whole cluster")
	}
	must(t, s.InstallCRDs(t.Context()))
	cert, err := s.NewCertificate()
	must(t, err)
	strict, err := s.StartPodreeveWith(t.Context(), cert)
	must(t, err)
	hook := s.NewHook().WithPolicies()
	must(t, s.Register(t.Context(), hook, strict.URL(), strict.CA))
	ns := namespace(t, s, "mode", hook)
	wantDenied(t, s.Create(t.Context(), s.GoodPod(ns, "bad", harness.Privileged), false), "privileged")
	wantSelftest(t, s, ns, "deny", 0)
	wantSelftest(t, s, ns, "warn", 1)
	strict.Stop()

	for _, mode := range []string{"warn", "audit"} {
		t.Run(mode, func(t *testing.T) {
			server, err := strict.Again(t.Context(), "--mode", mode)
			must(t, err)
			defer server.Stop()
			must(t, server.AwaitReport(t.Context(), "[+]mode: "+mode))
			belowDeny(t, s, ns, mode == "warn")
			for _, tried := range []string{"audit", "warn", "deny"} {
				wantSelftest(t, s, ns, tried, map[bool]int{true: 0, false: 1}[tried == mode])
			}
		})
	}
	t.Run("deny from critical", func(t *testing.T) {
		server, err := strict.Again(t.Context(), "--deny-from", "critical")
		must(t, err)
		defer server.Stop()
		wantDenied(t, s.Create(t.Context(), s.GoodPod(ns, "bad", harness.Privileged), false), "privileged")
		rooted := created(t, s, s.GoodPod(ns, "rooted", harness.Container(func(container map[string]any) {
			unstructured.RemoveNestedField(container, "resources", "limits", "memory")
		})))
		wantWarning(t, rooted, "memory-limit would be denied with denyFrom medium")
	})
	t.Run("deny after a day that is far", func(t *testing.T) {
		server, err := strict.Again(t.Context(), "--deny-after", "2999-12-31")
		must(t, err)
		defer server.Stop()
		wantWarning(t, created(t, s, s.GoodPod(ns, "bad", harness.Privileged)), "privileged will be denied after 2999-12-31")
	})
}

// belowDeny: bad pods and templates are stored as they are, and the audit log has what mode deny would have done.
func belowDeny(t *testing.T, s *suite, ns string, warns bool) {
	t.Helper()
	bad := s.GoodPod(ns, "bad", harness.Privileged)
	template := harness.WorkloadOf("Deployment").Wrap(s.GoodPod(ns, "bad", harness.Privileged), ns, s.Name("bad"))
	unrepaired := s.GoodPod(ns, "unrepaired", harness.Unprofiled)
	for _, object := range []*harness.Object{bad, template, unrepaired} {
		answer := created(t, s, object)
		if object == unrepaired {
			if len(answer.Warnings) > 0 {
				t.Errorf("what would be repaired needs no action: %q", answer.Warnings)
			}
		} else if got := warnsOf(answer.Warnings, "privileged would be denied in mode deny"); got != warns {
			t.Errorf("%s: a warning was %v, wanted %v: %q", object.GetKind(), got, warns, answer.Warnings)
		}
		if !warns && len(answer.Warnings) > 0 {
			t.Errorf("%s: warned of in mode audit: %q", object.GetKind(), answer.Warnings)
		}
	}
	stored := s.Get(t.Context(), unrepaired)
	must(t, stored.Err)
	if profile, found, _ := unstructured.NestedMap(stored.Object.Object, "spec", "securityContext", "seccompProfile"); found {
		t.Errorf("the pod was changed: %v", profile)
	}
	wantAudited(t, s, bad, "would-deny", "privileged")
	wantAudited(t, s, template, "would-deny", "privileged")
	wantAudited(t, s, unrepaired, "would-patch", "seccomp-profile")
	wantAudited(t, s, bad, map[bool]string{true: "warned", false: "audited"}[warns], "privileged")
}

func wantSelftest(t *testing.T, s *suite, ns, mode string, code int) {
	t.Helper()
	said, err := s.PodreeveCommand(t.Context(), "", "selftest", "--kubeconfig", s.Kubeconfig, "--namespace", ns, "--wait", "0s", "--mode", mode)
	must(t, err)
	if said.Code != code {
		t.Errorf("selftest --mode %s: wanted code %d: %s", mode, code, said)
	}
}

// An upgrade to a softer mode: the old replica still gets requests while it drains, and denies none of them.
func TestSofterModeHoldsWhileAReplicaDrains(t *testing.T) {
	s := up(t)
	if !s.Owned {
		t.Skip("makes a Deployment, which is for a cluster of our own")
	}
	must(t, s.InstallCRDs(t.Context()))
	home := namespace(t, s, "home", nil)
	must(t, s.Apply(t.Context(), deploymentWithoutPods(home)))
	cert, err := s.NewCertificate()
	must(t, err)
	// It arms nothing, because there is no such configuration.
	leaving, err := s.StartPodreeveWith(t.Context(), cert, "--drain-delay", "3s", "--cluster", "--kubeconfig", s.Kubeconfig, "--namespace", home,
		"--leader-election-lease", s.NewLease(), "--scan-interval", "0", "--webhook-configuration", s.Name("none"), "--webhooks", filepath.Join(t.TempDir(), "none"),
		"--deployment", "podreeve")
	must(t, err)
	staying, err := s.StartPodreeveWith(t.Context(), cert, "--mode", "warn")
	must(t, err)
	service, err := s.StartService(leaving, staying)
	must(t, err)
	hook := s.NewHook()
	must(t, s.Register(t.Context(), hook, s.WebhookURL(service.Port()), cert.CA))
	ns := namespace(t, s, "drain", hook)
	bad := func() harness.Answer {
		return s.Create(context.Background(), s.GoodPod(ns, "bad", harness.Privileged), true)
	}
	wantDenied(t, bad(), "privileged")

	// Helm applies the Deployment, and replaces its replicas then.
	setMode(t, s, home, `{"mode":"warn"}`)
	must(t, leaving.AwaitReport(t.Context(), "[+]mode: warn"))
	must(t, leaving.Signal(syscall.SIGTERM))
	// The replica that leaves hands requests over, so the other one may answer all of them.
	for leaving.Exited() == nil {
		answer := bad()
		wantAdmitted(t, answer)
		wantWarning(t, answer, "would deny")
	}
	wantAdmitted(t, bad())
}

func deploymentWithoutPods(ns string) string {
	return fmt.Sprintf(`{apiVersion: apps/v1, kind: Deployment, metadata: {name: podreeve, namespace: %s}, spec: {replicas: 0, selector: {matchLabels: {a: b}},
template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: a}]}}}}`, ns)
}

// setMode changes the annotation of podreeve's Deployment, as an upgrade of the chart does.
func setMode(t *testing.T, s *suite, ns, mode string) {
	t.Helper()
	said := kubectl(t, s, "", "annotate", "--overwrite", "deployment", "podreeve", "-n", ns, "podreeve.dev/mode="+mode)
	if said.Code != 0 {
		t.Fatal(said)
	}
}

// The scan judges as mode deny does, whatever mode runs: operators look at it before they switch.
func TestScanSaysWhatModeDenyWouldDeny(t *testing.T) {
	s := up(t)
	if !s.Owned {
		t.Skip("installs CRDs, which is for a cluster of our own")
	}
	must(t, s.InstallCRDs(t.Context()))
	ns := namespace(t, s, "scanned", nil)
	created(t, s, s.GoodPod(ns, "bad", harness.Privileged))
	policy := map[string]string{"only": fmt.Sprintf("{match: {namespaces: [%s]}, rules: {privileged: {action: deny}}}", ns)}
	server, err := s.StartInCluster(t.Context(), policy, "--mode", "audit", "--deny-after", "2999-12-31", "--scan-interval", "1h")
	must(t, err)
	t.Cleanup(server.Stop)
	must(t, harness.Await(t.Context(), "the scan to find what would be denied", func(ctx context.Context) (bool, error) {
		text, err := server.Metrics(ctx)
		return strings.Contains(text, `podreeve_scan_findings{result="fail"} 1`) && strings.Contains(text, `podreeve_mode{deny_from="low",mode="audit"} 1`), err
	}))
}
