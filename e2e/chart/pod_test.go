package chart

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	apps "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"
)

func deployment(t *testing.T, values string, args ...string) *apps.Deployment {
	t.Helper()
	name := "podreeve"
	if values == "everything" {
		name = "gatekeeper-of-pods"
	}
	return find[apps.Deployment](t, render(t, values, args...), "Deployment", name)
}

// report is what the test reads of `podreeve check -o json`.
type report struct {
	Objects []struct {
		Kind       string
		Violations []struct{ Rule, Effect string }
	}
}

// What no chart can do something about, and only these.
var unavoidable = map[string]string{
	"service-account-token": "podreeve speaks with the API server",
	"host-users":            "not every node can; `hostUsers: false` asks for it",
	"image-digest":          "a chart is older than the image; `image.digest` names one",
}

// withoutAgents leaves the DaemonSet out, which TestAgentsAreExemptAndNoOtherPod judges.
func withoutAgents(text string) string {
	documents := slices.DeleteFunc(strings.Split(text, "\n---\n"), func(document string) bool {
		return strings.Contains(document, "\nkind: DaemonSet\n")
	})
	return strings.Join(documents, "\n---\n")
}

// The webhook, the uninstall job and the test pod pass what podreeve holds others to.
func TestOwnPodsPassTheOwnPolicies(t *testing.T) {
	for _, values := range matrix(t) {
		text, err := helm(t, "helm4").Template("-f", valuesFile(values))
		if err != nil {
			t.Fatal(err)
		}
		for _, policy := range []string{"owasp", "pss-restricted"} {
			out, complaints, code := podreeve(t, withoutAgents(text), "check", "--policy", policy, "-o", "json", "-")
			var said report
			if err := json.Unmarshal([]byte(out), &said); err != nil {
				t.Fatalf("%s, %s: %v\n%s%s", values, policy, err, out, complaints)
			}
			want := 2 // the Deployment and the Pod
			if strings.Contains(text, "kind: Job") {
				want = 3
			}
			if code != 0 || len(said.Objects) != want {
				t.Errorf("%s, %s: exit code %d, %d objects (wanted %d)", values, policy, code, len(said.Objects), want)
			}
			for _, object := range said.Objects {
				for _, violation := range object.Violations {
					if unavoidable[violation.Rule] == "" || violation.Effect == "deny" || violation.Effect == "patch" {
						t.Errorf("%s, %s: %s violates %s (%s)", values, policy, object.Kind, violation.Rule, violation.Effect)
					}
				}
			}
		}
	}
}

func TestDefaultPods(t *testing.T) {
	spec := deployment(t, "default").Spec
	pod := spec.Template.Spec
	if *spec.Replicas != 2 {
		t.Errorf("%d replicas", *spec.Replicas)
	}
	if pod.PriorityClassName != "system-cluster-critical" {
		t.Errorf("priority class %q", pod.PriorityClassName)
	}
	if update := spec.Strategy.RollingUpdate; update.MaxUnavailable.IntValue() != 0 || update.MaxSurge.IntValue() != 1 {
		t.Errorf("an upgrade may have fewer replicas than there were: %+v", update)
	}
	var spread []string
	for _, constraint := range pod.TopologySpreadConstraints {
		spread = append(spread, constraint.TopologyKey)
		for key, value := range constraint.LabelSelector.MatchLabels {
			if spec.Template.Labels[key] != value {
				t.Errorf("the spread selects %s=%s, which the pods have not", key, value)
			}
		}
	}
	if !slices.Equal(spread, []string{"kubernetes.io/hostname", "topology.kubernetes.io/zone"}) {
		t.Errorf("spread over %v", spread)
	}
	container := pod.Containers[0]
	if container.Image != "podreeve/podreeve:"+readChartFile(t).AppVersion {
		t.Errorf("image %q", container.Image)
	}
	if container.Resources.Limits.Cpu().Sign() != 0 {
		t.Error("a CPU limit throttles what the whole cluster waits for")
	}
	if len(pod.Volumes) != 1 || len(container.VolumeMounts) != 1 || pod.Volumes[0].ConfigMap.Name != "podreeve-webhooks" {
		t.Errorf("the volumes are %+v: the lists of webhooks are one, and a self-managed certificate needs none", pod.Volumes)
	}
}

func TestSelectorsMeetThePodsAndNothingElse(t *testing.T) {
	for _, values := range []string{"default", "everything"} {
		objects := render(t, values)
		deployment := deployment(t, values)
		labels := deployment.Spec.Template.Labels
		selectors := map[string]map[string]string{
			"Deployment":          deployment.Spec.Selector.MatchLabels,
			"Service":             find[core.Service](t, objects, "Service", deployment.Name).Spec.Selector,
			"PodDisruptionBudget": find[policy.PodDisruptionBudget](t, objects, "PodDisruptionBudget", deployment.Name).Spec.Selector.MatchLabels,
			"NetworkPolicy":       find[networking.NetworkPolicy](t, objects, "NetworkPolicy", deployment.Name).Spec.PodSelector.MatchLabels,
		}
		for kind, selector := range selectors {
			if !covers(selector, labels) {
				t.Errorf("%s: the %s selects %v, the pods are %v", values, kind, selector, labels)
			}
			for _, object := range objects {
				if object.GetKind() == "Pod" && covers(selector, object.GetLabels()) {
					t.Errorf("%s: the %s selects %s too", values, kind, key(object))
				}
			}
		}
	}
}

func covers(selector, labels map[string]string) bool {
	for key, value := range selector {
		if labels[key] != value {
			return false
		}
	}
	return len(selector) > 0
}

// Every value of "everything" that goes into the pods.
func TestEveryPodValueArrives(t *testing.T) {
	deployment := deployment(t, "everything")
	pod := deployment.Spec.Template.Spec
	container := pod.Containers[0]
	if deployment.Spec.Replicas != nil {
		t.Error("with an autoscaler the Deployment must not say how many replicas")
	}
	for what, ok := range map[string]bool{
		"image":                     container.Image == "registry.example.com:5000/mirror/podreeve:v9",
		"image.pullPolicy":          container.ImagePullPolicy == core.PullAlways,
		"imagePullSecrets":          len(pod.ImagePullSecrets) == 1 && pod.ImagePullSecrets[0].Name == "pull",
		"serviceAccount.name":       pod.ServiceAccountName == "own",
		"hostUsers":                 pod.HostUsers != nil && !*pod.HostUsers,
		"podLabels":                 deployment.Spec.Template.Labels["extra"] == "label",
		"podAnnotations":            deployment.Spec.Template.Annotations["extra"] == "annotation",
		"priorityClassName":         pod.PriorityClassName == "urgent",
		"nodeSelector":              pod.NodeSelector["disk"] == "ssd",
		"tolerations":               len(pod.Tolerations) == 1 && pod.Tolerations[0].Key == "infra",
		"affinity":                  pod.Affinity != nil && pod.Affinity.NodeAffinity != nil,
		"topologySpreadConstraints": len(pod.TopologySpreadConstraints) == 1 && pod.TopologySpreadConstraints[0].TopologyKey == "rack",
		"extraEnv":                  slices.ContainsFunc(container.Env, func(env core.EnvVar) bool { return env.Name == "RUST_BACKTRACE" }),
		"extraVolumes":              slices.ContainsFunc(pod.Volumes, func(volume core.Volume) bool { return volume.Name == "extra" }),
		"extraVolumeMounts":         slices.ContainsFunc(container.VolumeMounts, func(mount core.VolumeMount) bool { return mount.MountPath == "/extra" }),
	} {
		if !ok {
			t.Errorf("%s does not arrive in the pods", what)
		}
	}
	want := []string{"serve", "--cluster", "--listen=[::]:8443", "--admin-listen=[::]:8080", "--log-format=text", "--log-level=debug", "--decision-log=stdout",
		"--syslog=siem.example.com:1514", "--syslog-ca=/etc/podreeve/syslog/ca.crt", "--syslog-cert=/etc/podreeve/syslog/tls.crt", "--syslog-key=/etc/podreeve/syslog/tls.key", "--syslog-facility=audit", "--drain-delay=20s",
		"--mode=deny", "--deny-from=high", "--deny-after=2027-01-31", "--policy=pss-restricted", "--policy=pss-baseline@v1.30", "--policy=/etc/podreeve/policies",
		"--last-good-policies=gatekeeper-of-pods-last-good", "--rolled-out-policies=" + deployment.Spec.Template.Annotations["podreeve.dev/policy-files"],
		"--tls-secret=gatekeeper-of-pods-tls", "--service-name=gatekeeper-of-pods", "--client-ca=/etc/podreeve/client-ca/ca.crt", "--webhook-configuration=gatekeeper-of-pods",
		"--webhooks=/etc/podreeve/webhooks/webhooks.json", "--deployment=gatekeeper-of-pods", "--kubelet-service-account=gatekeeper-of-pods-kubelets", "--leader-election-lease=gatekeeper-of-pods", "--scan-interval=30m", "--reports=openreports", "--exemption-namespaces=security,platform",
		"--max-connections=100"}
	if !slices.Equal(container.Args, want) {
		t.Errorf("the arguments are\n%q\nwanted\n%q", container.Args, want)
	}
}

// Every argument is one that `serve` knows.
func TestServeTakesTheArguments(t *testing.T) {
	for _, values := range matrix(t) {
		deployment := deployment(t, values)
		args := deployment.Spec.Template.Spec.Containers[0].Args
		// Wherever the certificate comes from, the configurations are deleted with their namespace.
		if !slices.Contains(args, "--webhook-configuration="+deployment.Name) {
			t.Errorf("%s: %q do not name the webhook configurations", values, args)
		}
		// Help is given after the arguments before it were read.
		if _, complaint, code := podreeve(t, "", append(args, "--help")...); code != 0 {
			t.Errorf("%s: %q: %s", values, args, complaint)
		}
	}
}

func TestTheDigestWinsOverTheTag(t *testing.T) {
	want := "podreeve/podreeve@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	if image := deployment(t, "cert-manager", "--set", "image.tag=v9").Spec.Template.Spec.Containers[0].Image; image != want {
		t.Errorf("image %q", image)
	}
}

// Without policies of its own the chart passes an option that says so: podreeve's default would be `owasp`.
func TestPolicyArguments(t *testing.T) {
	for values, want := range map[string][]string{"default": {"--policy=owasp"}, "minimal": {"--policy=none"}} {
		var got []string
		for _, arg := range deployment(t, values).Spec.Template.Spec.Containers[0].Args {
			if strings.HasPrefix(arg, "--policy") {
				got = append(got, arg)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, wanted %q", values, got, want)
		}
	}
}

// A certificate from a Secret is mounted, where the arguments look for it.
func TestMountedCertificates(t *testing.T) {
	for values, secret := range map[string]string{"cert-manager": "podreeve-tls", "cert-manager-issuer": "serving", "existing-secret": "mine"} {
		pod := deployment(t, values).Spec.Template.Spec
		if len(pod.Volumes) != 2 || pod.Volumes[1].Secret == nil || pod.Volumes[1].Secret.SecretName != secret {
			t.Errorf("%s: volumes %+v", values, pod.Volumes)
			continue
		}
		mount := pod.Containers[0].VolumeMounts[1]
		for _, arg := range []string{"--tls-cert=" + mount.MountPath + "/tls.crt", "--tls-key=" + mount.MountPath + "/tls.key"} {
			if !slices.Contains(pod.Containers[0].Args, arg) {
				t.Errorf("%s: no argument %s in %q", values, arg, pod.Containers[0].Args)
			}
		}
		if slices.ContainsFunc(pod.Containers[0].Args, func(arg string) bool { return strings.HasPrefix(arg, "--tls-secret") }) {
			t.Errorf("%s: the leader would make a certificate too", values)
		}
	}
}

// The leader keeps the CA of an existing Secret, unless the chart names it, or cert-manager renews it.
func TestKeptCA(t *testing.T) {
	for arguments, want := range map[string]bool{
		"existing-secret --set tls.caBundle=": true, "existing-secret": false, "cert-manager": false, "default": false,
	} {
		words := strings.Fields(arguments)
		args := deployment(t, words[0], words[1:]...).Spec.Template.Spec.Containers[0].Args
		if got := slices.Contains(args, "--tls-ca=/etc/podreeve/tls/ca.crt"); got != want {
			t.Errorf("%s: the leader keeps the CA of the Secret: %v, wanted %v", arguments, got, want)
		}
	}
}

// The CA of callers is mounted where the argument looks for it, wherever it comes from; only one of these can be.
func TestClientCA(t *testing.T) {
	bundle := find[core.ConfigMap](t, render(t, "everything"), "ConfigMap", "gatekeeper-of-pods-client-ca").Data["ca.crt"]
	if bundle != "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----" {
		t.Errorf("the inline bundle arrives as %q", bundle)
	}
	item := func(key string) []core.KeyToPath { return []core.KeyToPath{{Key: key, Path: "ca.crt"}} }
	configMap := func(name, key string) core.VolumeSource {
		return core.VolumeSource{ConfigMap: &core.ConfigMapVolumeSource{LocalObjectReference: core.LocalObjectReference{Name: name}, Items: item(key)}}
	}
	for _, c := range []struct {
		values string
		args   []string
		want   core.VolumeSource
	}{
		// A key is of what exists; the chart's own ConfigMap has its own.
		{"everything", []string{"--set", "webhook.clientCA.key=other"}, configMap("gatekeeper-of-pods-client-ca", "ca.crt")},
		{"default", []string{"--set", "webhook.clientCA.configMapName=bundle,webhook.clientCA.key=client.pem"}, configMap("bundle", "client.pem")},
		{"cert-manager", []string{"--set", "webhook.clientCA.secretName=apiserver"},
			core.VolumeSource{Secret: &core.SecretVolumeSource{SecretName: "apiserver", DefaultMode: ptr(int32(0o440)), Items: item("ca.crt")}}},
	} {
		pod := deployment(t, c.values, c.args...).Spec.Template.Spec
		at := slices.IndexFunc(pod.Volumes, func(volume core.Volume) bool { return volume.Name == "client-ca" })
		if at < 0 || !reflect.DeepEqual(pod.Volumes[at].VolumeSource, c.want) {
			t.Errorf("%s %q: volumes %+v", c.values, c.args, pod.Volumes)
		}
		mount := core.VolumeMount{Name: "client-ca", MountPath: "/etc/podreeve/client-ca", ReadOnly: true}
		if container := pod.Containers[0]; !slices.Contains(container.VolumeMounts, mount) || !slices.Contains(container.Args, "--client-ca=/etc/podreeve/client-ca/ca.crt") {
			t.Errorf("%s %q: mounts %+v, arguments %q", c.values, c.args, container.VolumeMounts, container.Args)
		}
	}
	for _, c := range []struct {
		values string
		want   bool
	}{{"default", false}, {"existing-secret", false}, {"everything", true}} {
		objects := render(t, c.values)
		name := deployment(t, c.values).Name
		// Probes are HTTP without TLS, on the admin port: a kubelet has no certificate of that CA.
		container := deployment(t, c.values).Spec.Template.Spec.Containers[0]
		for _, probe := range []*core.Probe{container.StartupProbe, container.LivenessProbe, container.ReadinessProbe} {
			if probe.HTTPGet.Port.StrVal != "metrics" || probe.HTTPGet.Scheme != "" {
				t.Errorf("%s: a probe is %+v", c.values, probe.HTTPGet)
			}
		}
		if objects.has("ConfigMap", name+"-client-ca") != c.want {
			t.Errorf("%s: a ConfigMap of the bundle, wanted %v", c.values, c.want)
		}
	}
	if _, err := helm(t, "helm4").Template("--set", "webhook.clientCA.configMapName=a,webhook.clientCA.secretName=b"); err == nil ||
		!strings.Contains(err.Error(), "webhook.clientCA has several of caBundle, configMapName and secretName; leave one of them") {
		t.Errorf("two of them are taken: %v", err)
	}
}

// The policies of policyFiles load.
func TestPolicyFilesLoad(t *testing.T) {
	files := find[core.ConfigMap](t, render(t, "everything"), "ConfigMap", "gatekeeper-of-pods-policies").Data
	var document map[string]any
	if err := yaml.UnmarshalStrict([]byte(files["ours.yaml"]), &document); err != nil || document["kind"] != "Policy" {
		t.Errorf("ours.yaml is %q (%v)", files["ours.yaml"], err)
	}
}

func TestReplicasAreKept(t *testing.T) {
	objects := render(t, "everything")
	scaler := find[autoscaling.HorizontalPodAutoscaler](t, objects, "HorizontalPodAutoscaler", "gatekeeper-of-pods").Spec
	if *scaler.MinReplicas != 3 || scaler.MaxReplicas != 9 {
		t.Errorf("the autoscaler is %+v", scaler)
	}
	if want := (autoscaling.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "gatekeeper-of-pods"}); scaler.ScaleTargetRef != want {
		t.Errorf("it scales %+v", scaler.ScaleTargetRef)
	}
	// 250 is what `everything` sets.
	cpu := []autoscaling.MetricSpec{{Type: autoscaling.ResourceMetricSourceType, Resource: &autoscaling.ResourceMetricSource{Name: core.ResourceCPU,
		Target: autoscaling.MetricTarget{Type: autoscaling.UtilizationMetricType, AverageUtilization: ptr(int32(250))}}}}
	if !reflect.DeepEqual(scaler.Metrics, cpu) {
		t.Errorf("it aims at %+v", scaler.Metrics)
	}
	for values, want := range map[string]intstr.IntOrString{"default": intstr.FromInt32(1), "everything": intstr.FromString("50%")} {
		name := deployment(t, values).Name
		budget := find[policy.PodDisruptionBudget](t, render(t, values), "PodDisruptionBudget", name).Spec
		if budget.MinAvailable == nil || *budget.MinAvailable != want || budget.MaxUnavailable != nil {
			t.Errorf("%s: the budget is %+v", values, budget)
		}
		// A pod that is not ready must not hold up a drain.
		if *budget.UnhealthyPodEvictionPolicy != policy.AlwaysAllow {
			t.Errorf("%s: unhealthy pods are evicted by %s", values, *budget.UnhealthyPodEvictionPolicy)
		}
	}
	// One replica with a budget could never be drained.
	for values, want := range map[string]bool{"default": true, "minimal": false} {
		if got := render(t, values).has("PodDisruptionBudget", "podreeve"); got != want {
			t.Errorf("%s: a PodDisruptionBudget: %v", values, got)
		}
	}
	if render(t, "default", "--set", "replicaCount=1").has("PodDisruptionBudget", "podreeve") {
		t.Error("one replica has a PodDisruptionBudget")
	}
}
