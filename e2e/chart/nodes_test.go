package chart

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	admission "k8s.io/api/admissionregistration/v1"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	rbac "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"
)

func agents(t *testing.T, args ...string) *apps.DaemonSet {
	t.Helper()
	return find[apps.DaemonSet](t, render(t, "nodes", args...), "DaemonSet", "podreeve-nodes")
}

// The agent reads the host, and can change nothing: each of these lines is one that it refuses to run without.
func TestAgentsCanOnlyRead(t *testing.T) {
	pod := agents(t).Spec.Template.Spec
	if pod.HostPID || pod.HostIPC || pod.HostNetwork {
		t.Errorf("it shares a namespace of the host: %+v", pod)
	}
	if *pod.SecurityContext.RunAsUser != 65532 || !*pod.SecurityContext.RunAsNonRoot {
		t.Errorf("it runs as %+v", pod.SecurityContext)
	}
	container := pod.Containers[0]
	context := container.SecurityContext
	if *context.Privileged || *context.AllowPrivilegeEscalation || !*context.ReadOnlyRootFilesystem {
		t.Errorf("it may do more: %+v", context)
	}
	if !slices.Equal(context.Capabilities.Drop, []core.Capability{"ALL"}) || !slices.Equal(context.Capabilities.Add, []core.Capability{"DAC_READ_SEARCH"}) {
		t.Errorf("its capabilities are %+v", context.Capabilities)
	}
	if len(pod.Volumes) != 1 || pod.Volumes[0].HostPath.Path != "/" || len(container.VolumeMounts) != 1 {
		t.Fatalf("its volumes are %+v, mounted as %+v", pod.Volumes, container.VolumeMounts)
	}
	mount := container.VolumeMounts[0]
	if !mount.ReadOnly || *mount.RecursiveReadOnly != core.RecursiveReadOnlyIfPossible || *mount.MountPropagation != core.MountPropagationNone {
		t.Errorf("the host is mounted as %+v", mount)
	}
	if len(container.Ports) != 0 {
		t.Errorf("it has ports: %+v", container.Ports)
	}
	if strict := agents(t, "--set", "nodes.recursiveReadOnly=Enabled").Spec.Template.Spec.Containers[0].VolumeMounts[0]; *strict.RecursiveReadOnly != core.RecursiveReadOnlyEnabled {
		t.Errorf("the host is mounted as %+v", strict)
	}
	old := agents(t, "--set", "nodes.recursiveReadOnly=Disabled").Spec.Template.Spec.Containers[0].VolumeMounts[0]
	if old.RecursiveReadOnly != nil || !old.ReadOnly {
		t.Errorf("an API server that does not know the field gets %+v", old)
	}
}

// Every value of "nodes" arrives, every argument is one that podreeve knows, and the replicas read the reports.
func TestAgentValuesArrive(t *testing.T) {
	daemons := agents(t)
	pod := daemons.Spec.Template.Spec
	container := pod.Containers[0]
	for what, ok := range map[string]bool{
		"image":             container.Image == "registry.example.com:5000/mirror/podreeve:v9",
		"priorityClassName": pod.PriorityClassName == "low",
		"nodeSelector":      pod.NodeSelector["disk"] == "ssd",
		"tolerations":       len(pod.Tolerations) == 1 && pod.Tolerations[0].Key == "infra",
		"interval":          slices.Contains(container.Args, "--interval=30m"),
		"memory":            container.Resources.Limits.Memory().Sign() > 0,
	} {
		if !ok {
			t.Errorf("%s does not arrive in the agents", what)
		}
	}
	if _, complaint, code := podreeve(t, "", append(slices.Clone(container.Args), "--node-name=a", "--help")...); code != 0 {
		t.Errorf("%q: %s", container.Args, complaint)
	}
	if args := deployment(t, "nodes").Spec.Template.Spec.Containers[0].Args; !slices.Contains(args, "--node-reports") {
		t.Errorf("the replicas do not read the reports: %q", args)
	}
	if args := deployment(t, "default").Spec.Template.Spec.Containers[0].Args; slices.Contains(args, "--node-reports") {
		t.Errorf("without agents there are no reports: %q", args)
	}
	if objects := render(t, "default"); objects.has("DaemonSet", "podreeve-nodes") || objects.has("ValidatingAdmissionPolicy", "podreeve-nodes") {
		t.Error("agents run though they are not enabled")
	}
}

// The exemption that the chart brings lets the agent in, and no pod that differs from it in its name, its image or its namespace.
func TestAgentsAreExemptAndNoOtherPod(t *testing.T) {
	objects := render(t, "nodes")
	files := find[core.ConfigMap](t, objects, "ConfigMap", "podreeve-policies").Data
	policy := filepath.Join(t.TempDir(), "owasp.yaml")
	if err := os.WriteFile(policy, []byte(files["built-in-owasp.yaml"]), 0o600); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(files["built-in-owasp.yaml"], "image-digest") {
		t.Errorf("the exemption of the values has gone:\n%s", files["built-in-owasp.yaml"])
	}
	judge := func(change func(*apps.DaemonSet)) (string, int) {
		daemons := agents(t)
		change(daemons)
		text, err := yaml.Marshal(daemons)
		if err != nil {
			t.Fatal(err)
		}
		out, complaints, code := podreeve(t, string(text), "check", "--policy", policy, "-")
		return out + complaints, code
	}
	if said, code := judge(func(*apps.DaemonSet) {}); code != 0 {
		t.Errorf("the agent is not admitted:\n%s", said)
	}
	for what, change := range map[string]func(*apps.DaemonSet){
		"name": func(d *apps.DaemonSet) { d.Spec.Template.Spec.Containers[0].Name = "other" },
		"image": func(d *apps.DaemonSet) {
			d.Spec.Template.Spec.Containers[0].Image = "registry.example.com/mirror/podreeve:v9"
		},
		"namespace": func(d *apps.DaemonSet) { d.Namespace = "other" },
		"privilege": func(d *apps.DaemonSet) { *d.Spec.Template.Spec.Containers[0].SecurityContext.Privileged = true },
	} {
		if said, code := judge(change); code != 1 {
			t.Errorf("another %s is admitted with code %d:\n%s", what, code, said)
		}
	}
}

// Its rights are these, and the policy holds its account to its own node.
func TestRightsOfAgents(t *testing.T) {
	objects := render(t, "nodes")
	sameRights(t, find[rbac.ClusterRole](t, objects, "ClusterRole", "podreeve-nodes").Rules, []rbac.PolicyRule{
		right("", "nodes", "get"),
		right("podreeve.dev", "policies", "list"),
		right("openreports.io", "clusterreports", "get create update patch"),
	})
	policy := find[admission.ValidatingAdmissionPolicy](t, objects, "ValidatingAdmissionPolicy", "podreeve-nodes").Spec
	account := "system:serviceaccount:" + agents(t).Namespace + ":podreeve-nodes"
	if len(policy.MatchConditions) != 1 || !strings.Contains(policy.MatchConditions[0].Expression, "'"+account+"'") {
		t.Errorf("the policy is about %+v", policy.MatchConditions)
	}
	if !objects.has("ValidatingAdmissionPolicyBinding", "podreeve-nodes") {
		t.Error("the policy is not bound")
	}
}
