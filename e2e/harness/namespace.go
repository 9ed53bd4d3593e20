package harness

import (
	"context"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Namespace makes a namespace that a hook looks at; with a nil hook no webhook of the suite does.
func (c *Cluster) Namespace(ctx context.Context, hint string, hook *Hook) (string, error) {
	return c.NamespaceWith(ctx, hint, hook, nil)
}

// NamespaceWith does the same with labels.
func (c *Cluster) NamespaceWith(ctx context.Context, hint string, hook *Hook, labels map[string]string) (string, error) {
	client, err := c.Clientset()
	if err != nil {
		return "", err
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: c.Name("podreeve-e2e-" + c.run + "-" + hint), Labels: map[string]string{}}}
	maps.Copy(namespace.Labels, labels)
	if hook != nil {
		namespace.Labels[hookLabel] = hook.name
	}
	if _, err := client.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil {
		return "", fmt.Errorf("make the namespace %s: %w", namespace.Name, err)
	}
	c.Defer(func() error {
		err := client.CoreV1().Namespaces().Delete(context.Background(), namespace.Name, metav1.DeleteOptions{})
		if err != nil {
			return fmt.Errorf("remove the namespace %s: %w", namespace.Name, err)
		}
		return nil
	})
	return namespace.Name, c.giveServiceAccount(ctx, namespace.Name)
}

// giveServiceAccount does what the controller manager does elsewhere: the ServiceAccount admission plugin refuses pods
// as long as there is no `default`.
func (c *Cluster) giveServiceAccount(ctx context.Context, namespace string) error {
	client, err := c.Clientset()
	if err != nil {
		return err
	}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default"}}
	_, err = client.CoreV1().ServiceAccounts(namespace).Create(ctx, account, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("make the service account default in %s: %w", namespace, err)
	}
	return nil
}

// LookAt puts an existing namespace under a hook and waits until the API server acts on it.
func (c *Cluster) LookAt(ctx context.Context, namespace string, hook *Hook) error {
	if err := c.Label(ctx, namespace, hook); err != nil {
		return err
	}
	pod := privilegedPod(c, namespace)
	return Await(ctx, "the webhooks look at "+namespace, func(ctx context.Context) (bool, error) {
		answer := c.Create(ctx, pod, true)
		return answer.Denied(), answer.Err
	})
}

// Label puts the hook's label on a namespace that exists, and sees to its service account.
func (c *Cluster) Label(ctx context.Context, namespace string, hook *Hook) error {
	client, err := c.Clientset()
	if err != nil {
		return err
	}
	patch := fmt.Appendf(nil, `{"metadata":{"labels":{%q:%q}}}`, hookLabel, hook.name)
	if _, err := client.CoreV1().Namespaces().Patch(ctx, namespace, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		return fmt.Errorf("label the namespace %s: %w", namespace, err)
	}
	return c.giveServiceAccount(ctx, namespace)
}
