package chart

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	admission "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
)

func ptr[T any](value T) *T { return &value }

func rule(group string, scope admission.ScopeType, operations []admission.OperationType, resources ...string) admission.RuleWithOperations {
	return admission.RuleWithOperations{Operations: operations,
		Rule: admission.Rule{APIGroups: []string{group}, APIVersions: []string{"v1"}, Resources: resources, Scope: &scope}}
}

var (
	writes   = []admission.OperationType{admission.Create, admission.Update}
	workload = []admission.RuleWithOperations{
		rule("", admission.NamespacedScope, writes, "pods", "pods/ephemeralcontainers", "pods/resize", "podtemplates", "replicationcontrollers"),
		rule("apps", admission.NamespacedScope, writes, "deployments", "statefulsets", "daemonsets", "replicasets"),
		rule("batch", admission.NamespacedScope, writes, "jobs", "cronjobs"),
	}
	connect = rule("", admission.NamespacedScope, []admission.OperationType{admission.Connect}, "pods/exec", "pods/attach", "pods/portforward", "pods/proxy")
	spaces  = rule("", admission.ClusterScope, writes, "namespaces")
)

// own is the webhook for podreeve's own objects: the same whatever the values say, but for the time.
func own(service admission.WebhookClientConfig, seconds int32) admission.ValidatingWebhook {
	objects := rule("podreeve.dev", admission.AllScopes, writes, "policies", "exemptions")
	objects.APIVersions = []string{"v1alpha1"}
	return admission.ValidatingWebhook{
		Name: "policies.podreeve.dev", ClientConfig: service, Rules: []admission.RuleWithOperations{objects},
		FailurePolicy: ptr(admission.Ignore), MatchPolicy: ptr(admission.Equivalent), SideEffects: ptr(admission.SideEffectClassNone),
		TimeoutSeconds: ptr(seconds), AdmissionReviewVersions: []string{"v1"},
	}
}

// ownNamespace and ownNamespaceRepairs are the webhooks for podreeve's own namespace. Whatever the values say, they let in what nobody
// answers for: a replica could not start while there is none.
func ownNamespace(service admission.WebhookClientConfig, like admission.ValidatingWebhook) admission.ValidatingWebhook {
	like.Name, like.ClientConfig, like.MatchConditions = "own-namespace.podreeve.dev", service, ownConditions(service.Service.Name, like.MatchConditions)
	like.FailurePolicy, like.NamespaceSelector = ptr(admission.Ignore), named("podreeve")
	return like
}

func ownNamespaceRepairs(service admission.WebhookClientConfig, like admission.MutatingWebhook) admission.MutatingWebhook {
	like.Name, like.ClientConfig, like.MatchConditions = "own-namespace.podreeve.dev", service, ownConditions(service.Service.Name, like.MatchConditions)
	like.FailurePolicy, like.NamespaceSelector = ptr(admission.Ignore), named("podreeve")
	return like
}

// ownConditions: the template of the agents alone is left out, whose pods are judged.
func ownConditions(release string, like []admission.MatchCondition) []admission.MatchCondition {
	return append(slices.Clone(like), admission.MatchCondition{Name: "not-the-template-of-the-agents",
		Expression: "!(request.resource.group == 'apps' && request.resource.resource == 'daemonsets' && request.name == '" + release + "-nodes')"})
}

func named(namespace string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": namespace}}
}

func notIn(namespaces ...string) metav1.LabelSelectorRequirement {
	return metav1.LabelSelectorRequirement{Key: "kubernetes.io/metadata.name", Operator: metav1.LabelSelectorOpNotIn, Values: namespaces}
}

func service(name, path string, port int32) admission.WebhookClientConfig {
	return admission.WebhookClientConfig{Service: &admission.ServiceReference{Name: name, Namespace: "podreeve", Path: &path, Port: &port}}
}

func TestDefaultRegistration(t *testing.T) {
	objects := armed(t, "default")
	selector := &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{notIn("kube-system", "podreeve")}}
	validating := find[admission.ValidatingWebhookConfiguration](t, objects, "ValidatingWebhookConfiguration", "podreeve")
	validate := admission.ValidatingWebhook{
		Name: "validate.podreeve.dev", ClientConfig: service("podreeve", "/validate", 443),
		Rules: append(append([]admission.RuleWithOperations{}, workload...), connect), FailurePolicy: ptr(admission.Ignore), MatchPolicy: ptr(admission.Equivalent),
		NamespaceSelector: selector, SideEffects: ptr(admission.SideEffectClassNone), TimeoutSeconds: ptr(int32(5)), AdmissionReviewVersions: []string{"v1"},
	}
	want := []admission.ValidatingWebhook{validate, ownNamespace(validate.ClientConfig, validate), own(validate.ClientConfig, 5)}
	if !reflect.DeepEqual(validating.Webhooks, want) {
		t.Errorf("the validating webhook is\n%+v\nwanted\n%+v", validating.Webhooks, want)
	}
	mutating := find[admission.MutatingWebhookConfiguration](t, objects, "MutatingWebhookConfiguration", "podreeve")
	mutate := admission.MutatingWebhook{
		Name: "mutate.podreeve.dev", ClientConfig: service("podreeve", "/mutate", 443),
		Rules: workload, FailurePolicy: ptr(admission.Ignore), MatchPolicy: ptr(admission.Equivalent),
		NamespaceSelector: selector, SideEffects: ptr(admission.SideEffectClassNone), TimeoutSeconds: ptr(int32(5)), AdmissionReviewVersions: []string{"v1"},
		ReinvocationPolicy: ptr(admission.IfNeededReinvocationPolicy),
	}
	wantMutating := []admission.MutatingWebhook{mutate, ownNamespaceRepairs(mutate.ClientConfig, mutate)}
	if !reflect.DeepEqual(mutating.Webhooks, wantMutating) {
		t.Errorf("the mutating webhook is\n%+v\nwanted\n%+v", mutating.Webhooks, wantMutating)
	}
}

func TestEveryWebhookValueArrives(t *testing.T) {
	const name = "gatekeeper-of-pods"
	objects := armed(t, "everything")
	selector := &metav1.LabelSelector{MatchLabels: map[string]string{"judged": "yes"}, MatchExpressions: []metav1.LabelSelectorRequirement{
		notIn("kube-system", "kube-node-lease", "podreeve"), {Key: "tier", Operator: metav1.LabelSelectorOpIn, Values: []string{"gold"}}}}
	conditions := []admission.MatchCondition{{Name: "not-nodes", Expression: "!('system:nodes' in request.userInfo.groups)"}}
	validating := find[admission.ValidatingWebhookConfiguration](t, objects, "ValidatingWebhookConfiguration", name)
	validate := admission.ValidatingWebhook{
		Name: "validate.podreeve.dev", ClientConfig: service(name, "/validate", 8443),
		Rules: append(append([]admission.RuleWithOperations{}, workload...), connect, spaces), FailurePolicy: ptr(admission.Ignore), MatchPolicy: ptr(admission.Exact),
		NamespaceSelector: selector, SideEffects: ptr(admission.SideEffectClassNone), TimeoutSeconds: ptr(int32(10)), AdmissionReviewVersions: []string{"v1"},
		MatchConditions: conditions,
	}
	want := []admission.ValidatingWebhook{validate, ownNamespace(validate.ClientConfig, validate), own(validate.ClientConfig, 10)}
	if !reflect.DeepEqual(validating.Webhooks, want) {
		t.Errorf("the validating webhook is\n%+v\nwanted\n%+v", validating.Webhooks, want)
	}
	mutating := find[admission.MutatingWebhookConfiguration](t, objects, "MutatingWebhookConfiguration", name)
	if hook := mutating.Webhooks[0]; *hook.FailurePolicy != admission.Fail || *hook.ReinvocationPolicy != admission.NeverReinvocationPolicy ||
		*hook.TimeoutSeconds != 10 || *hook.MatchPolicy != admission.Exact || !reflect.DeepEqual(hook.NamespaceSelector, selector) || !reflect.DeepEqual(hook.MatchConditions, conditions) {
		t.Errorf("the mutating webhook is %+v", hook)
	} else if want := ownNamespaceRepairs(hook.ClientConfig, hook); len(mutating.Webhooks) != 2 || !reflect.DeepEqual(mutating.Webhooks[1], want) {
		t.Errorf("the mutating webhooks are %+v; wanted the second one %+v", mutating.Webhooks, want)
	}
	if validating.Annotations["note"] != "mine" || mutating.Annotations["note"] != "mine" {
		t.Error("webhook.annotations do not arrive")
	}
}

func TestConnectCanBeLeftOut(t *testing.T) {
	validating := find[admission.ValidatingWebhookConfiguration](t, armed(t, "minimal"), "ValidatingWebhookConfiguration", "podreeve")
	if !reflect.DeepEqual(validating.Webhooks[0].Rules, workload) {
		t.Errorf("the rules are %+v", validating.Webhooks[0].Rules)
	}
	// The own namespace is out of this one whatever the values say, or podreeve could not start itself.
	if want := []metav1.LabelSelectorRequirement{notIn("podreeve")}; !reflect.DeepEqual(validating.Webhooks[0].NamespaceSelector.MatchExpressions, want) {
		t.Errorf("the namespace selector is %+v", validating.Webhooks[0].NamespaceSelector)
	}
}

// A namespace that the values leave out by name is left out, also when podreeve is in it.
func TestOwnNamespaceCanBeLeftOut(t *testing.T) {
	objects := armed(t, "default", "--set", "webhook.excludeNamespaces={kube-system,podreeve}")
	validating := find[admission.ValidatingWebhookConfiguration](t, objects, "ValidatingWebhookConfiguration", "podreeve")
	mutating := find[admission.MutatingWebhookConfiguration](t, objects, "MutatingWebhookConfiguration", "podreeve")
	if len(validating.Webhooks) != 2 || validating.Webhooks[1].Name != "policies.podreeve.dev" || len(mutating.Webhooks) != 1 {
		t.Errorf("the webhooks are %+v and %+v", validating.Webhooks, mutating.Webhooks)
	}
	for _, selector := range []*metav1.LabelSelector{validating.Webhooks[0].NamespaceSelector, mutating.Webhooks[0].NamespaceSelector} {
		if want := []metav1.LabelSelectorRequirement{notIn("kube-system", "podreeve")}; !reflect.DeepEqual(selector.MatchExpressions, want) {
			t.Errorf("the namespace selector is %+v", selector)
		}
	}
}

// Whatever the values say, no namespace has two webhooks, and a pod of podreeve's own is never denied because no replica answers.
func TestOwnNamespaceIsNeverKeptOut(t *testing.T) {
	for _, values := range matrix(t) {
		for _, object := range armed(t, values) {
			webhooks, _ := object.Object["webhooks"].([]any)
			for _, webhook := range webhooks {
				var hook admission.ValidatingWebhook // the mutating one has the same fields, and one more
				fields := webhook.(map[string]any)
				delete(fields, "reinvocationPolicy")
				if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(fields, &hook, true); err != nil {
					t.Fatal(err)
				}
				if hook.NamespaceSelector == nil {
					continue // Policies are in no namespace, and an Exemption is no pod
				}
				selector, err := metav1.LabelSelectorAsSelector(hook.NamespaceSelector)
				if err != nil {
					t.Fatal(err)
				}
				own := labels.Set{"kubernetes.io/metadata.name": "podreeve", "judged": "yes", "tier": "gold"}
				if matches := selector.Matches(own); matches != (hook.Name == "own-namespace.podreeve.dev") || matches && *hook.FailurePolicy != admission.Ignore {
					t.Errorf("%s: %s of %s matches podreeve's namespace: %v, failurePolicy %s", values, hook.Name, key(object), matches, *hook.FailurePolicy)
				}
			}
		}
	}
}

// An install arms nothing: the leader does, once podreeve answers.
func TestConfigurationsAreRenderedEmpty(t *testing.T) {
	for _, values := range matrix(t) {
		configurations := 0
		for _, object := range render(t, values) {
			if !strings.HasSuffix(object.GetKind(), "WebhookConfiguration") {
				continue
			}
			configurations++
			if _, has := object.Object["webhooks"]; has {
				t.Errorf("%s: %s has webhooks, which nothing answers yet", values, key(object))
			}
		}
		if configurations != 2 {
			t.Errorf("%s: %d webhook configurations", values, configurations)
		}
	}
}

// Helm 4 applies server-side: what it renders it owns, and takes back from the leader at the next upgrade.
func TestCABundleIsRenderedOnlyWhereNobodyElseWritesIt(t *testing.T) {
	for _, values := range matrix(t) {
		objects := armed(t, values)
		for _, object := range objects {
			webhooks, _ := object.Object["webhooks"].([]any)
			for _, webhook := range webhooks {
				_, has := webhook.(map[string]any)["clientConfig"].(map[string]any)["caBundle"]
				if has != (values == "existing-secret") {
					t.Errorf("%s: %s has a caBundle: %v", values, key(object), has)
				}
			}
			if object.GetKind() == "Secret" && (object.Object["data"] != nil || object.Object["stringData"] != nil) {
				t.Errorf("%s: %s has data", values, key(object))
			}
			if object.GetKind() == "Lease" && object.Object["spec"] != nil {
				t.Errorf("%s: %s has a spec", values, key(object))
			}
		}
	}
}
