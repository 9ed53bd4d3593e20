package release

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	core "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"podreeve.dev/e2e/chart"
)

// with are the values of the release that this suite looks at, beside its file.
const with = "scan.reports=openreports,uninstallHook.enabled=true"

func (r *release) bad(t *testing.T) *core.Pod {
	t.Helper()
	privileged := true
	return r.pod(t, func(pod *core.Pod) { pod.Spec.Containers[0].SecurityContext.Privileged = &privileged })
}

// warnsFirst: the chart's own mode. A bad pod is created with a warning, as it is, and it runs.
func (r *release) warnsFirst(t *testing.T) {
	pod := strings.ReplaceAll(r.manifest(t, "careless.yaml"), "securityContext: {readOnly", "securityContext: {privileged: true, readOnly")
	said := r.kubectl(t, pod, "create", "-n", shop, "-f", "-")
	for _, want := range []string{"podreeve would deny Pod shop/careless in mode deny: ", "privileged would be denied in mode deny"} {
		if said.code != 0 || !strings.Contains(said.err, want) {
			t.Errorf("wanted the pod created with the warning %q: %s", want, said)
		}
	}
	r.must(t, "", "wait", "pod/careless", "-n", shop, "--for=condition=Ready", "--timeout=90s")
	if profile := r.must(t, "", "get", "pod/careless", "-n", shop, "-o", "jsonpath={.spec.securityContext.seccompProfile}"); profile != "" {
		t.Errorf("the pod was repaired in mode warn: %s", profile)
	}
	r.must(t, "", "delete", "pod/careless", "-n", shop, "--wait=false", "--grace-period=0", "--force")
}

// mode upgrades the release to a mode, as an operator does.
func (r *release) mode(t *testing.T, mode string) {
	t.Helper()
	r.helm(t, "helm4", "upgrade", "podreeve", chart.Dir(), "--namespace", namespace, "-f", r.values, "--set", with+",mode="+mode, "--wait", "--timeout", "3m")
}

// denies: the way up. From the moment that the last replica of before is gone, a bad pod is denied.
func (r *release) denies(t *testing.T) {
	t.Helper()
	old := r.replicas(t)
	r.mode(t, "deny")
	r.awaitReplaced(t, old)
	for range 20 {
		if err := r.dryRun(t, shop, r.bad(t)); err == nil || !strings.Contains(err.Error(), " denied: ") {
			t.Fatalf("in mode deny a bad pod got %v", err)
		}
	}
}

// softens: the way back. From the moment that helm returns, no bad pod is denied, though replicas of before still answer.
func (r *release) softens(t *testing.T) {
	bad := r.bad(t)
	traffic := startTraffic(t.Context(), r.client, shop, nil, bad) // it keeps connections to the old replicas
	r.awaitMore(t, traffic)
	r.mode(t, "warn")
	var clients sync.WaitGroup
	denied := make(chan error, 1000)
	for range 10 {
		clients.Go(func() {
			for range 30 {
				_, err := r.client.CoreV1().Pods(shop).Create(context.Background(), bad, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
				if err != nil {
					denied <- err
				}
			}
		})
	}
	clients.Wait()
	close(denied)
	_ = traffic.end(true) // before the upgrade its pods are denied, and afterwards they are not
	for err := range denied {
		t.Fatalf("after the upgrade to mode warn returned, %d of 300 bad pods were refused: %v", len(denied)+1, err)
	}
	r.helm(t, "helm4", "test", "podreeve", "--namespace", namespace, "--timeout", "1m")
	r.denies(t)
}

// awaitReplaced: none of these replicas is left.
func (r *release) awaitReplaced(t *testing.T, old []core.Pod) {
	t.Helper()
	r.await(t, "the old replicas to be gone", func() (bool, error) {
		for _, pod := range r.replicas(t) {
			for _, before := range old {
				if pod.Name == before.Name {
					return false, fmt.Errorf("%s is still there", pod.Name)
				}
			}
		}
		return true, nil
	})
}
