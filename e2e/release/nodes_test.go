package release

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"podreeve.dev/e2e/chart"
	"podreeve.dev/e2e/harness"
)

const (
	agents       = "podreeve-nodes"
	ofAgents     = ours + ",app.kubernetes.io/component=node"
	nodeReport   = "podreeve-node.node"
	agentsValues = "nodes.enabled=true,replicaCount=1,drainDelay=1s,crds.install=false"
)

// TestNodeAgent has the agent as the chart installs it, in mode deny, on a node where pods run.
func TestNodeAgent(t *testing.T) {
	r := begin(t)
	if r.node == nil {
		t.Skip("e2e: skipped: it looks at processes and files of the node")
	}
	a := &agent{release: r}
	// The tests after this one install these as an operator would, with the chart.
	t.Cleanup(func() {
		a.must(t, "", "delete", "crd", "policies.podreeve.dev", "exemptions.podreeve.dev", harness.OpenReports.Resource(), harness.ClusterReports.Resource(), "--ignore-not-found")
	})
	r.steps(t, []step{
		{"Install", a.install}, {"LetInAlone", a.letInAlone}, {"Rights", a.rights}, {"Report", a.report}, {"Intruder", a.intruder},
		{"RootIsRefused", a.rootIsRefused}, {"KubeletAsReported", a.kubeletAsReported}, {"OpenKubelet", a.openKubelet}, {"SwitchedOff", a.switchedOff},
	})
}

type agent struct {
	*release
	// recursive: this node's runtime makes all mounts below the host's / read-only.
	recursive bool
	// results of the report.
	results []nodeResult
}

type nodeResult struct {
	Rule, Result string
	Properties   struct{ Verdict, Subject, Found, Source string }
}

// upgrade changes the values of the release.
func (a *agent) upgrade(t *testing.T, values string) {
	t.Helper()
	a.helm(t, "helm4", "upgrade", "podreeve", chart.Dir(), "--namespace", namespace, "-f", a.values, "--set", values, "--wait", "--timeout", "3m")
}

// install: the kubelet's configuration is a file without any right, in a folder of root's. Where the runtime makes no mount read-only with all that
// is below it, the kubelet refuses the default of the chart.
func (a *agent) install(t *testing.T) {
	a.namespaces(t)
	a.writeValues(t)
	for _, definition := range []harness.ReportAPI{harness.OpenReports, harness.ClusterReports} {
		a.must(t, definition.Definition(), "apply", "-f", "-")
	}
	if said := a.kubectl(t, "", "get", "crd", "policies.podreeve.dev"); said.code != 0 {
		for _, file := range []string{"policies", "exemptions"} {
			a.must(t, "", "apply", "--server-side", "-f", filepath.Join(chart.Dir(), "files", "crds", file+".podreeve.dev.yaml"))
		}
	}
	if err := os.Chmod(a.node.KubeletConfig(), 0); err != nil {
		t.Fatal(err)
	}
	a.recursive = a.runtimeHas(t, "recursiveReadOnlyMounts")
	if !a.recursive {
		a.installed(t, "helm4", "--set", agentsValues, "--wait=hookOnly")
		a.await(t, "the kubelet to refuse recursiveReadOnly: Enabled", func() (bool, error) {
			said := a.must(t, "", "get", "pods", "-n", namespace, "-l", ofAgents, "-o", "jsonpath={.items[*].status.containerStatuses[*].state.waiting.message}")
			return strings.Contains(said, "recursive"), fmt.Errorf("it says %q", said)
		})
		a.upgrade(t, agentsValues+",nodes.recursiveReadOnly=IfPossible")
		return
	}
	a.installed(t, "helm4", "--set", agentsValues)
}

// runtimeHas: what the kubelet says of its runtime.
func (a *agent) runtimeHas(t *testing.T, feature string) bool {
	t.Helper()
	return a.must(t, "", "get", "node", "node", "-o", `jsonpath={.status.runtimeHandlers[?(@.name=="")].features.`+feature+`}`) == "true"
}

// letInAlone: the webhook judges the agent's pod and lets it in by its exemption, and no pod that differs from it.
func (a *agent) letInAlone(t *testing.T) {
	a.awaitDenied(t, func(*core.Pod) {}, "") // without a change it is let in
	old := a.agentPod(t)
	a.must(t, "", "delete", "pod", old.Name, "-n", namespace)
	a.await(t, "another pod of the agent runs", func() (bool, error) {
		pods := a.agentPods(t)
		return len(pods) == 1 && pods[0].UID != old.UID && isReady(pods[0]), fmt.Errorf("there are %d", len(pods))
	})
	privileged := true
	for what, change := range map[string]func(*core.Pod){
		"capabilities": func(pod *core.Pod) { pod.Spec.Containers[0].Name = "imitation" },
		"host-path":    func(pod *core.Pod) { pod.Spec.Containers[0].Image = "example.com/" + pod.Spec.Containers[0].Image },
		"privileged":   func(pod *core.Pod) { pod.Spec.Containers[0].SecurityContext.Privileged = &privileged },
		"host-pid":     func(pod *core.Pod) { pod.Spec.HostPID = true },
		"runtime-socket": func(pod *core.Pod) {
			pod.Namespace = shop
			pod.Spec.ServiceAccountName, pod.Spec.DeprecatedServiceAccount = "default", ""
		},
	} {
		a.awaitDenied(t, change, what)
	}
}

// awaitDenied: a copy of the agent's pod with this change is denied by this rule, or let in where there is none.
func (a *agent) awaitDenied(t *testing.T, change func(*core.Pod), rule string) {
	t.Helper()
	var daemons apps.DaemonSet
	if err := json.Unmarshal([]byte(a.must(t, "", "get", "daemonset", agents, "-n", namespace, "-o", "json")), &daemons); err != nil {
		t.Fatal(err)
	}
	copied := daemons.Spec.Template
	pod := &core.Pod{ObjectMeta: metav1.ObjectMeta{GenerateName: "copy-", Namespace: namespace, Labels: copied.Labels}, Spec: copied.Spec}
	change(pod)
	a.await(t, fmt.Sprintf("a copy of the agent's pod is denied by %q", rule), func() (bool, error) {
		err := a.dryRun(t, pod.Namespace, pod)
		if rule == "" {
			return err == nil, err
		}
		return err != nil && strings.Contains(err.Error(), rule), err
	})
}

func (a *agent) agentPods(t *testing.T) []core.Pod {
	t.Helper()
	pods, err := a.client.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{LabelSelector: ofAgents})
	if err != nil {
		t.Fatal(err)
	}
	return pods.Items
}

func (a *agent) agentPod(t *testing.T) (pod core.Pod) {
	t.Helper()
	a.await(t, "a pod of the agent runs", func() (bool, error) {
		pods := a.agentPods(t)
		if len(pods) != 1 || !isReady(pods[0]) {
			return false, fmt.Errorf("%d pods", len(pods))
		}
		pod = pods[0]
		return true, nil
	})
	return pod
}

// built is the program of [agent.probe].
func (a *agent) built(t *testing.T) string {
	t.Helper()
	program := filepath.Join(a.home, "nodeprobe")
	if _, err := os.Stat(program); err != nil {
		build := exec.Command("go", "build", "-o", program, "podreeve.dev/e2e/cmd/nodeprobe")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("build the probe: %v: %s", err, out)
		}
		// An intruder in the agent has the capability that the agent has.
		if out, err := exec.Command("setcap", "cap_dac_read_search=ep", program).CombinedOutput(); err != nil {
			t.Fatalf("setcap: %v: %s", err, out)
		}
	}
	return program
}

// probe runs a program in the agent's container, as its user and with its capabilities, and returns what it says.
func (a *agent) probe(t *testing.T, what, path string) string {
	t.Helper()
	return a.must(t, "", "exec", "-n", namespace, a.agentPod(t).Name, "--", "/host"+a.built(t), what, path)
}

// rights: the process has the user and the capability of the chart, and no more. The capability comes from the file in the image.
func (a *agent) rights(t *testing.T) {
	const dacReadSearch = "0000000000000004"
	for field, want := range map[string]string{
		"Uid": "65532 65532 65532 65532", "Gid": "65532 65532 65532 65532", "NoNewPrivs": "1", "Seccomp": "2",
		"CapBnd": dacReadSearch, "CapPrm": dacReadSearch, "CapInh": "0000000000000000", "CapAmb": "0000000000000000",
	} {
		if got := a.probe(t, "field", field); got != want {
			t.Errorf("%s is %q, wanted %q", field, got, want)
		}
	}
	logs := a.must(t, "", "logs", "-n", namespace, a.agentPod(t).Name)
	if strings.Contains(logs, "DAC_READ_SEARCH is missing") {
		t.Errorf("the agent did not raise the capability of its file:\n%s", logs)
	}
	if warns := strings.Contains(logs, "not all mounts are read-only"); warns == a.recursive {
		t.Errorf("the log says that some mounts can be written to: %v, and the runtime makes all of them read-only: %v\n%s", warns, a.recursive, logs)
	}
}

// report: it has what only the capability reads, and the facts that admission uses.
func (a *agent) report(t *testing.T) {
	var report struct {
		Metadata struct {
			Annotations     map[string]string
			OwnerReferences []metav1.OwnerReference
		}
		Results []nodeResult
	}
	a.await(t, "the report of the node", func() (bool, error) {
		said := a.kubectl(t, "", "get", harness.ClusterReports.Resource(), nodeReport, "-o", "json")
		if said.code != 0 {
			return false, fmt.Errorf("%s", said)
		}
		return json.Unmarshal([]byte(said.out), &report) == nil && len(report.Results) > 0, fmt.Errorf("%s", said)
	})
	a.results = report.Results
	_, err := os.Stat("/sys/module/apparmor")
	for _, fact := range []string{`"podPidsLimit":512`, fmt.Sprintf(`"userNamespaces":%t`, a.runtimeHas(t, "userNamespaces")), fmt.Sprintf(`"appArmor":%t`, err == nil)} {
		if facts := report.Metadata.Annotations["podreeve.dev/node-facts"]; !strings.Contains(facts, fact) {
			t.Errorf("the facts are %s, without %s", facts, fact)
		}
	}
	if owners := report.Metadata.OwnerReferences; len(owners) != 1 || owners[0].Kind != "Node" || owners[0].Name != "node" {
		t.Errorf("the report belongs to %+v", owners)
	}
	config := a.node.KubeletConfig()
	if len(a.of("node-files", config)) == 0 {
		t.Errorf("nothing is said of %s", config)
	}
	for _, result := range a.results {
		if strings.Contains(result.Properties.Found, "permission denied") || strings.Contains(result.Properties.Found, "os error 13") {
			t.Errorf("the agent could not read all: %+v", result)
		}
	}
	a.await(t, "a replica counts the report", func() (bool, error) {
		count := a.metricOf(t, a.replicas(t)[0].Name, "podreeve_node_reports", "")
		return count == 1, fmt.Errorf("it counts %v", count)
	})
}

// of returns the results of a rule about a subject that begins so.
func (a *agent) of(rule, subject string) (found []nodeResult) {
	for _, result := range a.results {
		if result.Rule == rule && strings.HasPrefix(result.Properties.Subject, subject) {
			found = append(found, result)
		}
	}
	return found
}

// intruder: whoever takes over the agent reads the node, and writes nothing to it, and speaks to no socket of root's.
func (a *agent) intruder(t *testing.T) {
	const denied, readOnly = "permission denied", "read-only file system"
	below := denied // of a mount below /, which another one than root may not write to either
	if a.recursive {
		below = readOnly
	}
	folder := filepath.Dir(a.node.KubeletConfig())
	for _, try := range []struct{ what, path, want string }{
		{"read", "/host" + a.node.KubeletConfig(), "done"},              // without any right
		{"read", "/host" + filepath.Join(folder, "kubeconfig"), "done"}, // 0600, in a folder with 0700
		{"read", "/host/var/lib/kubelet/pki/kubelet.key", "done"},
		{"connect", "/host" + folder + "/containerd.sock", denied},
		{"connect", "/host" + folder + "/containerd.sock.ttrpc", denied},
		{"write", "/host/etc/podreeve-e2e", readOnly},
		{"write", "/host/tmp/podreeve-e2e", readOnly}, // where everybody may write on the node
		{"write", "/host" + a.node.KubeletConfig(), denied},
		{"write", "/host/run/podreeve-e2e", below},
		{"write", "/host/var/lib/podreeve-e2e", below},
		{"write", "/host/proc/sys/kernel/core_pattern", denied},
		{"write", "/podreeve", denied},
	} {
		if got := a.probe(t, try.what, try.path); got != try.want {
			t.Errorf("%s %s: %q, wanted %q", try.what, try.path, got, try.want)
		}
	}
}

// rootIsRefused: user 0 connects to the runtime's socket, however read-only the mounts are, so the agent does not run as this user.
func (a *agent) rootIsRefused(t *testing.T) {
	socket := filepath.Join(filepath.Dir(a.node.KubeletConfig()), "containerd.sock")
	if said, _ := a.asRoot(t, "root-probe", []string{"/host" + a.built(t), "connect", "/host" + socket}, 0); said != "done" {
		t.Errorf("as user 0 the probe says %q", said)
	}
	said, err := a.asRoot(t, "root-agent", nil, 2)
	if !strings.Contains(said, "user 0") || !strings.Contains(said, "runAsUser: 65532") {
		t.Errorf("the agent ended and says %q %v", said, err)
	}
}

// asRoot runs a copy of the agent's pod as user 0, where no webhook looks, waits until it ends with this code, and returns what it says.
func (a *agent) asRoot(t *testing.T, name string, command []string, code int) (string, error) {
	t.Helper()
	pod := a.agentPod(t)
	copied := &core.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "kube-system"}, Spec: pod.Spec}
	root, not, none := int64(0), false, false
	copied.Spec.NodeName, copied.Spec.ServiceAccountName, copied.Spec.DeprecatedServiceAccount = "", "", ""
	copied.Spec.AutomountServiceAccountToken, copied.Spec.RestartPolicy = &none, core.RestartPolicyNever
	copied.Spec.SecurityContext.RunAsUser, copied.Spec.SecurityContext.RunAsNonRoot = &root, &not
	copied.Spec.Volumes = pod.Spec.Volumes[:1]
	copied.Spec.Containers[0].VolumeMounts = pod.Spec.Containers[0].VolumeMounts[:1]
	if command != nil {
		copied.Spec.Containers[0].Command, copied.Spec.Containers[0].Args = command[:1], command[1:]
	}
	if _, err := a.client.CoreV1().Pods("kube-system").Create(t.Context(), copied, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = a.client.CoreV1().Pods("kube-system").Delete(context.Background(), name, metav1.DeleteOptions{})
	})
	ended := fmt.Sprintf("jsonpath={.status.containerStatuses[0].state.terminated.exitCode}=%d", code)
	said := a.kubectl(t, "", "wait", "pod/"+name, "-n", "kube-system", "--for="+ended, "--timeout=30s")
	if said.code != 0 {
		return a.must(t, "", "logs", "-n", "kube-system", name), fmt.Errorf("%s", said)
	}
	return a.must(t, "", "logs", "-n", "kube-system", name), nil
}

// switchedOff: nothing of the agent is left but the report, which an uninstall removes.
func (a *agent) switchedOff(t *testing.T) {
	mounts := "IfPossible"
	if a.recursive {
		mounts = "Enabled"
	}
	a.upgrade(t, strings.Replace(agentsValues, "nodes.enabled=true", "nodes.enabled=false", 1))
	a.await(t, "the agent's pod to end", func() (bool, error) { return len(a.agentPods(t)) == 0, nil })
	for _, kind := range []string{"daemonset", "serviceaccount"} {
		if left := a.must(t, "", "get", kind, agents, "-n", namespace, "--ignore-not-found", "-o", "name"); left != "" {
			t.Errorf("%s is left", left)
		}
	}
	for _, kind := range []string{"clusterrole", "clusterrolebinding", "validatingadmissionpolicy", "validatingadmissionpolicybinding"} {
		if left := a.must(t, "", "get", kind, agents, "--ignore-not-found", "-o", "name"); left != "" {
			t.Errorf("%s is left", left)
		}
	}
	if a.reported(t) == "" {
		t.Error("the report has gone with the agent, and the pages say that it stays")
	}
	a.upgrade(t, agentsValues+",uninstallHook.enabled=true,nodes.recursiveReadOnly="+mounts)
	a.agentPod(t)
	a.uninstalled(t)
	a.nothingIsLeft(t)
	if left := a.reported(t); left != "" {
		t.Errorf("%s is left", left)
	}
}

// reported are the reports of agents.
func (a *agent) reported(t *testing.T) string {
	t.Helper()
	return a.must(t, "", "get", harness.ClusterReports.Resource(), "-l", "app.kubernetes.io/managed-by=podreeve-node", "-o", "name")
}
