package chart

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What Kubernetes itself does not define, and so has no schema of.
var foreign = []string{"ServiceMonitor", "PrometheusRule", "Issuer", "Certificate"}

func TestObjectsFitKubernetesSchemas(t *testing.T) {
	schemas := kubernetesSchemas(t)
	for _, values := range matrix(t) {
		text, err := helm(t, "helm4").Template("-f", valuesFile(values))
		if err != nil {
			t.Fatal(err)
		}
		if complaint, ok := conform(t, schemas, text); !ok {
			t.Errorf("%s: %s", values, complaint)
		}
	}
	for _, file := range []string{"deploy/install.yaml", "policies/owasp.yaml", "policies/pss-baseline.yaml", "policies/pss-restricted.yaml"} {
		text, err := os.ReadFile(filepath.Join(Root(), file))
		if err != nil {
			t.Fatal(err)
		}
		if complaint, ok := conform(t, schemas, string(text)); !ok {
			t.Errorf("%s: %s", file, complaint)
		}
	}
}

// The check can fail: a misspelt field, a wrong type and an unknown kind are found.
func TestConformanceIsChecked(t *testing.T) {
	schemas := kubernetesSchemas(t)
	for _, wrong := range []string{
		"apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {prots: []}\n",
		"apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: https}]}\n",
		"apiVersion: v1\nkind: Servise\nmetadata: {name: a}\n",
		"apiVersion: podreeve.dev/v1alpha1\nkind: Policy\nmetadata: {name: a}\nspec: {rules: {privileged: {action: forbid}}}\n",
	} {
		if _, ok := conform(t, schemas, wrong); ok {
			t.Errorf("this passes:\n%s", wrong)
		}
	}
}

func conform(t *testing.T, schemas, manifest string) (string, bool) {
	t.Helper()
	cmd := exec.Command(tool(t, "kubeconform"), "-strict", "-summary", "-skip", strings.Join(foreign, ","),
		"-schema-location", schemas+"/{{.Group}}_{{.ResourceAPIVersion}}_{{.ResourceKind}}.json", "-")
	cmd.Stdin = strings.NewReader(manifest)
	out, err := cmd.CombinedOutput()
	return string(out), err == nil
}

type schema = map[string]any

// kubernetesSchemas makes a JSON schema of every kind of Kubernetes and of ours, and returns their folder: kubeconform's own lie on
// the network.
func kubernetesSchemas(t *testing.T) string {
	t.Helper()
	var swagger struct {
		Definitions map[string]schema `json:"definitions"`
	}
	readJSON(t, filepath.Join(kubernetesSource(t), "api", "openapi-spec", "swagger.json"), &swagger)
	for name, definition := range swagger.Definitions {
		tighten(name, definition)
	}
	dir := t.TempDir()
	for name, definition := range swagger.Definitions {
		kinds, _ := definition["x-kubernetes-group-version-kind"].([]any)
		if len(kinds) != 1 {
			continue // the others are options of many groups
		}
		gvk := kinds[0].(schema)
		needed := map[string]schema{}
		collect(swagger.Definitions, name, needed)
		writeSchema(t, dir, gvk["group"].(string), gvk["version"].(string), gvk["kind"].(string),
			schema{"$ref": "#/definitions/" + name, "definitions": needed})
	}
	for _, object := range render(t, "default") {
		if object.GetKind() == "CustomResourceDefinition" {
			writeCustomSchemas(t, dir, object.Object["spec"].(schema))
		}
	}
	return dir
}

func kubernetesSource(t *testing.T) string {
	t.Helper()
	cmd := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "k8s.io/kubernetes")
	cmd.Dir = filepath.Join(Root(), "e2e", "tools")
	dir, err := cmd.Output()
	if err != nil || len(dir) < 2 {
		t.Fatalf("the source of Kubernetes, with its schemas, is not in the Go module cache: %v; `go mod download k8s.io/kubernetes` in e2e/tools gets it", err)
	}
	return strings.TrimSpace(string(dir))
}

// tighten makes unknown fields errors, and lets those two types be what the API takes.
func tighten(name string, definition schema) {
	switch {
	case strings.HasSuffix(name, ".IntOrString"), strings.HasSuffix(name, ".Quantity"):
		delete(definition, "format")
		definition["type"] = []string{"string", "number"}
	case strings.HasSuffix(name, ".JSONSchemaProps"):
		// Its own keys are `$ref` and `$schema`, which a reader of schemas would follow.
		for key := range definition {
			delete(definition, key)
		}
	case definition["properties"] != nil && definition["additionalProperties"] == nil:
		definition["additionalProperties"] = false
	}
}

// collect follows every reference.
func collect(all map[string]schema, name string, into map[string]schema) {
	if _, known := into[name]; known {
		return
	}
	into[name] = all[name]
	follow(all, all[name], into)
}

func follow(all map[string]schema, value any, into map[string]schema) {
	switch value := value.(type) {
	case schema:
		if ref, is := value["$ref"].(string); is {
			collect(all, strings.TrimPrefix(ref, "#/definitions/"), into)
		}
		for _, inner := range value {
			follow(all, inner, into)
		}
	case []any:
		for _, inner := range value {
			follow(all, inner, into)
		}
	}
}

func writeCustomSchemas(t *testing.T, dir string, spec schema) {
	t.Helper()
	kind := spec["names"].(schema)["kind"].(string)
	for _, version := range spec["versions"].([]any) {
		version := version.(schema)
		content := version["schema"].(schema)["openAPIV3Schema"].(schema)
		properties := content["properties"].(schema)
		for name, kind := range map[string]string{"apiVersion": "string", "kind": "string", "metadata": "object"} {
			if properties[name] == nil {
				properties[name] = schema{"type": kind}
			}
		}
		closed(content)
		writeSchema(t, dir, spec["group"].(string), version["name"].(string), kind, content)
	}
}

// closed: the API server prunes what a CRD does not name; kubectl refuses it, and so does this.
func closed(value any) {
	switch value := value.(type) {
	case schema:
		_, open := value["additionalProperties"]
		if properties, is := value["properties"].(schema); is && !open && value["x-kubernetes-preserve-unknown-fields"] != true {
			value["additionalProperties"] = false
			for _, property := range properties {
				closed(property)
			}
		}
		closed(value["items"])
		closed(value["additionalProperties"])
	}
}

func writeSchema(t *testing.T, dir, group, version, kind string, content schema) {
	t.Helper()
	text, err := json.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	if group == "" {
		group = version // so kubeconform calls the core group
	}
	name := strings.Join([]string{group, version, strings.ToLower(kind)}, "_") + ".json"
	if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Only what is foreign is passed over.
func TestForeignKindsAreForeign(t *testing.T) {
	for _, values := range matrix(t) {
		for _, object := range render(t, values) {
			group, _, _ := strings.Cut(object.GetAPIVersion(), "/")
			outside := group == "monitoring.coreos.com" || group == "cert-manager.io"
			if outside != slices.Contains(foreign, object.GetKind()) {
				t.Errorf("%s: %s of %s", values, key(object), group)
			}
		}
	}
}
