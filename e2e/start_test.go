package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"podreeve.dev/e2e/harness"
)

const ownObjects = "/apis/podreeve.dev/" // where the API server has Policies and Exemptions

// A replica that starts is not ready before it knows the Policies of the cluster: the first pod that it judges is
// judged by them.
func TestReadyWithThePoliciesOfTheCluster(t *testing.T) {
	s := up(t)
	first, hook := custom(t, s)
	ns, err := s.NamespaceWith(t.Context(), "team", hook, map[string]string{"team": "shop"})
	must(t, err)
	must(t, s.Apply(t.Context(), harness.PolicyYAML("shop", policyFor("shop", denyPrivileged))))
	eventually(t, s, ns, true)
	first.Stop()

	gate, err := s.NewGate()
	must(t, err)
	gate.Hold(ownObjects)
	server, err := s.LaunchInCluster(map[string]string{"probe": harness.ProbeOnly}, "--kubeconfig", gate.Kubeconfig)
	must(t, err)
	t.Cleanup(server.Stop)
	must(t, server.AwaitReport(t.Context(), "[-]cluster: the API server answers; still to be read: Policies and Exemptions\n"))
	gate.Hold("")
	must(t, server.AwaitReady(t.Context()))
	second := s.NewHook()
	must(t, s.Label(t.Context(), ns, second))
	must(t, s.Register(t.Context(), second, server.URL(), server.CA))
	wantDenied(t, s.Create(t.Context(), s.GoodPod(ns, "bad", harness.Privileged), true), "privileged")
}

// When the API server answers without the facts, podreeve is ready all the same after ten seconds.
func TestReadyWithoutThePoliciesOfTheCluster(t *testing.T) {
	s := up(t)
	if !s.Owned {
		t.Skip("installs CRDs, which is for a cluster of our own")
	}
	must(t, s.InstallCRDs(t.Context()))
	gate, err := s.NewGate()
	must(t, err)
	gate.Hold(ownObjects)
	server, err := s.LaunchInCluster(map[string]string{"probe": harness.ProbeOnly}, "--kubeconfig", gate.Kubeconfig)
	must(t, err)
	t.Cleanup(server.Stop)
	must(t, server.AwaitReport(t.Context(), "[-]cluster: "))
	must(t, server.AwaitReady(t.Context()))
	must(t, s.Register(t.Context(), s.NewHook(), server.URL(), server.CA)) // it serves what the file says
	if strings.Contains(server.Log(), "cannot be reached") {
		t.Errorf("it was ready because it could not reach the API server:\n%s", server.LogTail(15))
	}
	gate.Hold("")
}

// The API server goes and comes back: the policies stay in force, the log has each error once, and later changes arrive.
func TestAPIServerGoesAndComesBack(t *testing.T) {
	s := up(t)
	gate, err := s.NewGate()
	must(t, err)
	server, hook := custom(t, s, "--kubeconfig", gate.Kubeconfig)
	ns, err := s.NamespaceWith(t.Context(), "team", hook, map[string]string{"team": "shop"})
	must(t, err)
	must(t, s.Apply(t.Context(), harness.PolicyYAML("shop", policyFor("shop", denyPrivileged))))
	eventually(t, s, ns, true)

	gate.Shut()
	must(t, server.AwaitLog(t.Context(), "the API server cannot be reached"))
	must(t, s.Apply(t.Context(), harness.PolicyYAML("shop", policyFor("shop", "{privileged: {action: warn}}"))))
	answer := s.Create(t.Context(), s.GoodPod(ns, "bad", harness.Privileged), true)
	wantDenied(t, answer, "privileged")
	// The probe's policy denies, too, where the labels of the namespace are forgotten.
	if !strings.Contains(answer.Err.Error(), "policy shop") {
		t.Errorf("want it denied by the Policy, got:\n%v", answer.Err)
	}
	must(t, server.AwaitReady(t.Context()))

	must(t, gate.Open())
	must(t, server.AwaitLog(t.Context(), "can be reached again"))
	eventually(t, s, ns, false)
	_, err = s.AwaitCondition(t.Context(), "True", "policies.podreeve.dev", "shop")
	must(t, err)
	for _, line := range []string{"the API server cannot be reached", "can be reached again"} {
		if count := strings.Count(server.Log(), line); count != 1 {
			t.Errorf("said %d times: %s", count, line)
		}
	}
}

// account makes a service account that may do nothing yet, and gives a token of it that holds as long as a Secret does.
func account(t *testing.T, s *suite, ns, name string) (token string) {
	t.Helper()
	must(t, s.Apply(t.Context(), fmt.Sprintf("{apiVersion: v1, kind: ServiceAccount, metadata: {name: %s, namespace: %s}}", name, ns)))
	return boundToken(t, s, ns, name)
}

func boundToken(t *testing.T, s *suite, ns, account string) string {
	t.Helper()
	must(t, s.Apply(t.Context(), fmt.Sprintf("{apiVersion: v1, kind: Secret, metadata: {name: bound, namespace: %s}}", ns)))
	said := kubectl(t, s, "", "create", "token", account, "-n", ns, "--bound-object-kind", "Secret", "--bound-object-name", "bound")
	if said.Code != 0 {
		t.Fatal(said)
	}
	return strings.TrimSpace(said.Stdout)
}

func bind(t *testing.T, s *suite, ns, account string) {
	t.Helper()
	name := s.Name("podreeve-e2e-admin")
	must(t, s.Apply(t.Context(), fmt.Sprintf("{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: %s}, "+
		"roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}, subjects: [{kind: ServiceAccount, name: %s, namespace: %s}]}", name, account, ns)))
	t.Cleanup(func() { must(t, s.Remove(context.Background(), "clusterrolebinding", name)) })
}

// The token in its file is wrong at start, then right, then no longer valid, then replaced: podreeve serves all the
// time, the log has each error once, and podreeve recovers by itself.
func TestTokenIsReadAgain(t *testing.T) {
	s := up(t)
	if !s.Owned {
		t.Skip("makes an account that may do everything, which is for a cluster of our own")
	}
	ns := namespace(t, s, "token", nil)
	token := account(t, s, ns, "reader")
	bind(t, s, ns, "reader")
	kubeconfig, file, err := s.TokenKubeconfig("expired")
	must(t, err)
	server, hook := custom(t, s, "--kubeconfig", kubeconfig)
	must(t, server.AwaitLog(t.Context(), "the API server cannot be reached"))
	must(t, s.WriteFile(file, token))
	must(t, server.AwaitLog(t.Context(), "can be reached again"))
	team, err := s.NamespaceWith(t.Context(), "team", hook, map[string]string{"team": "shop"})
	must(t, err)
	must(t, s.Apply(t.Context(), harness.PolicyYAML("shop", policyFor("shop", denyPrivileged))))
	eventually(t, s, team, true)

	must(t, s.Remove(t.Context(), "-n", ns, "secret", "bound"))
	count := func(text string, want int) {
		t.Helper()
		must(t, harness.Await(t.Context(), fmt.Sprintf("the log to say %d times: %s", want, text), func(context.Context) (bool, error) {
			count := strings.Count(server.Log(), text)
			return count == want, fmt.Errorf("said %d times", count)
		}))
	}
	count("the API server cannot be reached", 2)
	wantDenied(t, s.Create(t.Context(), s.GoodPod(team, "bad", harness.Privileged), true), "privileged")
	must(t, s.WriteFile(file, boundToken(t, s, ns, "reader")))
	count("can be reached again", 2)
	must(t, s.Apply(t.Context(), harness.PolicyYAML("shop", policyFor("shop", "{privileged: {action: warn}}"))))
	eventually(t, s, team, false)
}

// Certificates of podreeve's own, and a Secret that it may not make at first: it is not ready, says so once, and is ready
// as soon as it may. The Secret is deleted: it is made again.
func TestMissingSecret(t *testing.T) {
	s := up(t)
	if !s.Owned {
		t.Skip("makes an account that may do everything, which is for a cluster of our own")
	}
	must(t, s.InstallCRDs(t.Context()))
	ns := namespace(t, s, "secret", nil)
	lease := s.Name("lease")
	token := account(t, s, ns, "keeper")
	must(t, s.Apply(t.Context(), fmt.Sprintf(`{apiVersion: v1, kind: List, items: [
{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: keeper, namespace: %[1]s}, rules: [{apiGroups: [coordination.k8s.io], resources: [leases], verbs: [get, create, update]}]},
{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: keeper, namespace: %[1]s}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: keeper}, subjects: [{kind: ServiceAccount, name: keeper, namespace: %[1]s}]}]}`, ns)))
	kubeconfig, _, err := s.TokenKubeconfig(token)
	must(t, err)
	server, err := s.LaunchWithSecret("podreeve-tls", s.Name("no-such-configuration"), "--cluster", "--kubeconfig", kubeconfig,
		"--namespace", ns, "--leader-election-lease", lease)
	must(t, err)
	t.Cleanup(func() { server.Stop() })
	must(t, server.AwaitLog(t.Context(), "the certificates cannot be kept"))
	must(t, server.AwaitReport(t.Context(), "[-]certificate: none has come from the cluster yet"))
	bind(t, s, ns, "keeper")
	must(t, server.AwaitReady(t.Context()))
	if count := strings.Count(server.Log(), "the certificates cannot be kept"); count != 1 {
		t.Errorf("said %d times that the certificates cannot be kept", count)
	}

	first := secretUID(t, s, ns)
	must(t, s.Remove(t.Context(), "-n", ns, "secret", "podreeve-tls"))
	must(t, harness.Await(t.Context(), "the Secret is made again", func(context.Context) (bool, error) {
		now := secretUID(t, s, ns)
		return now != "" && now != first, fmt.Errorf("its uid is %q", now)
	}))
	must(t, server.AwaitReady(t.Context()))
}

func secretUID(t *testing.T, s *suite, ns string) string {
	t.Helper()
	return kubectl(t, s, "", "get", "secret", "-n", ns, "podreeve-tls", "--ignore-not-found", "-o", "jsonpath={.metadata.uid}").Stdout
}
