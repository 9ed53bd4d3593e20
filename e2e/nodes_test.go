package e2e

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"podreeve.dev/e2e/harness"
)

// podPidsLimit of the nodes is read through the API server, as from a kubelet.
func TestPidsLimitOfNodes(t *testing.T) {
	s := up(t)
	if !s.Owned {
		t.Skip("makes a node, which is for a cluster of our own")
	}
	name := node(t, s, 1024, map[string]string{"pool": "small"})
	node(t, s, 4096, map[string]string{"pool": "large"})
	hook := s.NewHook()
	policy := "{match: {namespaceSelector: {matchLabels: {team: %s}}}, rules: {pids-limit: {action: deny, params: {max: %d}}}}"
	server, err := s.StartInCluster(t.Context(), map[string]string{
		"probe": harness.ProbeOnly, "loose": fmt.Sprintf(policy, "loose", 4096), "strict": fmt.Sprintf(policy, "strict", 512),
		"choosy": fmt.Sprintf(policy, "choosy", 1024),
	})
	must(t, err)
	t.Cleanup(server.Stop)
	must(t, s.Register(t.Context(), hook, server.URL(), server.CA))
	on := func(value any, path ...string) func(*harness.Object) {
		return func(pod *harness.Object) {
			must(t, unstructured.SetNestedField(pod.Object, value, append([]string{"spec"}, path...)...))
		}
	}
	anywhere := func(*harness.Object) {}
	for _, test := range []struct {
		team   string
		choose func(*harness.Object)
		denied bool
	}{
		{"loose", anywhere, false},
		{"strict", anywhere, true},
		// Only the nodes count that the pod can run on.
		{"choosy", anywhere, true},
		{"choosy", on("small", "nodeSelector", "pool"), false},
		{"choosy", on("large", "nodeSelector", "pool"), true},
		{"choosy", on(name, "nodeName"), false},
	} {
		ns, err := s.NamespaceWith(t.Context(), test.team, hook, map[string]string{"team": test.team})
		must(t, err)
		must(t, harness.Await(t.Context(), fmt.Sprintf("in %s a pod is denied: %v", test.team, test.denied), func(ctx context.Context) (bool, error) {
			pod := s.GoodPod(ns, "pod")
			test.choose(pod)
			answer := s.Create(ctx, pod, true)
			return answer.Denied() == test.denied, answer.Err
		}))
	}
}

// node makes a node whose kubelet says this, and gives its name. The API server does not proxy to loopback.
func node(t *testing.T, s *suite, limit int, labels map[string]string) string {
	t.Helper()
	address := ""
	addresses, err := net.InterfaceAddrs()
	must(t, err)
	for _, a := range addresses {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.To4() != nil && !ip.IP.IsLoopback() && !ip.IP.IsLinkLocalUnicast() {
			address = ip.IP.String()
		}
	}
	if address == "" {
		t.Skip("this machine has no address but loopback, which the API server does not proxy to")
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	must(t, err)
	kubelet := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/configz" {
			http.NotFound(w, r)
			return
		}
		fmt.Fprintf(w, `{"kubeletconfig":{"maxPods":110,"podPidsLimit":%d}}`, limit)
	}))
	kubelet.Listener = listener
	kubelet.StartTLS()
	t.Cleanup(kubelet.Close)
	_, text, err := net.SplitHostPort(listener.Addr().String())
	must(t, err)
	port, err := strconv.ParseInt(text, 10, 32)
	must(t, err)

	client, err := s.Clientset()
	must(t, err)
	nodes := client.CoreV1().Nodes()
	made, err := nodes.Create(t.Context(), &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: s.Name("podreeve-e2e-node"), Labels: labels}}, metav1.CreateOptions{})
	must(t, err)
	t.Cleanup(func() { must(t, nodes.Delete(context.Background(), made.Name, metav1.DeleteOptions{})) })
	made.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: address}}
	made.Status.DaemonEndpoints.KubeletEndpoint.Port = int32(port)
	_, err = nodes.UpdateStatus(t.Context(), made, metav1.UpdateOptions{})
	must(t, err)
	return made.Name
}
