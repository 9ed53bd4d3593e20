package harness

import (
	"context"
	"fmt"
	"path/filepath"

	authenticationv1 "k8s.io/api/authentication/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// KubeconfigOf writes a kubeconfig of the namespace's service account, which may list these resources there and no others.
func (c *Cluster) KubeconfigOf(ctx context.Context, namespace string, resources ...string) (string, error) {
	client, err := c.Clientset()
	if err != nil {
		return "", err
	}
	meta := metav1.ObjectMeta{Name: c.Name("reader"), Namespace: namespace}
	role := &rbacv1.Role{ObjectMeta: meta, Rules: []rbacv1.PolicyRule{{APIGroups: []string{"", "apps"}, Resources: resources, Verbs: []string{"list"}}}}
	if _, err := client.RbacV1().Roles(namespace).Create(ctx, role, metav1.CreateOptions{}); err != nil {
		return "", fmt.Errorf("make a role: %w", err)
	}
	binding := &rbacv1.RoleBinding{ObjectMeta: meta,
		RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: meta.Name},
		Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: "default", Namespace: namespace}}}
	if _, err := client.RbacV1().RoleBindings(namespace).Create(ctx, binding, metav1.CreateOptions{}); err != nil {
		return "", fmt.Errorf("bind the role: %w", err)
	}
	return c.KubeconfigAs(ctx, namespace, "default")
}

// KubeconfigAs writes a kubeconfig of a service account.
func (c *Cluster) KubeconfigAs(ctx context.Context, namespace, account string) (string, error) {
	return c.kubeconfigWith(ctx, namespace, account, authenticationv1.TokenRequestSpec{})
}

// KubeconfigInPod writes the kubeconfig that a pod of the service account has: its token names the pod, and the node of the pod.
func (c *Cluster) KubeconfigInPod(ctx context.Context, namespace, account, pod string) (string, error) {
	bound := &authenticationv1.BoundObjectReference{Kind: "Pod", APIVersion: "v1", Name: pod}
	return c.kubeconfigWith(ctx, namespace, account, authenticationv1.TokenRequestSpec{BoundObjectRef: bound})
}

func (c *Cluster) kubeconfigWith(ctx context.Context, namespace, account string, spec authenticationv1.TokenRequestSpec) (string, error) {
	client, err := c.Clientset()
	if err != nil {
		return "", err
	}
	token, err := client.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, account, &authenticationv1.TokenRequest{Spec: spec}, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("ask for a token: %w", err)
	}
	config := c.Config()
	config.BearerToken = token.Status.Token
	path := filepath.Join(c.dir, c.Name("kubeconfig"))
	return path, writeKubeconfig(path, config)
}
