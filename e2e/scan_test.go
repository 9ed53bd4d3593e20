package e2e

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"podreeve.dev/e2e/harness"
)

// shop is a namespace without a webhook, with a Deployment of privileged pods, and a good pod.
type shop struct {
	namespace  string
	deployment *harness.Object
	objects    []*harness.Object
}

func (s *suite) shop(t *testing.T) shop {
	t.Helper()
	ns := namespace(t, s, "shop", nil)
	bad := func(kind, name string, owner *harness.Object) *harness.Object {
		object := harness.WorkloadOf(kind).Wrap(s.GoodPod(ns, name, harness.Privileged), ns, name)
		if owner != nil {
			object.SetOwnerReferences([]metav1.OwnerReference{*metav1.NewControllerRef(owner, owner.GroupVersionKind())})
		}
		return created(t, s, object).Object
	}
	deployment := bad("Deployment", "web", nil)
	replicas := bad("ReplicaSet", "web-1", deployment)
	made := shop{ns, deployment, []*harness.Object{deployment, replicas, bad("Pod", "web-1-a", replicas), bad("Pod", "web-1-b", replicas)}}
	created(t, s, s.GoodPod(ns, "good"))
	return made
}

// only is the spec of a policy with these rules in these namespaces.
func only(rules string, namespaces ...string) string {
	return fmt.Sprintf("{match: {namespaces: [%s]}, rules: %s}", strings.Join(namespaces, ", "), rules)
}

type report struct {
	Metadata metav1.ObjectMeta
	Source   string
	Scope    struct{ Kind, Name string }
	Summary  struct{ Pass, Fail, Warn, Error, Skip int }
	Results  []struct {
		Source, Policy, Rule, Category, Severity, Result, Message string
		Scored                                                    bool
		Timestamp                                                 struct{ Seconds int64 }
		Resources                                                 []struct{ APIVersion, Kind, Namespace, Name, UID string }
		Properties                                                map[string]string
	}
}

// scans waits until a podreeve has done n scans more.
func scans(t *testing.T, server *harness.Podreeve, n int) {
	t.Helper()
	count := func() int { return strings.Count(server.Log(), "a scan is done") }
	want := count() + n
	must(t, harness.Await(t.Context(), fmt.Sprintf("%d scans", want), func(context.Context) (bool, error) {
		return count() >= want, cmp.Or(server.Exited(), fmt.Errorf("%d are done", count()))
	}))
}

func (s *suite) report(ctx context.Context, api harness.ReportAPI, ns string) (report, error) {
	var found report
	said, err := s.Kubectl(ctx, "", "get", api.Resource(), "-n", ns, "podreeve", "-o", "json")
	if err != nil || said.Code != 0 {
		return found, cmp.Or(err, fmt.Errorf("%s", said))
	}
	return found, json.Unmarshal([]byte(said.Stdout), &found)
}

// The leader scans, and no other replica. It waits for the CRD, writes a report where something is wrong, leaves it alone
// as long as nothing changes, and takes it away when all is well.
//
// Not at the same time as other tests: their Policies would be in force here, too.
func TestScanWritesReports(t *testing.T) {
	for name, api := range map[string]harness.ReportAPI{"openreports": harness.OpenReports, "wgpolicy": harness.WgPolicy} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := up(t)
			if !s.Owned {
				t.Skip("installs CRDs, which is for a cluster of our own")
			}
			shop, clean := s.shop(t), namespace(t, s, "clean", nil)
			created(t, s, s.GoodPod(clean, "good"))
			secretive, pod := s.plant(t)
			rules := "{privileged: {action: deny}, image-digest: {action: off}, env-secrets: {action: deny}, runtime-socket: {action: deny}}"
			policy := map[string]string{"ours": only(rules, shop.namespace, clean, secretive)}
			server, err := s.StartInCluster(t.Context(), policy, "--scan-interval", "1s", "--scan-rate", "200", "--reports", name)
			must(t, err)
			t.Cleanup(server.Stop)
			must(t, server.AwaitLog(t.Context(), "is not installed"))
			s.uninstall(t, s.Kubeconfig, name, api.Resource()+": not installed")
			scans(t, server, 2)
			if count := strings.Count(server.Log(), "is not installed"); count != 1 {
				t.Errorf("said %d times that the CRD is not installed", count)
			}

			must(t, s.InstallReports(t.Context(), api))
			var first report
			must(t, harness.Await(t.Context(), "a report", func(ctx context.Context) (bool, error) {
				first, err = s.report(ctx, api, shop.namespace)
				return err == nil, err
			}))
			wantReport(t, first, shop)
			if name == "openreports" && first.Source != "podreeve" {
				t.Errorf("its source is %q", first.Source)
			}

			// Nothing has changed: nothing is written.
			scans(t, server, 2)
			again, err := s.report(t.Context(), api, shop.namespace)
			must(t, err)
			if again.Metadata.ResourceVersion != first.Metadata.ResourceVersion {
				t.Errorf("an unchanged report was written again: version %s, then %s", first.Metadata.ResourceVersion, again.Metadata.ResourceVersion)
			}
			if found, err := s.report(t.Context(), api, clean); err == nil {
				t.Errorf("a namespace without findings has a report: %+v", found)
			}
			wantEvents(t, s, shop)
			wantNoSecret(t, s, server, api, secretive)

			for _, object := range append(shop.objects, pod) {
				must(t, s.Delete(t.Context(), object).Err)
			}
			for _, ns := range []string{shop.namespace, secretive} {
				must(t, harness.Await(t.Context(), "the report goes", func(ctx context.Context) (bool, error) {
					_, err := s.report(ctx, api, ns)
					return err != nil && strings.Contains(err.Error(), "NotFound"), err
				}))
			}
			server.Stop()
			uninstalls(t, s, name, api, clean)
		})
	}
}

// The Deployment, its ReplicaSet and two pods are one result.
func wantReport(t *testing.T, found report, shop shop) {
	t.Helper()
	if found.Metadata.Labels["app.kubernetes.io/managed-by"] != "podreeve" || found.Scope.Kind != "Namespace" || found.Scope.Name != shop.namespace {
		t.Errorf("labels %v, scope %+v", found.Metadata.Labels, found.Scope)
	}
	if found.Summary.Fail != 1 || found.Summary.Warn+found.Summary.Error+found.Summary.Skip != 0 || len(found.Results) != 1 {
		t.Fatalf("want one failure, got %+v and %d results: %+v", found.Summary, len(found.Results), found.Results)
	}
	result := found.Results[0]
	if result.Source != "podreeve" || result.Policy != "ours" || result.Rule != "privileged" || result.Result != "fail" || result.Severity != "critical" || !result.Scored ||
		result.Category != "OWASP item 59" || result.Timestamp.Seconds == 0 || !strings.Contains(result.Message, "spec.template.spec.containers[0].securityContext.privileged: found true") {
		t.Errorf("the result is %+v", result)
	}
	if result.Properties["effect"] != "deny" || result.Properties["containerKind"] != "containers" || result.Properties["object"] != "Deployment" {
		t.Errorf("its properties are %v", result.Properties)
	}
	if len(result.Resources) != 1 || result.Resources[0].Kind != "Deployment" || result.Resources[0].Name != "web" || result.Resources[0].UID != string(shop.deployment.GetUID()) {
		t.Errorf("its subject is %+v", result.Resources)
	}
}

// One event, on the Deployment, however often was scanned.
func wantEvents(t *testing.T, s *suite, shop shop) {
	t.Helper()
	events := s.events(t, shop.namespace)
	event := events["privileged"]
	if len(events) != 1 {
		t.Fatalf("want one event, got %+v", events)
	}
	if event.InvolvedObject.Kind != "Deployment" || event.InvolvedObject.Name != "web" || event.InvolvedObject.UID != string(shop.deployment.GetUID()) ||
		event.Reason != "PolicyViolation" || event.Type != "Warning" || event.Count != 1 ||
		event.ReportingComponent != "podreeve.dev/scan" || !strings.Contains(event.Message, "privileged (critical), container") {
		t.Errorf("the event is %+v", event)
	}
}

// Pods that the labels of their namespace deny are never there: their Deployment shows it, as it does for rules.
func TestScanByLabels(t *testing.T) {
	t.Parallel()
	s := up(t)
	if !s.Owned {
		t.Skip("Pod Security labels are enforced by that cluster itself; this needs one of our own")
	}
	ns, err := s.NamespaceWith(t.Context(), "labelled", nil, map[string]string{enforce: "restricted"})
	must(t, err)
	created(t, s, harness.WorkloadOf("Deployment").Wrap(s.GoodPod(ns, "web", harness.Privileged), ns, "web"))
	policy := map[string]string{"labels": "{match: {namespaces: [" + ns + "]}, podSecurityLabels: true, rules: {}}"}
	server, err := s.StartInCluster(t.Context(), policy, "--scan-interval", "1s", "--scan-rate", "200")
	must(t, err)
	t.Cleanup(server.Stop)
	scans(t, server, 2)
	text, err := server.Metrics(t.Context())
	must(t, err)
	if worst := fmt.Sprintf("podreeve_scan_namespace_violations{namespace=%q} ", ns); !strings.Contains(text, worst) {
		t.Errorf("want %s", worst)
	}
	events := s.events(t, ns)
	for _, rule := range []string{"privileged", "allow-privilege-escalation"} {
		if event := events[rule]; event.InvolvedObject.Kind != "Deployment" || event.InvolvedObject.Name != "web" || event.Reason != "PolicyViolation" || len(events) != 2 {
			t.Errorf("want one event on the Deployment for %s, got %+v", rule, events)
		}
	}
}

// Of two replicas one scans. It is killed: the other one does.
func TestOnlyTheLeaderScans(t *testing.T) {
	t.Parallel()
	s := up(t)
	shop, lease := s.shop(t), s.NewLease()
	policy := map[string]string{"ours": only(denyPrivileged, shop.namespace)}
	start := func(identity string) *harness.Podreeve {
		server, err := s.StartInCluster(t.Context(), policy, "--scan-interval", "1s", "--scan-rate", "200", "--leader-election-lease", lease, "--identity", identity)
		must(t, err)
		t.Cleanup(server.Stop)
		return server
	}
	first := start("first")
	must(t, s.AwaitLeader(t.Context(), lease, "first"))
	second := start("second")
	scans(t, first, 4) // the second begins its own after one, if it does
	worst := fmt.Sprintf("podreeve_scan_namespace_violations{namespace=%q} 1\n", shop.namespace)
	for server, leads := range map[*harness.Podreeve]bool{first: true, second: false} {
		text, err := server.Metrics(t.Context())
		must(t, err)
		if strings.Contains(text, worst) != leads || strings.Contains(text, "podreeve_scan_last_completed_timestamp_seconds 0\n") == leads {
			t.Errorf("leads: %v, and its metrics are\n%s", leads, text)
		}
	}
	if strings.Contains(second.Log(), "a scan is done") {
		t.Error("a replica scans that does not lead")
	}
	first.Kill()
	scans(t, second, 1)
}

// The rights that deploy/install.yaml gives are enough to lead, to scan, and to write reports.
func TestScanWithTheRightsOfTheInstallation(t *testing.T) {
	t.Parallel()
	s := up(t)
	if !s.Owned {
		t.Skip("makes cluster roles, which is for a cluster of our own")
	}
	home, kubeconfig := installedRights(t, s)
	shop := s.shop(t)
	policies, err := s.WritePolicies(harness.NewPolicy("ours", map[string][]string{"namespaces": {shop.namespace}}, map[string]harness.RuleSetting{"privileged": {Action: "deny"}}))
	must(t, err)
	server, err := s.StartPodreeve(t.Context(), "--cluster", "--kubeconfig", kubeconfig, "--namespace", home, "--policy", policies, "--scan-interval", "1s", "--scan-rate", "200")
	must(t, err)
	t.Cleanup(server.Stop)
	scans(t, server, 2)
	wantEvents(t, s, shop)
	if log := server.Log(); strings.Contains(log, "forbidden") {
		t.Errorf("something was refused:\n%s", log)
	}
}
