package harness

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// Object is any API object.
type Object = unstructured.Unstructured

// Answer is what the API server said to one call.
type Answer struct {
	Object   *Object
	Warnings []string
	Err      error
}

// Status is the API status of a refused call. It is nil when the call went through or never got an answer.
func (a Answer) Status() *metav1.Status {
	var status apierrors.APIStatus
	if !errors.As(a.Err, &status) {
		return nil
	}
	result := status.Status()
	return &result
}

// Denied says whether podreeve's validating webhook refused the call (and not the API server, or a webhook that failed).
func (a Answer) Denied() bool {
	return a.DeniedBy(ValidateHook)
}

// DeniedBy says the same of a webhook with another name.
func (a Answer) DeniedBy(webhook string) bool {
	return apierrors.IsForbidden(a.Err) && strings.Contains(a.Err.Error(), fmt.Sprintf("admission webhook %q denied the request", webhook))
}

// Is says whether it was denied, or let in: a call that failed otherwise was neither.
func (a Answer) Is(denied bool) bool {
	if denied {
		return a.Denied()
	}
	return a.Err == nil
}

// Clientset is the typed client, for what the suite does around the objects under test.
func (c *Cluster) Clientset() (*kubernetes.Clientset, error) {
	client, err := kubernetes.NewForConfig(c.config)
	if err != nil {
		return nil, fmt.Errorf("make a client for %s: %w", c.config.Host, err)
	}
	return client, nil
}

// Create sends an object; dryRun goes all the way through admission and stores nothing.
func (c *Cluster) Create(ctx context.Context, object *Object, dryRun bool) Answer {
	return c.call(object, func(api dynamic.ResourceInterface) (*Object, error) {
		return api.Create(ctx, object, metav1.CreateOptions{DryRun: dryRunOption(dryRun)})
	})
}

// CreateRaw sends a pod byte by byte as it is: no client's encoder escapes or reorders it.
func (c *Cluster) CreateRaw(ctx context.Context, namespace string, pod []byte) Answer {
	client, err := c.Clientset()
	if err != nil {
		return Answer{Err: err}
	}
	result := client.CoreV1().RESTClient().Post().Namespace(namespace).Resource("pods").
		SetHeader("Content-Type", "application/json").SetHeader("Accept", "application/json").Body(pod).Do(ctx)
	answer := Answer{Err: result.Error()}
	for _, warning := range result.Warnings() {
		answer.Warnings = append(answer.Warnings, warning.Text)
	}
	if answer.Err == nil {
		body, _ := result.Raw()
		answer.Object, answer.Err = ParseObject(body)
	}
	return answer
}

// Patch sends a strategic merge patch to an object or to one of its subresources.
func (c *Cluster) Patch(ctx context.Context, object *Object, patch string, subresources ...string) Answer {
	return c.call(object, func(api dynamic.ResourceInterface) (*Object, error) {
		return api.Patch(ctx, object.GetName(), types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{}, subresources...)
	})
}

// Get reads what is stored.
func (c *Cluster) Get(ctx context.Context, object *Object) Answer {
	return c.call(object, func(api dynamic.ResourceInterface) (*Object, error) {
		return api.Get(ctx, object.GetName(), metav1.GetOptions{})
	})
}

// Delete removes an object without a grace period: no kubelet would end one here.
func (c *Cluster) Delete(ctx context.Context, object *Object) Answer {
	now := int64(0)
	return c.call(object, func(api dynamic.ResourceInterface) (*Object, error) {
		return nil, api.Delete(ctx, object.GetName(), metav1.DeleteOptions{GracePeriodSeconds: &now})
	})
}

// call makes a client of its own, so that the warnings are those of this call; connections are shared all the same.
func (c *Cluster) call(object *Object, do func(dynamic.ResourceInterface) (*Object, error)) Answer {
	resource, err := resourceOf(object)
	if err != nil {
		return Answer{Err: err}
	}
	warnings := &warnings{}
	config := rest.CopyConfig(c.config)
	config.WarningHandler = warnings
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return Answer{Err: fmt.Errorf("make a client for %s: %w", c.config.Host, err)}
	}
	var api dynamic.ResourceInterface = client.Resource(resource)
	if object.GetNamespace() != "" {
		api = client.Resource(resource).Namespace(object.GetNamespace())
	}
	got, err := do(api)
	return Answer{Object: got, Warnings: warnings.all(), Err: err}
}

func dryRunOption(dryRun bool) []string {
	if dryRun {
		return []string{metav1.DryRunAll}
	}
	return nil
}

type warnings struct {
	mu   sync.Mutex
	text []string
}

func (w *warnings) HandleWarningHeader(_ int, _ string, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text = append(w.text, text)
}

func (w *warnings) all() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text
}
