package e2e

import (
	"strings"
	"testing"

	"podreeve.dev/e2e/harness"
)

// Of two replicas the one with the Lease writes what it makes of the objects. It is killed: the other one does, and
// also writes what the first wrote otherwise. They differ in an option, so that the status shows who wrote it.
func TestOnlyTheLeaderWrites(t *testing.T) {
	s := up(t)
	if !s.Owned {
		t.Skip("installs CRDs, which is for a cluster of our own")
	}
	lease, allowed := s.NewLease(), namespace(t, s, "leader", s.NewHook())
	first, _ := custom(t, s, "--leader-election-lease", lease, "--identity", "first", "--exemption-namespaces", allowed)
	must(t, s.AwaitLeader(t.Context(), lease, "first"))
	second, err := s.StartInCluster(t.Context(), map[string]string{"probe": harness.ProbeOnly}, "--leader-election-lease", lease, "--identity", "second")
	must(t, err)
	t.Cleanup(second.Stop)

	names := []string{"a", "b", "c"}
	for _, name := range names {
		must(t, s.Apply(t.Context(), exemption(allowed, name, "{rules: [privileged], reason: a test}")))
		must(t, second.AwaitLog(t.Context(), `"name":"`+name+`"`)) // it has judged this one, and those before
	}
	for _, name := range names {
		_, err := s.AwaitCondition(t.Context(), "True", "-n", allowed, "exemptions.podreeve.dev", name)
		must(t, err)
	}

	first.Kill()
	must(t, s.AwaitLeader(t.Context(), lease, "second"))
	for _, name := range names {
		message, err := s.AwaitCondition(t.Context(), "False", "-n", allowed, "exemptions.podreeve.dev", name)
		must(t, err)
		if !strings.Contains(message, "--exemption-namespaces") {
			t.Errorf("want what the second replica thinks, got %q", message)
		}
	}
	must(t, s.Apply(t.Context(), harness.PolicyYAML("new", "{rules: {privileged: {action: warn}}}")))
	_, err = s.AwaitCondition(t.Context(), "True", "policies.podreeve.dev", "new")
	must(t, err)
}

// Without a Lease there is no leader. The log says so once, and the policies are in force all the same.
func TestNoLeaseIsToldOnce(t *testing.T) {
	s := up(t)
	if !s.Owned {
		t.Skip("installs CRDs, which is for a cluster of our own")
	}
	gate, err := s.NewGate()
	must(t, err)
	nowhere := s.Name("no-such-namespace")
	server, hook := custom(t, s, "--kubeconfig", gate.Kubeconfig, "--namespace", nowhere)
	must(t, server.AwaitLog(t.Context(), "the Lease cannot be held"))
	ns, err := s.NamespaceWith(t.Context(), "team", hook, map[string]string{"team": "shop"})
	must(t, err)
	must(t, s.Apply(t.Context(), harness.PolicyYAML("shop", policyFor("shop", denyPrivileged))))
	eventually(t, s, ns, true)
	// A try reads the Lease and then makes it: with the fifth request two have failed.
	must(t, gate.AwaitAsked(t.Context(), "/apis/coordination.k8s.io/v1/namespaces/"+nowhere+"/leases", 5))
	if count := strings.Count(server.Log(), "the Lease cannot be held"); count != 1 {
		t.Errorf("said %d times that the Lease cannot be held", count)
	}
}

// A replica that drains gives the Lease back, and does not leave the others to wait until it has run out.
func TestADrainedLeaderGivesTheLeaseBack(t *testing.T) {
	s := up(t)
	lease := s.NewLease()
	server, err := s.StartInCluster(t.Context(), map[string]string{"probe": harness.ProbeOnly}, "--leader-election-lease", lease, "--identity", "first")
	must(t, err)
	must(t, s.AwaitLeader(t.Context(), lease, "first"))
	server.Stop()
	holder, err := s.Leader(t.Context(), lease)
	must(t, err)
	if holder != "" {
		t.Errorf("want no holder of the Lease, got %q", holder)
	}
}
