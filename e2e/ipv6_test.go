package e2e

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"podreeve.dev/e2e/harness"
)

// A cluster without IPv4: the API server listens on ::1 alone and calls podreeve there, and podreeve reads and writes there.
func TestAPIServerWithIPv6Alone(t *testing.T) {
	if listener, err := net.Listen("tcp", "[::1]:0"); err != nil {
		t.Skipf("e2e: skipped, this machine has no IPv6: %v", err)
	} else {
		listener.Close()
	}
	if options.Kubeconfig != "" {
		t.Skip("e2e: skipped, it starts an API server of its own")
	}
	own := options
	own.IPv6 = true
	cluster, err := harness.Up(t.Context(), own)
	must(t, err)
	t.Cleanup(func() { must(t, cluster.Down(t.Failed())) })
	s := &suite{Cluster: cluster}
	must(t, s.InstallCRDs(t.Context()))
	if host := s.Config().Host; !strings.HasPrefix(host, "https://[::1]:") {
		t.Fatalf("the API server is at %s", host)
	}
	lease := s.NewLease()
	server, err := s.StartInCluster(t.Context(), map[string]string{"probe": harness.ProbeOnly}, "--leader-election-lease", lease, "--identity", "six")
	must(t, err)
	t.Cleanup(server.Stop)
	if url := server.URL(); !strings.HasPrefix(url, "https://[::1]:") {
		t.Fatalf("the API server would call %s", url)
	}
	hook := s.NewHook()
	must(t, s.Register(t.Context(), hook, server.URL(), server.CA))
	must(t, s.AwaitLeader(t.Context(), lease, "six"))
	ns, err := s.NamespaceWith(t.Context(), "team", hook, map[string]string{"team": "shop"})
	must(t, err)
	must(t, s.Apply(t.Context(), harness.PolicyYAML("shop", policyFor("shop", denyPrivileged))))
	_, err = s.AwaitCondition(t.Context(), "True", "policies.podreeve.dev", "shop")
	must(t, err)
	eventually(t, s, ns, true)
	service := kubectl(t, s, "{apiVersion: v1, kind: Service, metadata: {name: six}, spec: {ports: [{port: 443}]}}", "create", "-n", ns, "-f", "-", "-o", "jsonpath={.spec.clusterIP}").Stdout
	if ip := net.ParseIP(service); ip == nil || ip.To4() != nil {
		t.Errorf("a Service has the address %q", service)
	}

	// The same socket takes IPv4.
	connection, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", server.Port))
	must(t, err)
	connection.Close()
	must(t, server.AwaitLog(t.Context(), fmt.Sprintf("[::]:%d", server.Port)))
}
