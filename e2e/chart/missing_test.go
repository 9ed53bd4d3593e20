package chart

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Values without a key render as if the key had its default: `--set KEY=null` takes one away, and `--reuse-values` after an
// upgrade of the chart has none of the new ones.
func TestMissingValuesHaveTheirDefaults(t *testing.T) {
	values, err := Values()
	if err != nil {
		t.Fatal(err)
	}
	helm := helm(t, "helm4")
	want, err := helm.Template()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	groups := map[string]bool{}
	for _, value := range values {
		if isUsersMap(value.Path) {
			continue
		}
		all = append(all, value.Path+"=null")
		for path := value.Path; strings.Contains(path, "."); {
			path = path[:strings.LastIndex(path, ".")]
			groups[path] = true
		}
	}
	sets := map[string]string{"every value": strings.Join(all, ",")}
	for group := range groups {
		if !isUsersMap(group) {
			sets[group] = group + "=null"
		}
	}
	if len(all) < 100 || len(sets) < 15 {
		t.Fatalf("%d values in %d groups: the values were not read", len(all), len(sets))
	}
	for name, set := range sets {
		if got, err := helm.Template("--set", set); err != nil {
			t.Errorf("without %s the chart does not render: %v", name, err)
		} else if got != want {
			t.Errorf("without %s the chart renders something else than with the defaults", name)
		}
	}
}

// `--set KEY=null` stays in the release, and the next upgrade with `--reuse-values` brings the null: the schema must take it.
func TestTheSchemaTakesNull(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(Dir(), "values.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	var root map[string]any
	if err := json.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	count := 0
	var walk func(path string, schema map[string]any)
	walk = func(path string, schema map[string]any) {
		properties, _ := schema["properties"].(map[string]any)
		for key, value := range properties {
			value, _ := value.(map[string]any)
			count++
			if at := path + key; at != "enabled" && !takesNull(value) {
				t.Errorf("values.schema.json refuses null for %s", at)
			}
			walk(path+key+".", value)
		}
	}
	walk("", root)
	if count < 150 {
		t.Fatalf("%d keys: the schema was not read", count)
	}
}

func takesNull(schema map[string]any) bool {
	if types, is := schema["type"].([]any); is && slices.Contains(types, any("null")) {
		return true
	}
	if values, is := schema["enum"].([]any); is && slices.Contains(values, nil) {
		return true
	}
	alternatives, _ := schema["anyOf"].([]any)
	return slices.ContainsFunc(alternatives, func(alternative any) bool {
		schema, _ := alternative.(map[string]any)
		return schema["type"] == "null"
	})
}

// Maps with keys of the user's render without what was taken out of them.
func TestUsersMapsCanBeEmptied(t *testing.T) {
	for _, path := range usersMaps {
		if _, err := helm(t, "helm4").Template("--set", path+"=null"); err != nil {
			t.Errorf("without %s the chart does not render: %v", path, err)
		}
	}
	text, err := helm(t, "helm4").Template("--set", "nodeSelector=null,resources.limits.memory=null")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text, "nodeSelector:\n        kubernetes.io/os") || strings.Contains(text, "memory: 256Mi") {
		t.Error("what was taken out of nodeSelector and resources came back")
	}
}

var usersMaps = []string{"nodeSelector", "resources", "podSecurityContext", "securityContext", "updateStrategy", "grafana.dashboard.labels",
	"startupProbe", "livenessProbe", "readinessProbe"}

func isUsersMap(path string) bool {
	for _, users := range usersMaps {
		if path == users || strings.HasPrefix(path, users+".") {
			return true
		}
	}
	return false
}

// Values that contradict each other are refused with a sentence that names them.
func TestContradictionsAreRefused(t *testing.T) {
	for set, says := range map[string]string{
		"replicaCount=0":                                         "replicaCount is 0",
		"podDisruptionBudget.minAvailable=2":                     "lets none of 2 replicas be evicted",
		"podDisruptionBudget.minAvailable=100%":                  "lets none of 2 replicas be evicted",
		"podDisruptionBudget.maxUnavailable=0":                   "lets none of 2 replicas be evicted",
		"autoscaling.enabled=true,autoscaling.minReplicas=7":     "autoscaling.minReplicas (7) is above autoscaling.maxReplicas (6)",
		"drainDelay=1m":                                          "drainDelay (1m) is not shorter than terminationGracePeriodSeconds (60)",
		"terminationGracePeriodSeconds=12":                       "drainDelay (12s) is not shorter",
		"networkPolicy.apiServerCIDRs[0]=10.0.0.1":               `"10.0.0.1", which is no CIDR`,
		"networkPolicy.apiServerCIDRs[0]=10.0.0.0/33":            "no CIDR",
		"networkPolicy.apiServerCIDRs[0]=api.example.com":        "no CIDR",
		"tls.mode=certManager,tls.certManager.renewBefore=2160h": "renewBefore (2160h) is not shorter than tls.certManager.duration (2160h)",
		"updateStrategy.rollingUpdate.maxSurge=0":                "no upgrade could begin",
		"resourceQuota.enabled=true,priorityClassName=":          "resourceQuota.enabled needs a priorityClassName",
		"rbac.nodesConfigz=true,rbac.nodesProxy=true":            "rbac.nodesConfigz and rbac.nodesProxy are both true",
		"drainDelay=40s":                                         "drainDelay (40s) is longer than 35s",
		"ports.https=8080":                                       "ports.https and ports.metrics are both 8080",
		"service.port=8080":                                      "service.port and service.metricsPort are both 8080",
		"denyAfter=2027-02-30":                                   "denyAfter is 2027-02-30, and there is no such day",
		"webhook.excludeUsers[0]=a'b":                            "excludeUsers",
		"image.registry=https://registry.example.com":            `image.registry is "https://registry.example.com", and no image can have such a name`,
		"image.registry=registry.example.com/":                   "no / behind it",
		"global.imageRegistry=oci://registry.example.com":        "global.imageRegistry is",
		"image.repository=podreeve/podreeve:1":                   `image.repository is "podreeve/podreeve:1"`,
		"image.tag=1@sha256:2":                                   "A digest belongs into image.digest",
	} {
		_, err := helm(t, "helm4").Template("--set", set)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("--set %s: %v; the error should say %q", set, err, says)
		}
	}
	for _, set := range []string{
		"podDisruptionBudget.minAvailable=2,replicaCount=3", "podDisruptionBudget.maxUnavailable=1", "denyAfter=2028-02-29", "drainDelay=35s", "podDisruptionBudget.minAvailable=1,replicaCount=1",
		"podDisruptionBudget.minAvailable=5,podDisruptionBudget.enabled=false", "drainDelay=500ms,terminationGracePeriodSeconds=2",
		"image.registry=registry.example.com:5000/team", "image.registry=[fd00::1]:5000", "image.registry=localhost", "image.repository=registry.example.com:5000/a_b/c.d",
		"networkPolicy.apiServerCIDRs[0]=2001:db8::/64,networkPolicy.apiServerCIDRs[1]=192.0.2.1/32,networkPolicy.apiServerCIDRs[2]=::/0",
	} {
		if _, err := helm(t, "helm4").Template("--set", set); err != nil {
			t.Errorf("--set %s: %v", set, err)
		}
	}
}
