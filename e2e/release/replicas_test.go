package release

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"podreeve.dev/e2e/chart"
)

// upgrade replaces both replicas by those of another image, and no request notices.
func (r *release) upgrade(t *testing.T) {
	old := r.replicas(t)
	set := with + ",log.level=debug"
	if r.next != "" {
		set += ",image.tag=" + r.next[strings.LastIndex(r.next, ":")+1:]
	}
	r.underTraffic(t, false, func() {
		r.helm(t, "helm4", "upgrade", "podreeve", chart.Dir(), "--namespace", namespace, "-f", r.values, "--set", set, "--wait", "--timeout", "3m")
		r.awaitReplaced(t, old)
	})
	for _, pod := range r.replicas(t) {
		if now, before := pod.Status.ContainerStatuses[0].ImageID, old[0].Status.ContainerStatuses[0].ImageID; r.next != "" && now == before {
			t.Errorf("%s still runs image %s", pod.Name, now)
		}
	}
}

// killedLeader: nothing bad slips in while the leader is dead, another replica leads when its Lease has run out, good pods are let in then, and a
// workload that is deployed meanwhile gets its pods.
func (r *release) killedLeader(t *testing.T) {
	r.awaitReplicas(t)
	victim := r.awaitLeader(t, "")
	r.underTraffic(t, true, func() {
		if r.node != nil {
			pod, err := r.client.CoreV1().Pods(namespace).Get(t.Context(), victim, metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if err := r.node.Kill(pod.Status.ContainerStatuses[0].ContainerID); err != nil {
				t.Fatal(err)
			}
		}
		// Else the kubelet starts it again under the same name, and it goes on leading.
		r.must(t, "", "delete", "pod", victim, "-n", namespace, "--grace-period=0", "--force")
		r.must(t, "", "scale", "deployment/good", "-n", shop, "--replicas=3")
		r.awaitLeader(t, victim)
		r.createdInTries(t, 3)
		r.must(t, "", "rollout", "status", "deployment/good", "-n", shop, "--timeout=90s")
		r.awaitReplicas(t)
	})
}

// awaitLeader gives the replica that holds the Lease, which is not the one that held it before.
func (r *release) awaitLeader(t *testing.T, before string) (holder string) {
	t.Helper()
	r.await(t, "a replica leads", func() (bool, error) {
		holder = r.must(t, "", "get", "lease", "podreeve", "-n", namespace, "-o", "jsonpath={.spec.holderIdentity}")
		leads := slices.ContainsFunc(r.replicas(t), func(pod core.Pod) bool { return pod.Name == holder })
		return leads && holder != before, fmt.Errorf("the Lease is held by %q", holder)
	})
	return holder
}

// createdInTries: a good pod is created after at most so many tries.
func (r *release) createdInTries(t *testing.T, tries int) {
	t.Helper()
	var err error
	for range tries {
		if err = r.dryRun(t, shop, r.careful(t)); err == nil {
			return
		}
	}
	t.Errorf("a good pod was refused %d times: %v", tries, err)
}
