package release

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"podreeve.dev/e2e/chart"
)

// installed installs the chart with these arguments more, and waits until the API server calls podreeve.
func (r *release) installed(t *testing.T, helm string, args ...string) {
	t.Helper()
	all := append([]string{"install", "podreeve", chart.Dir(), "--namespace", namespace, "-f", r.values, "--wait", "--timeout", "3m"}, args...)
	r.helm(t, helm, all...)
	r.awaitArmed(t)
}

func (r *release) awaitArmed(t *testing.T) {
	t.Helper()
	for kind := range strings.SplitSeq(configurations, ",") {
		r.await(t, "webhooks in the "+kind, func() (bool, error) { return r.webhooks(t, kind) > 0, nil })
	}
}

// isOpen: a pod is created that podreeve would deny, so the API server does not call it.
func (r *release) isOpen(t *testing.T) error {
	t.Helper()
	bad, _, _ := strings.Cut(r.manifest(t, "bad.yaml"), "\n---\n")
	if said := r.kubectl(t, bad, "create", "-n", shop, "-f", "-", "--dry-run=server"); said.code != 0 {
		return fmt.Errorf("a pod is refused: %s", said)
	}
	return nil
}

func (r *release) awaitOpen(t *testing.T) {
	t.Helper()
	r.await(t, "pods to be created unjudged", func() (bool, error) {
		err := r.isOpen(t)
		return err == nil, err
	})
}

// uninstalled takes the release away; every operator waits for that to end, so it has a bound.
func (r *release) uninstalled(t *testing.T) {
	t.Helper()
	begin := time.Now()
	r.helm(t, "helm4", "uninstall", "podreeve", "--namespace", namespace, "--timeout", "60s")
	t.Logf("helm uninstall took %s", time.Since(begin).Round(time.Second))
	r.awaitOpen(t)
}

// brokenImage: an install whose image cannot be pulled refuses no pod at any moment, and is uninstalled like any other.
func (r *release) brokenImage(t *testing.T) {
	r.helm(t, "helm4", "install", "podreeve", chart.Dir(), "--namespace", namespace, "-f", r.values, "--set", "crds.install=false,image.tag=none")
	r.await(t, "a replica that cannot start", func() (bool, error) {
		why := r.must(t, "", "get", "pods", "-n", namespace, "-l", ours, "-o", "jsonpath={.items[*].status.containerStatuses[*].state.waiting.reason}")
		return strings.Contains(why, "Image"), fmt.Errorf("the replicas wait for %q", why)
	})
	if count := r.webhooks(t, configurations); count != 0 {
		t.Errorf("%d webhooks are there, and nothing answers them", count)
	}
	if err := r.isOpen(t); err != nil {
		t.Error(err)
	}
	r.uninstalled(t)
	r.nothingIsLeft(t)
}

// hookWithoutImage: the job of the uninstall cannot run. Helm reports that within the job's minute, and all is gone by then.
func (r *release) hookWithoutImage(t *testing.T) {
	r.helm(t, "helm4", "install", "podreeve", chart.Dir(), "--namespace", namespace, "-f", r.values, "--set", with+",crds.install=false,image.tag=none")
	begin := time.Now()
	said := r.run(t, "", r.tools.Path("helm4"), "uninstall", "podreeve", "--namespace", namespace, "--timeout", "60s")
	t.Logf("helm uninstall took %s", time.Since(begin).Round(time.Second))
	if said.code == 0 || !strings.Contains(said.err, "podreeve-uninstall") {
		t.Errorf("wanted the job named as what failed: %s", said)
	}
	if left := r.must(t, "", "get", configurations, "-o", "name"); left != "" {
		t.Errorf("the configurations are there: %s", left)
	}
	r.awaitOpen(t)
	r.nothingIsLeft(t)
}

// brokenLater: podreeve has served, and then its image is gone. Pods are refused, as failurePolicy says, until it is uninstalled.
func (r *release) brokenLater(t *testing.T) {
	r.installed(t, "helm4", "--set", "crds.install=false,updateStrategy.type=Recreate,updateStrategy.rollingUpdate=null,drainDelay=0s")
	r.must(t, "", "set", "image", "deployment/podreeve", "podreeve=podreeve/podreeve:none", "-n", namespace)
	r.await(t, "pods to be refused", func() (bool, error) {
		err := r.dryRun(t, shop, r.careful(t))
		return err != nil && strings.Contains(err.Error(), "failed calling webhook"), err
	})
	r.uninstalled(t)
	r.nothingIsLeft(t)
}

// breakGlass: one command has the API server call podreeve no more, which holds until the annotation is removed.
func (r *release) breakGlass(t *testing.T) {
	words := strings.Fields(breakGlass)
	r.must(t, "", append(words, "--patch", `{"metadata":{"annotations":{"podreeve.dev/break-glass":"incident 7"}},"webhooks":[]}`)...)
	r.awaitOpen(t)
	r.await(t, "the leader to say so", func() (bool, error) {
		log := r.must(t, "", "logs", "-n", namespace, "-l", ours, "--tail=200")
		return strings.Contains(log, "podreeve.dev/break-glass"), nil
	})
	// The leader has looked, and left it alone.
	if count := r.webhooks(t, configurations); count != 0 {
		t.Errorf("%d webhooks are there in spite of the annotation", count)
	}
	r.must(t, "", "annotate", configurations, "podreeve", "podreeve.dev/break-glass-")
	r.awaitArmed(t)
	r.await(t, "pods to be judged again", func() (bool, error) { return r.isOpen(t) != nil, nil })
	r.awaitCreated(t)
}

const breakGlass = "patch validatingwebhookconfiguration,mutatingwebhookconfiguration podreeve --type=merge"
