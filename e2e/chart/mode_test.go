package chart

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	admission "k8s.io/api/admissionregistration/v1"
	core "k8s.io/api/core/v1"
)

// The mode arrives in the arguments of the server and of the test, in the annotation that replicas of before an upgrade follow, and in
// the policy for failures.
func TestModeArrivesEverywhere(t *testing.T) {
	for set, want := range map[string]struct {
		args    string
		named   map[string]any
		failure admission.FailurePolicyType
	}{
		"":           {"--mode=warn", map[string]any{"mode": "warn", "denyFrom": "low"}, admission.Ignore},
		"mode=audit": {"--mode=audit", map[string]any{"mode": "audit", "denyFrom": "low"}, admission.Ignore},
		"mode=deny":  {"--mode=deny", map[string]any{"mode": "deny", "denyFrom": "low"}, admission.Fail},
		"mode=deny,denyFrom=critical,denyAfter=2027-01-31": {"--mode=deny --deny-from=critical --deny-after=2027-01-31",
			map[string]any{"mode": "deny", "denyFrom": "critical", "denyAfter": "2027-01-31"}, admission.Fail},
		"mode=deny,webhook.failurePolicy=Ignore": {"--mode=deny", map[string]any{"mode": "deny", "denyFrom": "low"}, admission.Ignore},
		"mode=warn,webhook.failurePolicy=Fail":   {"--mode=warn", map[string]any{"mode": "warn", "denyFrom": "low"}, admission.Fail},
	} {
		objects := armed(t, "default", "--set", set)
		server := deployment(t, "default", "--set", set)
		test := find[core.Pod](t, objects, "Pod", "podreeve-test").Spec.Containers[0]
		for _, args := range [][]string{server.Spec.Template.Spec.Containers[0].Args, test.Args} {
			if !strings.Contains(strings.Join(args, " ")+" ", want.args+" ") {
				t.Errorf("%s: %q lack %s", set, args, want.args)
			}
		}
		var named map[string]any
		if err := json.Unmarshal([]byte(server.Annotations["podreeve.dev/mode"]), &named); err != nil || !reflect.DeepEqual(named, want.named) {
			t.Errorf("%s: the annotation is %v (%v), wanted %v", set, named, err, want.named)
		}
		validating := find[admission.ValidatingWebhookConfiguration](t, objects, "ValidatingWebhookConfiguration", "podreeve")
		mutating := find[admission.MutatingWebhookConfiguration](t, objects, "MutatingWebhookConfiguration", "podreeve")
		if got := *validating.Webhooks[0].FailurePolicy; got != want.failure {
			t.Errorf("%s: failurePolicy %s, wanted %s", set, got, want.failure)
		}
		if got := *mutating.Webhooks[0].FailurePolicy; got != admission.Ignore {
			t.Errorf("%s: the mutating webhook has failurePolicy %s", set, got)
		}
	}
}

// YAML may read a date as something else than text.
func TestDenyAfterNeedsNoQuotes(t *testing.T) {
	args := deployment(t, "everything").Spec.Template.Spec.Containers[0].Args
	if !strings.Contains(strings.Join(args, " "), "--deny-after=2027-01-31") {
		t.Errorf("%q", args)
	}
}

// A chart without `mode` denied. `--reuse-values` brings its values, without the key, and the upgrade goes on denying.
func TestUpgradeWithOldValuesGoesOnDenying(t *testing.T) {
	for args, want := range map[string]string{"--is-upgrade": "--mode=deny", "": "--mode=warn"} {
		all := append([]string{"--set", "mode=null"}, strings.Fields(args)...)
		got := strings.Join(deployment(t, "default", all...).Spec.Template.Spec.Containers[0].Args, " ")
		if !strings.Contains(got, want) {
			t.Errorf("%q: %s lacks %s", args, got, want)
		}
	}
}

// In mode audit nothing about a pod shows that podreeve is called, so the test may send an Exemption.
func TestTestPodsRightsFollowTheMode(t *testing.T) {
	for mode, want := range map[string]string{"audit": "pods exemptions", "warn": "pods", "deny": "pods"} {
		var resources []string
		for _, object := range render(t, "default", "--set", "mode="+mode) {
			if object.GetKind() == "Role" && object.GetName() == "podreeve-test" {
				for _, rule := range object.Object["rules"].([]any) {
					resources = append(resources, rule.(map[string]any)["resources"].([]any)[0].(string))
				}
			}
		}
		if got := strings.Join(resources, " "); got != want {
			t.Errorf("%s: the test may create %s, wanted %s", mode, got, want)
		}
	}
}
