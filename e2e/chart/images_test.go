package chart

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	admission "k8s.io/api/admissionregistration/v1"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	rbac "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"

	"podreeve.dev/e2e/pages"
)

// Nothing of images is there by default: no right, no egress, no argument.
func TestImagesAreOffByDefault(t *testing.T) {
	text, err := helm(t, "helm4").Template()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(text, "\n") {
		if strings.Contains(line, "--images") || strings.Contains(line, "name: podreeve-images") || strings.Contains(line, "port: 53") {
			t.Errorf("without images.enabled the chart renders %q", line)
		}
	}
}

// The pod has each Secret and ConfigMap that the settings name, once, and where `serve` looks for it.
func TestFilesOfImagesAreMounted(t *testing.T) {
	objects := render(t, "images")
	pod := find[apps.Deployment](t, objects, "Deployment", "podreeve").Spec.Template.Spec
	paths := map[string]string{}
	for _, mount := range pod.Containers[0].VolumeMounts {
		paths[mount.Name] = mount.MountPath
	}
	got := map[string]string{}
	for _, volume := range pod.Volumes {
		switch {
		case volume.Secret != nil && volume.Secret.Optional != nil && *volume.Secret.Optional:
			got["Secret "+volume.Secret.SecretName] = paths[volume.Name]
		case volume.ConfigMap != nil && strings.HasPrefix(volume.Name, "images") && volume.ConfigMap.Optional != nil && *volume.ConfigMap.Optional:
			got["ConfigMap "+volume.ConfigMap.Name] = paths[volume.Name]
		}
	}
	want := map[string]string{
		"Secret shop":               "/etc/podreeve/images/secrets/shop",
		"ConfigMap own-ca":          "/etc/podreeve/images/configmaps/own-ca",
		"ConfigMap keys":            "/etc/podreeve/images/configmaps/keys",
		"ConfigMap trusted-root":    "/etc/podreeve/images/configmaps/trusted-root",
		"ConfigMap notary-roots":    "/etc/podreeve/images/configmaps/notary-roots",
		"ConfigMap podreeve-images": "/etc/podreeve/images/document",
	}
	for name, path := range want {
		if got[name] != path {
			t.Errorf("%s is at %q, wanted %q", name, got[name], path)
		}
	}
	if len(got) != len(want) {
		t.Errorf("the pod has %v", got)
	}
	for _, arg := range []string{
		"--images=/etc/podreeve/images/document/images.yaml", "--images-files=/etc/podreeve/images", "--images-secret=podreeve-images",
		"--last-good-images=podreeve-images-last-good",
	} {
		if !slices.Contains(pod.Containers[0].Args, arg) {
			t.Errorf("no argument %s in %v", arg, pod.Containers[0].Args)
		}
	}
	if memory := pod.Containers[0].Resources.Limits.Memory().String(); memory != "768Mi" {
		t.Errorf("the memory limit is %s", memory)
	}
	var document map[string]any
	settings := find[core.ConfigMap](t, objects, "ConfigMap", "podreeve-images")
	if err := yaml.Unmarshal([]byte(settings.Data["images.yaml"]), &document); err != nil {
		t.Fatal(err)
	}
	if document["onUnavailable"] != "allowRunning" || document["onUnknown"] != nil || document["layers"] != true {
		t.Errorf("the settings are %v", document)
	}
}

// What the pods may reach is what the values name, and names are looked up.
func TestEgressOfImagesIsNamed(t *testing.T) {
	objects := render(t, "images")
	policy := find[networking.NetworkPolicy](t, objects, "NetworkPolicy", "podreeve")
	var ports []string
	for _, egress := range policy.Spec.Egress {
		for _, port := range egress.Ports {
			ports = append(ports, port.Port.String())
		}
	}
	if want := []string{"https", "443", "6443", "53", "53", "443"}; !slices.Equal(ports, want) {
		t.Errorf("egress to the ports %v, wanted %v", ports, want)
	}
	last := policy.Spec.Egress[len(policy.Spec.Egress)-1]
	if len(last.To) != 1 || last.To[0].IPBlock.CIDR != "192.0.2.0/24" {
		t.Errorf("the registries are %+v", last.To)
	}
	role := find[rbac.Role](t, objects, "Role", "podreeve")
	if !slices.ContainsFunc(role.Rules, func(rule rbac.PolicyRule) bool { return slices.Equal(rule.ResourceNames, []string{"podreeve-images"}) }) {
		t.Error("the replicas may not read the key of the seals")
	}
}

// podreeve reads Secrets of other namespaces only where that is switched on: in those that are named, or else in all. It never lists them.
func TestPullSecretsNeedARight(t *testing.T) {
	readsSecrets := func(rules []rbac.PolicyRule) bool {
		return slices.ContainsFunc(rules, func(rule rbac.PolicyRule) bool {
			return slices.Contains(rule.Resources, "secrets") && len(rule.ResourceNames) == 0 && slices.Equal(rule.Verbs, []string{"get"})
		})
	}
	for values, want := range map[string]struct {
		all        bool
		namespaces []string
	}{
		"images": {namespaces: []string{"shop", "web"}},
		"images --set images.pullSecrets.namespaces=null":                                     {all: true},
		"images --set images.pullSecrets.enabled=false":                                       {},
		"default --set images.pullSecrets.enabled=true,images.pullSecrets.namespaces[0]=shop": {},
	} {
		args := strings.Fields(values)
		objects := render(t, args[0], args[1:]...)
		if got := readsSecrets(find[rbac.ClusterRole](t, objects, "ClusterRole", "podreeve").Rules); got != want.all {
			t.Errorf("%s: whether the ClusterRole reads all Secrets is %v", values, got)
		}
		var namespaces []string
		for _, object := range objects {
			if object.GetKind() == "Role" && object.GetName() == "podreeve-pull-secrets" {
				namespaces = append(namespaces, object.GetNamespace())
			}
		}
		if !slices.Equal(namespaces, want.namespaces) {
			t.Errorf("%s: Roles in %v, wanted %v", values, namespaces, want.namespaces)
		}
	}
	document := find[core.ConfigMap](t, render(t, "images"), "ConfigMap", "podreeve-images").Data["images.yaml"]
	if !strings.Contains(document, "pullSecrets:") {
		t.Errorf("the settings do not say it:\n%s", document)
	}
}

// podreeve reads the reports of trivy-operator only where that is switched on, and never writes them.
func TestVulnerabilityReportsNeedARight(t *testing.T) {
	for values, want := range map[string]bool{
		"images": false, "images --set images.vulnerabilityReports=true": true, "default --set images.vulnerabilityReports=true": false,
	} {
		args := strings.Fields(values)
		objects := render(t, args[0], args[1:]...)
		var verbs []string
		for _, rule := range find[rbac.ClusterRole](t, objects, "ClusterRole", "podreeve").Rules {
			if slices.Contains(rule.APIGroups, "aquasecurity.github.io") {
				verbs = append(verbs, rule.Verbs...)
			}
		}
		if wanted := []string{"list", "watch"}; want && !slices.Equal(verbs, wanted) || !want && verbs != nil {
			t.Errorf("%s: podreeve may %q reports of scanners", values, verbs)
		}
		if args[0] == "images" {
			document := find[core.ConfigMap](t, objects, "ConfigMap", "podreeve-images").Data["images.yaml"]
			if strings.Contains(document, "vulnerabilityReports: true") != want {
				t.Errorf("%s: the settings are\n%s", values, document)
			}
		}
	}
}

// Where a request may wait for a registry, the API server waits longer, unless the values say how long.
func TestTimeoutOfImages(t *testing.T) {
	for values, want := range map[string]int32{
		"default": 5, "images": 10, "default --set webhook.timeoutSeconds=7": 7, "images --set webhook.timeoutSeconds=7": 7,
	} {
		args := strings.Fields(values)
		objects := render(t, args[0], args[1:]...)
		lists := find[core.ConfigMap](t, objects, "ConfigMap", "podreeve-webhooks")
		var webhooks struct {
			Validating []admission.ValidatingWebhook
			Mutating   []admission.MutatingWebhook
		}
		if err := yaml.Unmarshal([]byte(lists.Data["webhooks.json"]), &webhooks); err != nil {
			t.Fatal(err)
		}
		for _, webhook := range webhooks.Validating {
			if *webhook.TimeoutSeconds != want {
				t.Errorf("%s: %s waits %d s, wanted %d", values, webhook.Name, *webhook.TimeoutSeconds, want)
			}
		}
		if *webhooks.Mutating[0].TimeoutSeconds != want {
			t.Errorf("%s: the mutating webhook waits %d s, wanted %d", values, *webhooks.Mutating[0].TimeoutSeconds, want)
		}
	}
}

// Settings with which no image would ever be known are refused.
func TestImagesThatNobodyCanReadAreRefused(t *testing.T) {
	const registry = ",images.registries[0].prefix=registry.example.com"
	for set, says := range map[string]string{
		"images.enabled=true":                                               "images.enabled needs images.registries",
		"images.enabled=true" + registry:                                    "apiServerCIDRs, every address is open on the ports 443 and 6443",
		"images.registries[0].host=a":                                       "host",
		"images.trust[0].prefix=a,images.trust[0].anyOf[0].gpg=a":           "gpg",
		"images.enabled=true,images.registries[0].prefix=https://a.example": "/images/registries/0/prefix",
		"images.enabled=true,images.registries[0].prefix=index.docker.io":   "/images/registries/0/prefix",
		"images.enabled=true,images.registries[0].prefix=a.example:443":     "/images/registries/0/prefix",
		"images.enabled=true,images.registries[0].prefix=169.254.169.254":   "/images/registries/0/prefix",
		"images.enabled=true,images.registries[1].prefix=registry.example.com,images.registries[1].plainHttp=true" + registry: "images.registries[1].prefix: \"registry.example.com\" is that of images.registries[0], too",
		"images.enabled=true,images.trust[0].prefix=web,images.trust[0].anyOf[0].cosignKey.pem=a" + registry:                  "/images/trust/0/prefix",
		"images.enabled=true,images.trust[0].prefix=a.b,images.trust[0].anyOf[0].cosignKey.file=a" + registry:                 "names the file a",
		"images.enabled=true,images.trust[0].prefix=a.b,images.trust[0].anyOf[0].cosignKey.pem=PRIVATE KEY-----" + registry:   "has a private key",
		"images.onUnknown=refuse":    "onUnknown",
		"images.onUnavailable=allow": "onUnavailable",
	} {
		_, err := helm(t, "helm4").Template("--set", set)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("--set %s: %v; the error should say %q", set, err, says)
		}
	}
	if _, err := helm(t, "helm4").Template("--set", "images.enabled=true,networkPolicy.enabled=false"+registry); err != nil {
		t.Error(err)
	}
}

// The schema of the values refuses the names that podreeve refuses. tests/registry/names.rs holds podreeve to the same list.
func TestNamesInSettingsOfImages(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(Root(), "tests", "registry", "names.json"))
	if err != nil {
		t.Fatal(err)
	}
	var names map[string]struct{ Good, Bad []string }
	if err := json.Unmarshal(text, &names); err != nil {
		t.Fatal(err)
	}
	// Switched off, so that the schema alone decides.
	renders := func(registries, trust []any) error {
		values, err := yaml.Marshal(map[string]any{"images": map[string]any{"registries": registries, "trust": trust}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = helm(t, "helm4").Template("-f", writeTemp(t, string(values)))
		return err
	}
	type entry = map[string]any
	documents := map[string]func(string) ([]any, []any){
		"prefix":   func(name string) ([]any, []any) { return []any{entry{"prefix": name, "mirror": name}}, nil },
		"registry": func(name string) ([]any, []any) { return []any{entry{"prefix": name}}, nil },
		"hosts": func(name string) ([]any, []any) {
			return []any{entry{"prefix": "a.example", "authHosts": []string{name}, "redirectHosts": []string{name}}}, nil
		},
		"object": func(name string) ([]any, []any) {
			return []any{entry{"prefix": "a.example", "pullSecret": name, "ca": entry{"configMap": name}}}, nil
		},
		"trust": func(name string) ([]any, []any) {
			return nil, []any{entry{"prefix": name, "anyOf": []any{entry{"cosignKey": entry{"pem": "a"}}}}}
		},
	}
	for kind, document := range documents {
		var registries, trust []any
		for _, name := range names[kind].Good {
			moreRegistries, moreTrust := document(name)
			registries, trust = append(registries, moreRegistries...), append(trust, moreTrust...)
		}
		if err := renders(registries, trust); err != nil || len(registries)+len(trust) < 3 {
			t.Errorf("%s: %d names: %v", kind, len(registries)+len(trust), err)
		}
		for _, name := range names[kind].Bad {
			if err := renders(document(name)); err == nil || !strings.Contains(err.Error(), "/images/") {
				t.Errorf("%s %q: %v; the error should name the key", kind, name, err)
			}
		}
	}
}

// An error about values names no template that has nothing to do with it.
func TestErrorsAboutValuesNameTheValues(t *testing.T) {
	for name, helm := range helms(t) {
		_, err := helm.Template("--set", "replicaCount=0")
		if err == nil || !strings.Contains(err.Error(), "(podreeve/templates/values/check.yaml:") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Facts that a person sealed count again after images were off, or after an uninstall: the key stays.
func TestTheKeyOfSealsStays(t *testing.T) {
	secret := find[core.Secret](t, render(t, "images"), "Secret", "podreeve-images")
	if secret.Annotations["helm.sh/resource-policy"] != "keep" || secret.Data != nil {
		t.Errorf("it is %v", secret)
	}
	create := func(values ...string) bool {
		role := find[rbac.Role](t, render(t, values[0], values[1:]...), "Role", "podreeve")
		return slices.ContainsFunc(role.Rules, func(rule rbac.PolicyRule) bool {
			return slices.Contains(rule.Resources, "secrets") && slices.Equal(rule.Verbs, []string{"create"})
		})
	}
	if !create("images", "--set", "tls.mode=existingSecret,tls.secretName=a") || create("default", "--set", "tls.mode=existingSecret,tls.secretName=a") {
		t.Error("the leader must be allowed to make a Secret that was deleted, and only with images")
	}
}

// The values.yaml of docs/images-in-a-cluster.md renders, with what it names.
func TestThePageOfImages(t *testing.T) {
	objects := render(t, "default", "-f", writeTemp(t, pageValues(t, "docs/images-in-a-cluster.md")))
	pod := find[apps.Deployment](t, objects, "Deployment", "podreeve").Spec.Template.Spec
	named := func(name string) bool {
		return slices.ContainsFunc(pod.Volumes, func(volume core.Volume) bool {
			return volume.Secret != nil && volume.Secret.SecretName == name || volume.ConfigMap != nil && volume.ConfigMap.Name == name
		})
	}
	for _, name := range []string{"shop", "shop-keys"} {
		if !named(name) {
			t.Errorf("the page names %s, and the pod has no such volume", name)
		}
	}
}

// So does that of docs/private-registries.md.
func TestThePageOfPrivateRegistries(t *testing.T) {
	objects := render(t, "default", "-f", writeTemp(t, pageValues(t, "docs/private-registries.md")))
	pod := find[apps.Deployment](t, objects, "Deployment", "podreeve").Spec.Template.Spec
	for _, name := range []string{"shop", "company-ca"} {
		if !slices.ContainsFunc(pod.Volumes, func(volume core.Volume) bool {
			return volume.Secret != nil && volume.Secret.SecretName == name || volume.ConfigMap != nil && volume.ConfigMap.Name == name
		}) {
			t.Errorf("the page names %s, and the pod has no such volume", name)
		}
	}
}

// So does that of docs/pull-secrets.md.
func TestThePageOfPullSecrets(t *testing.T) {
	objects := render(t, "default", "-f", writeTemp(t, pageValues(t, "docs/pull-secrets.md")))
	count := 0
	for _, object := range objects {
		if object.GetKind() == "RoleBinding" && object.GetName() == "podreeve-pull-secrets" {
			count++
		}
	}
	if count != 2 {
		t.Errorf("the page names two namespaces, and %d have a RoleBinding", count)
	}
}

// pageValues is the block values.yaml of a page.
func pageValues(t *testing.T, page string) string {
	t.Helper()
	read, err := pages.Read(Root(), page)
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range read[0].Blocks {
		if block.Settings["file"] == "values.yaml" {
			return block.Text
		}
	}
	t.Fatalf("%s has no values.yaml", page)
	return ""
}

// And that of docs/vulnerability-reports.md.
func TestPageOfVulnerabilityReports(t *testing.T) {
	objects := render(t, "default", "-f", writeTemp(t, pageValues(t, "docs/vulnerability-reports.md")))
	settings := find[core.ConfigMap](t, objects, "ConfigMap", "podreeve-images").Data["images.yaml"]
	if !strings.Contains(settings, "vulnerabilityReports: true") {
		t.Errorf("the settings are\n%s", settings)
	}
}
