package release

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"

	"podreeve.dev/e2e/chart"
	"podreeve.dev/e2e/harness"
)

const (
	namespace = "podreeve" // podreeve's own
	shop      = "shop"     // where its users work
	before    = "before"   // where somebody worked before it was there
	ours      = "app.kubernetes.io/part-of=podreeve"
)

type step struct {
	name string
	run  func(*testing.T)
}

// The life of a release, in order: each step needs the steps before it.
func TestRelease(t *testing.T) {
	r := begin(t)
	r.steps(t, []step{
		{"Manifests", r.manifests}, {"Install", r.install}, {"WarnsFirst", r.warnsFirst}, {"Denies", r.denies}, {"BadIsDenied", r.badIsDenied}, {"GoodRuns", r.goodRuns}, {"Exec", r.exec}, {"Debug", r.debug},
		{"Scan", r.scan}, {"Commands", r.commands}, {"PidsLimit", r.pidsLimit}, {"Rights", r.rights}, {"Upgrade", r.upgrade}, {"Softens", r.softens}, {"Rotations", r.rotations}, {"WrongBundle", r.wrongBundle},
		{"KilledLeader", r.killedLeader}, {"Drain", r.drain}, {"BreakGlass", r.breakGlass}, {"Uninstall", r.uninstall},
	})
}

// TestInstalls has the ways in which a release begins and ends, one after the other. It needs no step of TestRelease, so it can
// run on a node of its own at the same time.
func TestInstalls(t *testing.T) {
	r := begin(t)
	r.steps(t, []step{
		{"FirstInstall", r.firstInstall}, {"Images", r.images},
		{"BrokenImage", r.brokenImage}, {"HookWithoutImage", r.hookWithoutImage}, {"BrokenLater", r.brokenLater}, {"Helm3", r.helm3}, {"ExistingSecret", r.existingSecret},
		{"CertManager", r.certManager}, {"UninstallWithCRDs", r.uninstallWithCRDs}, {"NamespaceDeleted", r.namespaceDeleted},
	})
}

func begin(t *testing.T) *release {
	t.Helper()
	c := need(t)
	r := &release{target: c, client: c.client(t)}
	t.Cleanup(func() { r.remove(t) })
	return r
}

func (r *release) steps(t *testing.T, steps []step) {
	t.Helper()
	for _, step := range steps {
		if !t.Run(step.name, step.run) {
			t.Fatalf("%s failed, and the steps after it stand on it\n%s", step.name, r.about(t))
		}
	}
}

type release struct {
	*target
	client *kubernetes.Clientset
	values string // file
	// reports: their definition was installed here.
	reports bool
}

// manifests: the API server takes what the chart renders with every switch on, and deploy/install.yaml.
func (r *release) manifests(t *testing.T) {
	r.namespaces(t)
	plain, err := os.ReadFile(filepath.Join(chart.Root(), "deploy", "install.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	// Those two kinds are the Prometheus operator's.
	everything := r.helm(t, "helm4", "template", "podreeve", chart.Dir(), "--namespace", namespace, "--kube-version", chart.KubeVersion, "--no-hooks",
		"-f", filepath.Join(chart.Root(), "e2e", "chart", "testdata", "values", "everything.yaml"),
		"--set", "serviceMonitor.enabled=false,prometheusRule.enabled=false,priorityClassName=system-cluster-critical,test.namespace="+shop)
	for _, text := range []string{string(plain), everything} {
		r.must(t, text, "apply", "--server-side", "--dry-run=server", "-f", "-")
	}
}

// namespaces makes those that are not there.
func (r *release) namespaces(t *testing.T) {
	t.Helper()
	for _, name := range []string{namespace, shop, before} {
		r.must(t, "{apiVersion: v1, kind: Namespace, metadata: {name: "+name+"}}", "apply", "-f", "-")
	}
}

// firstInstall leaves what every uninstall leaves: the definitions, which the steps after it do not install.
func (r *release) firstInstall(t *testing.T) {
	r.namespaces(t)
	r.workBefore(t)
	r.writeValues(t)
	r.installed(t, "helm4")
	r.uninstalled(t)
	r.nothingIsLeft(t)
}

// install has podreeve make its own certificates and warn, as the chart does by default, and runs the chart's own test.
func (r *release) install(t *testing.T) {
	r.workBefore(t)
	r.writeValues(t)
	r.installed(t, "helm4", "--set", with+",mode=warn")
	r.helm(t, "helm4", "test", "podreeve", "--namespace", namespace, "--timeout", "1m", "--logs")
}

func (r *release) writeValues(t *testing.T) {
	t.Helper()
	colon := strings.LastIndex(r.image, ":")
	values, err := yaml.Marshal(map[string]any{
		"mode":  "deny", // which the first install leaves out
		"image": map[string]any{"repository": r.image[:colon], "tag": r.image[colon+1:]},
		"test":  map[string]any{"namespace": shop},
		"rbac":  map[string]any{"nodesConfigz": true}, // so that whatever is forbidden is a right that the chart forgot
	})
	if err != nil {
		t.Fatal(err)
	}
	r.values = r.home + "/values.yaml"
	if err := os.WriteFile(r.values, values, 0o600); err != nil {
		t.Fatal(err)
	}
}

// manifest of testdata with the image filled in.
func (r *release) manifest(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), "IMAGE", r.image)
}

func (r *release) badIsDenied(t *testing.T) {
	for document := range strings.SplitSeq(r.manifest(t, "bad.yaml"), "\n---\n") {
		var object struct{ Metadata struct{ Name string } }
		if err := yaml.Unmarshal([]byte(document), &object); err != nil {
			t.Fatal(err)
		}
		said := r.kubectl(t, document, "create", "-n", shop, "-f", "-")
		// The first is the name of the object, the second the rule.
		if said.code == 0 || !strings.Contains(said.err, "denied the request") || strings.Count(said.err, object.Metadata.Name) < 2 {
			t.Errorf("wanted it denied by %s: %s", object.Metadata.Name, said)
		}
	}
	if there := r.must(t, "", "get", "all,cronjobs", "-n", shop, "-o", "name"); there != "" {
		t.Errorf("something bad was let in: %s", there)
	}
}

// goodRuns: what is good is let in, what is careless is repaired, and both really run.
func (r *release) goodRuns(t *testing.T) {
	r.must(t, r.manifest(t, "good.yaml"), "apply", "-n", shop, "-f", "-")
	r.must(t, r.manifest(t, "careless.yaml"), "apply", "-n", shop, "-f", "-")
	r.must(t, "", "rollout", "status", "deployment/good", "-n", shop, "--timeout=90s")
	r.must(t, "", "wait", "pod/careless", "-n", shop, "--for=condition=Ready", "--timeout=90s")
	repaired := r.must(t, "", "get", "pod/careless", "-n", shop, "-o", "jsonpath={.spec.containers[0].securityContext.allowPrivilegeEscalation}")
	if repaired != "false" {
		t.Errorf("the careless pod's allowPrivilegeEscalation is %q, wanted false", repaired)
	}
}

// exec is admitted, and podreeve has judged it.
func (r *release) exec(t *testing.T) {
	before := r.metric(t, `operation="CONNECT"`)
	if out := r.must(t, "", "exec", "-n", shop, "deployment/good", "--", "/podreeve", "version"); !strings.Contains(out, "podreeve") {
		t.Errorf("exec printed %q", out)
	}
	if after := r.metric(t, `operation="CONNECT"`); after <= before {
		t.Errorf("podreeve answered %d CONNECT requests before the exec and %d after it", before, after)
	}
}

// metric sums a label of podreeve_admission_requests_total over all replicas.
func (r *release) metric(t *testing.T, label string) int {
	t.Helper()
	sum := 0
	for _, pod := range r.replicas(t) {
		sum += int(r.metricOf(t, pod.Name, "podreeve_admission_requests_total{", label))
	}
	return sum
}

// metricOf sums those series of a replica that begin so and have the label.
func (r *release) metricOf(t *testing.T, pod, begins, label string) (sum float64) {
	t.Helper()
	text := ""
	// A connection to a pod that is new waits until the replicas know it.
	r.await(t, "the metrics of "+pod, func() (bool, error) {
		said := r.kubectl(t, "", "get", "--raw", fmt.Sprintf("/api/v1/namespaces/%s/pods/%s:8080/proxy/metrics", namespace, pod))
		text = said.out
		return said.code == 0, errors.New(said.String())
	})
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, begins) && strings.Contains(line, label) {
			var value float64
			if _, err := fmt.Sscan(line[strings.LastIndex(line, " ")+1:], &value); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			sum += value
		}
	}
	return sum
}

func (r *release) replicas(t *testing.T) []core.Pod {
	t.Helper()
	pods, err := r.client.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{LabelSelector: ours + ",app.kubernetes.io/component=webhook"})
	if err != nil {
		t.Fatal(err)
	}
	return pods.Items
}

// debug containers are judged like all others.
func (r *release) debug(t *testing.T) {
	said := r.kubectl(t, "", "debug", "pod/careless", "-n", shop, "--image", r.image, "--profile", "sysadmin", "--container", "root", "--attach=false", "--", "/podreeve", "version")
	if said.code == 0 || !strings.Contains(said.err, "critical privileged") {
		t.Errorf("wanted a privileged debug container refused: %s", said)
	}
	custom := r.home + "/custom.json"
	if err := os.WriteFile(custom, []byte(`{"securityContext":{"readOnlyRootFilesystem":true}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	r.must(t, "", "debug", "pod/careless", "-n", shop, "--image", r.image, "--profile", "restricted", "--custom", custom, "--container", "harmless",
		"--image-pull-policy", "IfNotPresent", "--attach=false", "--", "/podreeve", "version")
	const ended = `jsonpath={.status.ephemeralContainerStatuses[?(@.name=="harmless")].state.terminated.exitCode}=0`
	r.must(t, "", "wait", "pod/careless", "-n", shop, "--for="+ended, "--timeout=90s")
}

// rights: the chart gives podreeve every right that its requests need.
func (r *release) rights(t *testing.T) {
	logs := r.must(t, "", "logs", "-n", namespace, "-l", ours+",app.kubernetes.io/component=webhook", "--tail=-1", "--prefix")
	if !strings.Contains(logs, "serving") {
		t.Errorf("these are not the logs of podreeve:\n%s", logs)
	}
	for line := range strings.Lines(logs) {
		if strings.Contains(line, "forbidden") || strings.Contains(line, "Forbidden") {
			t.Errorf("podreeve may not do what it tries: %s", line)
		}
	}
}

// pod of testdata/careless.yaml, which is repaired and let in.
func (r *release) pod(t *testing.T, change func(*core.Pod)) *core.Pod {
	t.Helper()
	pod := &core.Pod{}
	if err := yaml.UnmarshalStrict([]byte(r.manifest(t, "careless.yaml")), pod); err != nil {
		t.Fatal(err)
	}
	pod.Name, pod.GenerateName = "", "traffic-"
	change(pod)
	return pod
}

// careful is a pod that needs no repair. Repairs are left out when podreeve does not answer (failurePolicy Ignore), and what needs one is then denied.
func (r *release) careful(t *testing.T) *core.Pod {
	t.Helper()
	return r.pod(t, func(pod *core.Pod) {
		no, context := false, pod.Spec.Containers[0].SecurityContext
		context.AllowPrivilegeEscalation = &no
		context.SeccompProfile = &core.SeccompProfile{Type: core.SeccompProfileTypeRuntimeDefault}
	})
}

// dryRun has the API server ask podreeve about a pod, and create none.
func (r *release) dryRun(t *testing.T, namespace string, pod *core.Pod) error {
	t.Helper()
	_, err := r.client.CoreV1().Pods(namespace).Create(t.Context(), pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	return err
}

// awaitCreated: a pod that has to be repaired is let in, so both webhooks are called.
func (r *release) awaitCreated(t *testing.T) {
	t.Helper()
	careless := r.pod(t, func(*core.Pod) {})
	r.await(t, "a pod is created again", func() (bool, error) {
		err := r.dryRun(t, shop, careless)
		return err == nil, err
	})
}

// underTraffic does something while others create good and bad pods.
func (r *release) underTraffic(t *testing.T, unheardToo bool, do func()) {
	t.Helper()
	privileged := true
	good := r.pod(t, func(*core.Pod) {})
	if unheardToo {
		good = r.careful(t)
	}
	bad := r.pod(t, func(pod *core.Pod) { pod.Spec.Containers[0].SecurityContext.Privileged = &privileged })
	traffic := startTraffic(t.Context(), r.client, shop, good, bad)
	r.awaitMore(t, traffic)
	do()
	r.awaitMore(t, traffic)
	if err := traffic.end(unheardToo); err != nil {
		t.Error(err)
	}
	t.Logf("%d requests were judged, %d were not", traffic.count(), len(traffic.unheard))
}

// awaitMore: the traffic goes on, with what there is now.
func (r *release) awaitMore(t *testing.T, traffic *traffic) {
	t.Helper()
	from := traffic.count()
	r.await(t, "more requests to be judged", func() (bool, error) { return traffic.count() > from+20, nil })
}

func (r *release) await(t *testing.T, what string, done func() (bool, error)) {
	t.Helper()
	if err := harness.Await(t.Context(), what, func(context.Context) (bool, error) { return done() }); err != nil {
		t.Fatal(err)
	}
}

func (r *release) awaitReplicas(t *testing.T) {
	t.Helper()
	r.must(t, "", "rollout", "status", "deployment/podreeve", "-n", namespace, "--timeout=90s")
	r.await(t, "two ready replicas", func() (bool, error) {
		ready := 0
		for _, pod := range r.replicas(t) {
			if pod.DeletionTimestamp == nil && isReady(pod) {
				ready++
			}
		}
		return ready == 2, fmt.Errorf("%d are ready", ready)
	})
}

func isReady(pod core.Pod) bool {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == core.PodReady {
			return condition.Status == core.ConditionTrue
		}
	}
	return false
}

// drain never takes the last replica. Where there is another node, it goes through.
func (r *release) drain(t *testing.T) {
	nodes, err := r.client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	node := r.replicas(t)[0].Spec.NodeName
	t.Cleanup(func() { r.kubectl(t, "", "uncordon", node) })
	r.underTraffic(t, false, func() {
		said := r.kubectl(t, "", "drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--pod-selector", ours, "--timeout=30s")
		if len(nodes.Items) > 1 {
			if said.code != 0 {
				t.Error(said)
			}
		} else if said.code == 0 || !strings.Contains(said.err+said.out, "disruption budget") {
			t.Errorf("the only node was drained: %s", said)
		}
		r.must(t, "", "uncordon", node)
		r.awaitReplicas(t)
	})
}

// helm3 installs the same chart over what Helm 4 kept, and takes it away again. An upgrade leaves alone what the leader wrote: Helm 3 merges
// what it rendered into what is there.
func (r *release) helm3(t *testing.T) {
	needMore(t)
	args := []string{"podreeve", chart.Dir(), "--namespace", namespace, "-f", r.values, "--set", "crds.install=false", "--wait", "--timeout", "3m"}
	r.installed(t, "helm3", "--set", "crds.install=false")
	made := r.certificates(t)
	// A replica may be ready a moment before its leader has written the second one.
	r.awaitTrusted(t, made["ca.crt"])
	trusted := r.trusted(t)
	r.helm(t, "helm3", append([]string{"upgrade", "--set", "log.level=debug"}, args...)...)
	if !maps.Equal(r.certificates(t), made) {
		t.Error("the upgrade changed the Secret")
	}
	// With the generation: what was taken away and given back is seen.
	if now := r.trusted(t); now != trusted {
		t.Errorf("the upgrade changed the webhook configurations:\n%s\n%s", trusted, now)
	}
	r.helm(t, "helm3", "test", "podreeve", "--namespace", namespace, "--timeout", "1m")
	r.helm(t, "helm3", "uninstall", "podreeve", "--namespace", namespace, "--wait", "--timeout", "3m")
	r.nothingIsLeft(t)
}
