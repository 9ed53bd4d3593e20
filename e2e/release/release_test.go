package release

import (
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"net"
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
	ours      = "app.kubernetes.io/part-of=podreeve"
)

// The life of a release, in order: each step stands on those before it.
func TestRelease(t *testing.T) {
	c := need(t)
	client := c.client(t)
	r := &release{target: c, client: client}
	t.Cleanup(func() { r.remove(t) })
	for _, step := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"Manifests", r.manifests}, {"Install", r.install}, {"BadIsDenied", r.badIsDenied}, {"GoodRuns", r.goodRuns}, {"Exec", r.exec}, {"Debug", r.debug}, {"Rights", r.rights},
		{"Upgrade", r.upgrade}, {"Rotations", r.rotations}, {"KilledReplica", r.killedReplica}, {"Drain", r.drain}, {"Uninstall", r.uninstall}, {"Helm3", r.helm3}, {"Helm3ExistingSecret", r.helm3ExistingSecret},
	} {
		if !t.Run(step.name, step.run) {
			t.Fatalf("%s failed, and the steps after it stand on it\n%s", step.name, c.about(t))
		}
	}
}

type release struct {
	*target
	client *kubernetes.Clientset
	values string // file
}

// manifests: the API server takes what the chart renders with every switch on, and deploy/install.yaml.
func (r *release) manifests(t *testing.T) {
	for _, name := range []string{namespace, shop} {
		r.must(t, "", "create", "namespace", name)
	}
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

// install has podreeve make its own certificates, as the chart does when nobody says otherwise, and lets the chart's own test look.
func (r *release) install(t *testing.T) {
	colon := strings.LastIndex(r.image, ":")
	values, err := yaml.Marshal(map[string]any{
		"image": map[string]any{"repository": r.image[:colon], "tag": r.image[colon+1:]},
		"test":  map[string]any{"namespace": shop},
		"rbac":  map[string]any{"nodesProxy": true}, // so that whatever is forbidden is a right that the chart forgot
	})
	if err != nil {
		t.Fatal(err)
	}
	r.values = r.home + "/values.yaml"
	if err := os.WriteFile(r.values, values, 0o600); err != nil {
		t.Fatal(err)
	}
	r.helm(t, "helm4", "install", "podreeve", chart.Dir(), "--namespace", namespace, "-f", r.values, "--wait", "--timeout", "3m")
	r.helm(t, "helm4", "test", "podreeve", "--namespace", namespace, "--timeout", "1m", "--logs")
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
		for _, want := range []string{"denied the request", "* " + object.Metadata.Name + " ("} {
			if said.code == 0 || !strings.Contains(said.err, want) {
				t.Errorf("wanted %q: %s", want, said)
			}
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

// exec goes through, and podreeve was asked.
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
		text := r.must(t, "", "get", "--raw", fmt.Sprintf("/api/v1/namespaces/%s/pods/%s:8080/proxy/metrics", namespace, pod.Name))
		for line := range strings.Lines(text) {
			if strings.HasPrefix(line, "podreeve_admission_requests_total{") && strings.Contains(line, label) {
				var value int
				if _, err := fmt.Sscan(line[strings.LastIndex(line, " ")+1:], &value); err != nil {
					t.Fatalf("%q: %v", line, err)
				}
				sum += value
			}
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
	if said.code == 0 || !strings.Contains(said.err, "* privileged (") {
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

// rights: the chart gives podreeve all that it asks the API server for.
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

// underTraffic does something while others create good and bad pods.
func (r *release) underTraffic(t *testing.T, unheardToo bool, do func()) {
	t.Helper()
	privileged := true
	good := r.pod(t, func(*core.Pod) {})
	if unheardToo {
		// Repairs are left out when nobody answers (failurePolicy Ignore), and what needs one is then denied.
		good = r.pod(t, func(pod *core.Pod) {
			no, context := false, pod.Spec.Containers[0].SecurityContext
			context.AllowPrivilegeEscalation = &no
			context.SeccompProfile = &core.SeccompProfile{Type: core.SeccompProfileTypeRuntimeDefault}
		})
	}
	bad := r.pod(t, func(pod *core.Pod) { pod.Spec.Containers[0].SecurityContext.Privileged = &privileged })
	traffic := startTraffic(t.Context(), r.client, shop, good, bad)
	r.awaitMore(t, traffic)
	do()
	r.awaitMore(t, traffic)
	if err := traffic.end(unheardToo); err != nil {
		t.Error(err)
	}
	t.Logf("%d requests were judged, %d found nobody", traffic.count(), len(traffic.unheard))
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

// upgrade replaces both replicas, and no request notices.
func (r *release) upgrade(t *testing.T) {
	old := r.replicas(t)
	r.underTraffic(t, false, func() {
		r.helm(t, "helm4", "upgrade", "podreeve", chart.Dir(), "--namespace", namespace, "-f", r.values, "--set", "log.level=debug", "--wait", "--timeout", "3m")
		r.await(t, "the old replicas to be gone", func() (bool, error) {
			for _, pod := range r.replicas(t) {
				for _, before := range old {
					if pod.Name == before.Name {
						return false, fmt.Errorf("%s is still there", pod.Name)
					}
				}
			}
			return true, nil
		})
	})
}

// rotations: a new certificate, and a new CA that is trusted before it signs, while pods are created all the time.
func (r *release) rotations(t *testing.T) {
	r.awaitReplicas(t)
	first := r.certificates(t)
	r.underTraffic(t, false, func() {
		r.must(t, "", "annotate", "secret", "podreeve-tls", "-n", namespace, "podreeve.dev/renew=leaf")
		r.await(t, "a new certificate", func() (bool, error) {
			now := r.certificates(t)
			return now["tls.crt"] != first["tls.crt"] && now["ca.key"] == first["ca.key"], nil
		})
	})
	second := r.certificates(t)
	r.underTraffic(t, false, func() {
		r.must(t, "", "annotate", "secret", "podreeve-tls", "-n", namespace, "podreeve.dev/renew=ca")
		r.await(t, "a new CA beside the old one", func() (bool, error) {
			now := r.certificates(t)
			return now["ca.key"] != second["ca.key"] && strings.Count(now["ca.crt"], "BEGIN CERTIFICATE") == 2 && now["tls.crt"] == second["tls.crt"], nil
		})
		r.await(t, "a certificate of the new CA", func() (bool, error) { return r.certificates(t)["tls.crt"] != second["tls.crt"], nil })
	})
	trusted := r.must(t, "", "get", "validatingwebhookconfiguration,mutatingwebhookconfiguration", "podreeve", "-o", "jsonpath={.items[*].webhooks[*].clientConfig.caBundle}")
	want := base64.StdEncoding.EncodeToString([]byte(r.certificates(t)["ca.crt"]))
	for bundle := range strings.FieldsSeq(trusted) {
		if bundle != want {
			t.Errorf("a webhook trusts another bundle than the Secret's: %s", bundle)
		}
	}
}

// certificates of podreeve's own, by the keys of their Secret.
func (r *release) certificates(t *testing.T) map[string]string {
	t.Helper()
	secret, err := r.client.CoreV1().Secrets(namespace).Get(t.Context(), "podreeve-tls", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for key, bytes := range secret.Data {
		texts[key] = string(bytes)
	}
	return texts
}

// killedReplica: nothing bad slips in while a replica is dead, and a workload that is deployed then gets its pods.
func (r *release) killedReplica(t *testing.T) {
	r.awaitReplicas(t)
	victim := r.replicas(t)[0]
	r.underTraffic(t, true, func() {
		if r.node != nil {
			if err := r.node.Kill(victim.Status.ContainerStatuses[0].ContainerID); err != nil {
				t.Fatal(err)
			}
			r.await(t, "the killed container to be started again", func() (bool, error) {
				pod, err := r.client.CoreV1().Pods(namespace).Get(t.Context(), victim.Name, metav1.GetOptions{})
				return err == nil && pod.Status.ContainerStatuses[0].RestartCount > 0, err
			})
		} else {
			r.must(t, "", "delete", "pod", victim.Name, "-n", namespace, "--grace-period=0", "--force")
		}
		r.must(t, "", "scale", "deployment/good", "-n", shop, "--replicas=3")
		r.must(t, "", "rollout", "status", "deployment/good", "-n", shop, "--timeout=90s")
		r.awaitReplicas(t)
	})
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

// uninstall leaves nothing of podreeve, and blocks nobody at any moment.
func (r *release) uninstall(t *testing.T) {
	good := r.pod(t, func(*core.Pod) {})
	traffic := startTraffic(t.Context(), r.client, shop, good, nil)
	r.awaitMore(t, traffic)
	r.helm(t, "helm4", "uninstall", "podreeve", "--namespace", namespace, "--wait", "--timeout", "3m")
	r.awaitMore(t, traffic)
	if err := traffic.end(false); err != nil {
		t.Error(err)
	}
	r.nothingIsLeft(t)
	// And nobody judges any more.
	bad, _, _ := strings.Cut(r.manifest(t, "bad.yaml"), "\n---\n")
	r.must(t, bad, "create", "-n", shop, "-f", "-", "--dry-run=server")
}

func (r *release) nothingIsLeft(t *testing.T) {
	t.Helper()
	kinds := strings.Fields(r.must(t, "", "api-resources", "--verbs=list", "-o", "name"))
	for line := range strings.Lines(r.must(t, "", "get", strings.Join(kinds, ","), "-A", "-l", ours, "-o", "name", "--ignore-not-found")) {
		// The definitions stay, with what operators wrote in them (crds.keep); pods take a moment to end.
		if name := strings.TrimSpace(line); !strings.HasPrefix(name, "customresourcedefinition") && !strings.HasPrefix(name, "pod/") &&
			!strings.HasPrefix(name, "event") {
			t.Errorf("%s is left", name)
		}
	}
	for _, kind := range []string{"secrets", "leases", "configmaps"} {
		for name := range strings.FieldsSeq(r.must(t, "", "get", kind, "-n", namespace, "-o", "name")) {
			if name != "secret/serving" && name != "configmap/kube-root-ca.crt" {
				t.Errorf("%s is left in podreeve's namespace", name)
			}
		}
	}
}

// helm3 installs the same chart over what Helm 4 kept, and takes it away again. An upgrade leaves alone what the leader wrote: Helm 3 merges
// what it rendered into what is there.
func (r *release) helm3(t *testing.T) {
	args := []string{"podreeve", chart.Dir(), "--namespace", namespace, "-f", r.values, "--set", "crds.install=false", "--wait", "--timeout", "3m"}
	r.helm(t, "helm3", append([]string{"install"}, args...)...)
	made, trusted := r.certificates(t), r.trusted(t)
	if ca := base64.StdEncoding.EncodeToString([]byte(made["ca.crt"])); ca == "" || strings.Count(trusted, ca) != 3 {
		t.Errorf("not all three webhooks trust the Secret's CA: %s", trusted)
	}
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

// trusted is each configuration's generation, and what its webhooks trust.
func (r *release) trusted(t *testing.T) string {
	t.Helper()
	return r.must(t, "", "get", "validatingwebhookconfiguration,mutatingwebhookconfiguration", "podreeve", "-o",
		"jsonpath={range .items[*]}{.metadata.generation} {.webhooks[*].clientConfig.caBundle}{\"\\n\"}{end}")
}

// helm3ExistingSecret does the same with a certificate that exists already.
func (r *release) helm3ExistingSecret(t *testing.T) {
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
	r.helm(t, "helm3", "install", "podreeve", chart.Dir(), "--namespace", namespace, "-f", r.values, "--set", "crds.install=false,tls.mode=existingSecret,tls.secretName=serving",
		"--set-file", "tls.caBundle="+ca, "--wait", "--timeout", "3m")
	r.helm(t, "helm3", "test", "podreeve", "--namespace", namespace, "--timeout", "1m")
	r.helm(t, "helm3", "uninstall", "podreeve", "--namespace", namespace, "--wait", "--timeout", "3m")
	r.nothingIsLeft(t)
}

// remove gives the cluster back as it was, also when a step failed.
func (r *release) remove(t *testing.T) {
	if r.node != nil {
		return // it ends as a whole
	}
	r.run(t, "", r.tools.Path("kubectl"), "delete", "validatingwebhookconfiguration,mutatingwebhookconfiguration", "podreeve", "--ignore-not-found")
	r.run(t, "", r.tools.Path("helm4"), "uninstall", "podreeve", "--namespace", namespace, "--no-hooks", "--ignore-not-found")
	r.run(t, "", r.tools.Path("kubectl"), "delete", "namespace", namespace, shop, "--ignore-not-found", "--wait=false")
	r.run(t, "", r.tools.Path("kubectl"), "delete", "crd", "-l", ours, "--ignore-not-found")
}
