package chart

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
)

// ValuesSchema is values.schema.json, which is written by hand up to its last key, `definitions`: that is made from
// docs/policy.schema.json, so that Helm refuses a typing error in a Policy of `policyFiles`. Helm 3 knows JSON Schema as of draft 7 alone.
func ValuesSchema() (File, error) {
	const path, last = "charts/podreeve/values.schema.json", ",\n \"definitions\": "
	text, err := os.ReadFile(filepath.Join(Root(), path))
	if err != nil {
		return File{}, fmt.Errorf("read the schema of the values: %w", err)
	}
	definitions, err := policyDefinitions()
	if err != nil {
		return File{}, err
	}
	byHand, _, _ := strings.Cut(strings.TrimSuffix(string(text), "\n}\n"), last)
	return File{path, byHand + last + definitions + "\n}\n"}, nil
}

// policyDefinitions are `Policy` and what it refers to, without descriptions: Helm shows none, and each release stores its chart.
func policyDefinitions() (string, error) {
	text, err := os.ReadFile(filepath.Join(Root(), "docs", "policy.schema.json"))
	if err != nil {
		return "", fmt.Errorf("read the schema of a Policy: %w", err)
	}
	var policy map[string]any
	if err := json.Unmarshal(text, &policy); err != nil {
		return "", fmt.Errorf("read docs/policy.schema.json: %w", err)
	}
	definitions, is := policy["$defs"].(map[string]any)
	if !is {
		return "", fmt.Errorf("docs/policy.schema.json has no $defs")
	}
	if err := addImageDefinitions(definitions); err != nil {
		return "", err
	}
	for _, key := range []string{"$defs", "$schema", "$id", "title"} {
		delete(policy, key)
	}
	definitions["Policy"] = policy
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent(" ", " ")
	if err := encoder.Encode(draft7(definitions)); err != nil {
		return "", fmt.Errorf("write the schema of a Policy: %w", err)
	}
	return strings.TrimRight(out.String(), "\n"), nil
}

// addImageDefinitions adds what the lists of `images` refer to, from docs/images.schema.json.
func addImageDefinitions(definitions map[string]any) error {
	text, err := os.ReadFile(filepath.Join(Root(), "docs", "images.schema.json"))
	if err != nil {
		return fmt.Errorf("read the schema of images: %w", err)
	}
	var images struct {
		Definitions map[string]any `json:"$defs"`
	}
	if err := json.Unmarshal(text, &images); err != nil {
		return fmt.Errorf("read docs/images.schema.json: %w", err)
	}
	for name, definition := range images.Definitions {
		if there, is := definitions[name]; is && !reflect.DeepEqual(there, definition) {
			return fmt.Errorf("the schemas of policies and of images have different definitions of %s: give one type another name", name)
		}
		definitions[name] = definition
	}
	return nil
}

// draft7 has definitions where draft 2020-12 has $defs, and knows no key beside $ref.
func draft7(schema any) any {
	switch schema := schema.(type) {
	case []any:
		for i := range schema {
			schema[i] = draft7(schema[i])
		}
	case map[string]any:
		for key, value := range schema {
			_, text := value.(string)
			if key == "description" && text || strings.HasPrefix(key, "x-kubernetes-") {
				delete(schema, key)
				continue
			}
			schema[key] = draft7(value)
		}
		ref, is := schema["$ref"].(string)
		if is {
			ref = strings.Replace(ref, "#/$defs/", "#/definitions/", 1)
			schema["$ref"] = ref
		}
		if is && len(schema) > 1 {
			delete(schema, "$ref")
			all, _ := schema["allOf"].([]any)
			schema["allOf"] = append(all, map[string]any{"$ref": ref})
		}
	}
	return schema
}
