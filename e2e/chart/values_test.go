package chart

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

func TestEveryValueIsDescribed(t *testing.T) {
	values, err := Values()
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range values {
		if value.About == "" && !isSelfExplaining(value.Path) {
			t.Errorf("%s has no comment above it in values.yaml", value.Path)
		}
	}
}

// isSelfExplaining: keys that are Kubernetes' own.
func isSelfExplaining(path string) bool {
	for _, prefix := range []string{"resources.", "podSecurityContext", "securityContext", "nodeSelector.", "nodes.resources.", "nodes.nodeSelector.", "updateStrategy.", "grafana.dashboard.labels."} {
		if strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return false
}

// The schema and values.yaml have the same keys: a key in one of them alone is set in vain, or refused.
func TestSchemaHasTheKeysOfTheValues(t *testing.T) {
	var values, schema map[string]any
	text, err := os.ReadFile(filepath.Join(Dir(), "values.yaml"))
	if err == nil {
		err = yaml.UnmarshalStrict(text, &values)
	}
	if err != nil {
		t.Fatal(err)
	}
	text, err = os.ReadFile(filepath.Join(Dir(), "values.schema.json"))
	if err == nil {
		err = json.Unmarshal(text, &schema)
	}
	if err != nil {
		t.Fatal(err)
	}
	sameKeys(t, "", values, schema)
}

func sameKeys(t *testing.T, path string, values, schema map[string]any) {
	t.Helper()
	properties, closed := schema["properties"].(map[string]any)
	if !closed {
		return // an object of Kubernetes, or a map with keys of the user's
	}
	if schema["additionalProperties"] != false {
		t.Errorf("the schema of %q lets unknown keys in: a typing error would be ignored", path)
	}
	for name, value := range values {
		property, known := properties[name].(map[string]any)
		if !known {
			t.Errorf("values.yaml has %s%s, the schema does not", path, name)
		} else if inner, is := value.(map[string]any); is {
			sameKeys(t, path+name+".", inner, property)
		}
	}
	// Those that a parent chart may set, and what has no sensible default.
	unset := []string{"global", "enabled", "resources.claims", "images.resources.requests", "webhook.namespaceSelector.matchLabels", "webhook.namespaceSelector.matchExpressions"}
	for _, probe := range []string{"startupProbe", "livenessProbe", "readinessProbe"} {
		for _, time := range []string{"initialDelaySeconds", "periodSeconds", "timeoutSeconds", "successThreshold", "failureThreshold"} {
			unset = append(unset, probe+"."+time)
		}
	}
	for name := range properties {
		if _, is := values[name]; !is && !slices.Contains(unset, path+name) {
			t.Errorf("the schema has %s%s, values.yaml does not", path, name)
		}
	}
}

// Each of these must be refused by both Helms, with the key in the message.
func TestWrongValuesAreRefused(t *testing.T) {
	wrong := map[string]string{
		"replicas=3":                   "replicas",
		"image.name=podreeve":          "name",
		"webhook.timeoutSeconds=31":    "timeoutSeconds",
		"webhook.timeoutSeconds=5s":    "timeoutSeconds",
		"webhook.failurePolicy=fail":   "failurePolicy",
		"webhook.objectSelector.a=b":   "objectSelector",
		"tls.mode=self":                "mode",
		"tls.caBundle=nonsense":        "caBundle",
		"webhook.clientCA.pem=a":       "pem",
		"webhook.clientCA.caBundle=a":  "caBundle",
		"image.digest=sha256:12":       "digest",
		"scan.interval=often":          "interval",
		"scan.reports=kyverno":         "reports",
		"policyFiles.a=b":              "policyFiles",
		"exemptionNamespaces[0]=Bad_1": "exemptionNamespaces",
		"service.port=0":               "port",
		"service.ipFamilyPolicy=Dual":  "ipFamilyPolicy",
		"service.ipFamilies={IPv5}":    "ipFamilies",
		"crds.instal=true":             "instal",
		"mode=off":                     "mode",
		"denyFrom=severe":              "denyFrom",
		"denyAfter=tomorrow":           "denyAfter",
	}
	for name, helm := range helms(t) {
		for set, key := range wrong {
			_, err := helm.Template("--set", set)
			if err == nil {
				t.Errorf("%s: --set %s is taken", name, set)
			} else if !strings.Contains(err.Error(), key) {
				t.Errorf("%s: the error on --set %s does not name %s: %v", name, set, key, err)
			}
		}
	}
}

// Where no public image exists, the pages say which one to push: that of this chart.
func TestTheImageToPushIsThatOfTheChart(t *testing.T) {
	var about struct{ AppVersion string }
	text, err := os.ReadFile(filepath.Join(Dir(), "Chart.yaml"))
	if err == nil {
		err = yaml.Unmarshal(text, &about)
	}
	if err != nil || about.AppVersion == "" {
		t.Fatalf("Chart.yaml has the appVersion %q: %v", about.AppVersion, err)
	}
	for _, page := range []string{"README.md", "docs/install.md", "charts/podreeve/README.md", "charts/podreeve/values.yaml"} {
		text, err := os.ReadFile(filepath.Join(Root(), page))
		if err != nil {
			t.Fatal(err)
		}
		if _, after, found := strings.Cut(string(text), "buildah push podreeve:dev docker://"); !found || !strings.HasSuffix(strings.TrimRight(strings.Fields(after)[0], "`.:"), "/podreeve/podreeve:"+about.AppVersion) {
			t.Errorf("%s does not say to push the image with the tag %s", page, about.AppVersion)
		}
	}
}
