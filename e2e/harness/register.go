package harness

import (
	"context"
	"fmt"

	admission "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// The webhooks' names, as they show in denials and audit annotations.
const (
	ValidateHook = "validate.podreeve.dev"
	MutateHook   = "mutate.podreeve.dev"
	PoliciesHook = "policies.podreeve.dev"
)

// hookLabel on a namespace says which registration looks at it. So tests with a podreeve of their own do not disturb
// the others, and on a shared cluster nothing but this run's namespaces is touched.
const hookLabel = "e2e.podreeve.dev/hook"

// Hook is a pair of webhook configurations, registered or about to be.
type Hook struct {
	name  string
	rules []admission.RuleWithOperations
	own   bool // podreeve's own objects, too
}

// WithNamespaces has the hook look at namespaces too.
func (h *Hook) WithNamespaces() *Hook {
	h.rules = append(h.rules, rule(changes, "", "namespaces"))
	return h
}

// WithConnects makes it judge users who connect to a pod.
func (h *Hook) WithConnects() *Hook {
	h.rules = append(h.rules, rule([]admission.OperationType{admission.Connect}, "", "pods/exec", "pods/attach", "pods/portforward", "pods/proxy"))
	return h
}

// WithKind has it look at a kind that a policy names.
func (h *Hook) WithKind(group, resource string) *Hook {
	h.rules = append(h.rules, rule(changes, group, resource))
	return h
}

// WithPolicies has it look at Policies and Exemptions too, of the whole cluster.
func (h *Hook) WithPolicies() *Hook {
	h.own = true
	return h
}

// NewHook names a pair, so that namespaces can be made for it before Register.
func (c *Cluster) NewHook() *Hook {
	return &Hook{name: c.Name("podreeve-e2e-" + c.run), rules: hookRules()}
}

// Name of both configurations.
func (h *Hook) Name() string { return h.name }

// Register makes both configurations for a base URL and waits until the API server calls them. The wait needs a policy
// that denies `privileged` and patches `allow-privilege-escalation` (ProbeRules) in the namespace of the probe (it is none of the tests').
func (c *Cluster) Register(ctx context.Context, hook *Hook, baseURL string, ca []byte) error {
	client, err := c.Clientset()
	if err != nil {
		return err
	}
	c.Defer(func() error { return unregister(client, hook.name) })
	meta := metav1.ObjectMeta{Name: hook.name}
	validating := &admission.ValidatingWebhookConfiguration{ObjectMeta: meta, Webhooks: hook.validating(baseURL, ca)}
	if _, err := client.AdmissionregistrationV1().ValidatingWebhookConfigurations().Create(ctx, validating, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("register the validating webhook: %w", err)
	}
	mutating := &admission.MutatingWebhookConfiguration{ObjectMeta: meta, Webhooks: []admission.MutatingWebhook{hook.mutating(baseURL, ca)}}
	if _, err := client.AdmissionregistrationV1().MutatingWebhookConfigurations().Create(ctx, mutating, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("register the mutating webhook: %w", err)
	}
	return c.awaitInEffect(ctx, hook)
}

func (h *Hook) validating(baseURL string, ca []byte) []admission.ValidatingWebhook {
	webhooks := []admission.ValidatingWebhook{{
		Name: ValidateHook, ClientConfig: clientConfig(baseURL+"/validate", ca), Rules: h.rules,
		FailurePolicy: ptr(admission.Fail), MatchPolicy: ptr(admission.Equivalent), NamespaceSelector: h.selector(),
		SideEffects: ptr(admission.SideEffectClassNone), TimeoutSeconds: ptr(int32(5)), AdmissionReviewVersions: []string{"v1"},
	}}
	if h.own {
		objects := rule(changes, "podreeve.dev", "policies", "exemptions")
		objects.APIVersions = []string{"v1alpha1"}
		webhooks = append(webhooks, admission.ValidatingWebhook{
			Name: PoliciesHook, ClientConfig: clientConfig(baseURL+"/validate", ca), Rules: []admission.RuleWithOperations{objects},
			FailurePolicy: ptr(admission.Ignore), SideEffects: ptr(admission.SideEffectClassNone), TimeoutSeconds: ptr(int32(5)),
			AdmissionReviewVersions: []string{"v1"},
		})
	}
	return webhooks
}

func (h *Hook) mutating(baseURL string, ca []byte) admission.MutatingWebhook {
	return admission.MutatingWebhook{
		Name: MutateHook, ClientConfig: clientConfig(baseURL+"/mutate", ca), Rules: hookRules(),
		FailurePolicy: ptr(admission.Ignore), MatchPolicy: ptr(admission.Equivalent), NamespaceSelector: h.selector(),
		SideEffects: ptr(admission.SideEffectClassNone), TimeoutSeconds: ptr(int32(5)), AdmissionReviewVersions: []string{"v1"},
		ReinvocationPolicy: ptr(admission.IfNeededReinvocationPolicy),
	}
}

func clientConfig(url string, ca []byte) admission.WebhookClientConfig {
	return admission.WebhookClientConfig{URL: &url, CABundle: ca}
}

func hookRules() []admission.RuleWithOperations {
	return []admission.RuleWithOperations{
		rule(changes, "", "pods", "pods/ephemeralcontainers", "pods/resize", "podtemplates", "replicationcontrollers"),
		rule(changes, "apps", "deployments", "statefulsets", "daemonsets", "replicasets"),
		rule(changes, "batch", "jobs", "cronjobs"),
	}
}

var changes = []admission.OperationType{admission.Create, admission.Update}

func rule(operations []admission.OperationType, group string, resources ...string) admission.RuleWithOperations {
	return admission.RuleWithOperations{
		Operations: operations,
		Rule:       admission.Rule{APIGroups: []string{group}, APIVersions: []string{"v1"}, Resources: resources},
	}
}

func (h *Hook) selector() *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
		{Key: "kubernetes.io/metadata.name", Operator: metav1.LabelSelectorOpNotIn, Values: []string{"kube-system"}},
		{Key: hookLabel, Operator: metav1.LabelSelectorOpIn, Values: []string{h.name}},
	}}
}

// awaitInEffect polls with dry runs: the API server learns of each configuration through a watch of its own.
func (c *Cluster) awaitInEffect(ctx context.Context, hook *Hook) error {
	namespace, err := c.NamespaceWith(ctx, "probe", hook, map[string]string{"e2e.podreeve.dev/probe": "true"})
	if err != nil {
		return err
	}
	for _, probe := range []struct {
		what string
		pod  *Object
		seen func(Answer) bool
	}{
		{"the validating webhook refuses a privileged pod", privilegedPod(c, namespace), Answer.Denied},
		{"the mutating webhook forbids a container to escalate", escalatingPod(c, namespace), func(a Answer) bool {
			return a.Err == nil && Lookup(a.Object, "spec.containers[0].securityContext.allowPrivilegeEscalation") == false
		}},
	} {
		err := Await(ctx, probe.what, func(ctx context.Context) (bool, error) {
			answer := c.Create(ctx, probe.pod, true)
			if probe.seen(answer) {
				return true, nil
			}
			return false, fmt.Errorf("error: %v, warnings %q", answer.Err, answer.Warnings)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func unregister(client *kubernetes.Clientset, name string) error {
	api := client.AdmissionregistrationV1()
	for what, remove := range map[string]func(context.Context, string, metav1.DeleteOptions) error{
		"validating": api.ValidatingWebhookConfigurations().Delete,
		"mutating":   api.MutatingWebhookConfigurations().Delete,
	} {
		if err := remove(context.Background(), name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("remove the %s webhook configuration %s: %w (remove it by hand: while it exists and podreeve does not run, no pod gets into this run's namespaces)", what, name, err)
		}
	}
	return nil
}

func ptr[T any](value T) *T { return &value }
