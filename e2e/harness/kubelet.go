package harness

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// Kubelet says in /configz what podPidsLimit is, as a kubelet does, and nothing else. Many nodes may have the same one.
type Kubelet struct {
	Asked  atomic.Int64
	admits func(*http.Request) int // the HTTP status of a caller; nil: 200
	server *httptest.Server
	at     *net.TCPAddr
}

// ErrOnlyLoopback means that no kubelet can be stood in for here.
var ErrOnlyLoopback = errors.New("this machine has no address but loopback, which the API server does not proxy to")

// StartKubelet ends with the cluster, or by Close.
func (c *Cluster) StartKubelet(podPidsLimit int) (*Kubelet, error) {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	address := ""
	for _, a := range addresses {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.To4() != nil && !ip.IP.IsLoopback() && !ip.IP.IsLinkLocalUnicast() {
			address = ip.IP.String()
		}
	}
	if address == "" {
		return nil, ErrOnlyLoopback
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		return nil, fmt.Errorf("listen as a kubelet: %w", err)
	}
	kubelet := &Kubelet{at: listener.Addr().(*net.TCPAddr)}
	configz := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/configz" {
			http.NotFound(w, r)
			return
		}
		if kubelet.admits != nil {
			if status := kubelet.admits(r); status != http.StatusOK {
				http.Error(w, http.StatusText(status), status)
				return
			}
		}
		kubelet.Asked.Add(1)
		fmt.Fprintf(w, `{"kubeletconfig":{"maxPods":110,"podPidsLimit":%d}}`, podPidsLimit)
	})
	kubelet.server = &httptest.Server{Listener: listener, Config: &http.Server{Handler: configz}}
	kubelet.server.StartTLS()
	c.Defer(func() error { kubelet.Close(); return nil })
	return kubelet, nil
}

// Delegate has it ask the API server, as a kubelet does with webhook authentication and authorization, who calls and whether that caller may
// get nodes/configz of any node. seen is called with the name of each caller.
func (k *Kubelet) Delegate(client kubernetes.Interface, seen func(user string)) {
	k.admits = func(r *http.Request) int {
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		review, err := client.AuthenticationV1().TokenReviews().Create(r.Context(),
			&authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: token}}, metav1.CreateOptions{})
		if err != nil || !review.Status.Authenticated {
			return http.StatusUnauthorized
		}
		user := review.Status.User
		seen(user.Username)
		access, err := client.AuthorizationV1().SubjectAccessReviews().Create(r.Context(), &authorizationv1.SubjectAccessReview{
			Spec: authorizationv1.SubjectAccessReviewSpec{User: user.Username, Groups: user.Groups, UID: user.UID,
				ResourceAttributes: &authorizationv1.ResourceAttributes{Version: "v1", Resource: "nodes", Subresource: "configz", Verb: "get"}},
		}, metav1.CreateOptions{})
		if err != nil || !access.Status.Allowed {
			return http.StatusForbidden
		}
		return http.StatusOK
	}
}

// Close may be called more than once.
func (k *Kubelet) Close() { k.server.Close() }

// CreateNode makes a node whose kubelet this is; images fill its status, as on a real one.
func (c *Cluster) CreateNode(ctx context.Context, kubelet *Kubelet, name string, labels map[string]string, images ...corev1.ContainerImage) error {
	client, err := c.Clientset()
	if err != nil {
		return err
	}
	nodes := client.CoreV1().Nodes()
	made, err := nodes.Create(ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	made.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: kubelet.at.IP.String()}}
	made.Status.DaemonEndpoints.KubeletEndpoint.Port = int32(kubelet.at.Port)
	made.Status.Images = images
	_, err = nodes.UpdateStatus(ctx, made, metav1.UpdateOptions{})
	return err
}
