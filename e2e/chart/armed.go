package chart

import (
	"encoding/json"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Arm puts the lists of the ConfigMap into the webhook configurations, as the leader does, and returns how many it found.
func Arm(objects []unstructured.Unstructured) (int, error) {
	for _, object := range objects {
		text, found, err := unstructured.NestedString(object.Object, "data", "webhooks.json")
		if err != nil || !found || object.GetKind() != "ConfigMap" {
			continue
		}
		var lists struct{ Validating, Mutating []any }
		if err := json.Unmarshal([]byte(text), &lists); err != nil {
			return 0, fmt.Errorf("read the lists of webhooks: %w", err)
		}
		armed := 0
		for _, configuration := range objects {
			kind, is := strings.CutSuffix(configuration.GetKind(), "WebhookConfiguration")
			if !is || configuration.GetName() != strings.TrimSuffix(object.GetName(), "-webhooks") {
				continue
			}
			configuration.Object["webhooks"] = map[string][]any{"Validating": lists.Validating, "Mutating": lists.Mutating}[kind]
			armed++
		}
		return armed, nil
	}
	return 0, fmt.Errorf("no ConfigMap has lists of webhooks")
}
