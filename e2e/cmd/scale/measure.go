package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"podreeve.dev/e2e/harness"
)

// row is what was measured at one size. Memory is in MiB, time in seconds.
type row struct {
	Namespaces, Pods int
	Facts            memory // watches of all facts, no scan
	Alone            memory // a scan without facts, reports and bound
	AloneSeconds     float64
	AloneCPU         float64
	All              memory // everything, as installed
	First, Later     scan
}

type memory struct{ Now, Peak float64 }

type scan struct {
	Calls   calls
	Seconds float64
}

// calls to the API server, as it counts them.
type calls struct{ List, Report, Event float64 }

func (c calls) minus(before calls) calls {
	return calls{c.List - before.List, c.Report - before.Report, c.Event - before.Event}
}

// everything is a policy that asks for labels of namespaces; with owasp, which asks for pods and network policies, all
// that changes is watched.
const everything = "{podSecurityLabels: true, rules: {}}"

func measure(ctx context.Context, cluster *harness.Cluster, namespaces, pods int) (row, error) {
	measured := row{Namespaces: namespaces, Pods: pods}
	steps := []func(context.Context, *harness.Cluster, *row) error{facts, alone, all}
	for _, step := range steps {
		if err := step(ctx, cluster, &measured); err != nil {
			return measured, err
		}
	}
	return measured, nil
}

func serve(ctx context.Context, cluster *harness.Cluster, policies map[string]string, args ...string) (*harness.Podreeve, error) {
	return cluster.StartInCluster(ctx, policies, append(args, "--log-level", "info")...)
}

func facts(ctx context.Context, cluster *harness.Cluster, row *row) error {
	before, err := counted(ctx, cluster)
	if err != nil {
		return err
	}
	server, err := serve(ctx, cluster, map[string]string{"everything": everything}, "--policy", "owasp")
	if err != nil {
		return err
	}
	defer server.Stop()
	// Watches list pages of 100 first. Then nothing happens, and no CPU is used.
	wanted := float64(row.Pods+row.Namespaces) / 100
	var used float64
	err = await(ctx, "all pods are known", func() (bool, error) {
		now, err := counted(ctx, cluster)
		if err != nil {
			return false, err
		}
		known := used
		if used, err = cpu(server.Pid()); err != nil {
			return false, err
		}
		return now.minus(before).List >= wanted && used == known, nil
	})
	if err == nil {
		row.Facts, err = resident(server.Pid())
	}
	return err
}

func alone(ctx context.Context, cluster *harness.Cluster, row *row) error {
	policy := map[string]string{"one": "{rules: {privileged: {action: deny}}}"}
	server, err := serve(ctx, cluster, policy, "--scan-interval", "1h", "--scan-rate", "1000")
	if err != nil {
		return err
	}
	defer server.Stop()
	done, err := scans(ctx, server, 1)
	if err != nil {
		return err
	}
	row.AloneSeconds = done[0]
	if row.AloneCPU, err = cpu(server.Pid()); err == nil {
		row.Alone, err = resident(server.Pid())
	}
	return err
}

func all(ctx context.Context, cluster *harness.Cluster, row *row) error {
	// The interval is shorter than a scan, so that one follows the other.
	server, err := serve(ctx, cluster, map[string]string{"everything": everything}, "--policy", "owasp", "--scan-interval", "11s", "--reports", "openreports")
	if err != nil {
		return err
	}
	defer server.Stop()
	// The watches have told what they tell before the first scan begins, 10 s after podreeve leads; what is late counts as its own.
	if err := await(ctx, "this replica leads", func() (bool, error) {
		return strings.Contains(server.Log(), "this replica leads"), server.Exited()
	}); err != nil {
		return err
	}
	select {
	case <-time.After(9 * time.Second):
	case <-ctx.Done():
		return ctx.Err()
	}
	for number, scan := range []*scan{&row.First, &row.Later} {
		before, err := counted(ctx, cluster)
		if err != nil {
			return err
		}
		done, err := scans(ctx, server, number+1)
		if err != nil {
			return err
		}
		now, err := counted(ctx, cluster)
		if err != nil {
			return err
		}
		scan.Calls, scan.Seconds = now.minus(before), done[number]
	}
	row.All, err = resident(server.Pid())
	return err
}

// scans waits until that many are done, and gives the seconds of each.
func scans(ctx context.Context, server *harness.Podreeve, n int) (seconds []float64, err error) {
	err = await(ctx, fmt.Sprintf("%d scans", n), func() (bool, error) {
		seconds = nil
		for line := range strings.Lines(server.Log()) {
			var said struct {
				Message string
				Seconds float64
			}
			if !strings.Contains(line, "a scan is done") || json.Unmarshal([]byte(line), &said) != nil {
				continue
			}
			seconds = append(seconds, said.Seconds)
		}
		return len(seconds) >= n, server.Exited()
	})
	return seconds, err
}

// await polls for as long as it takes: the largest scan takes minutes.
func await(ctx context.Context, what string, done func() (bool, error)) error {
	for {
		ok, err := done()
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if ok {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", what, ctx.Err())
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// listed is what podreeve lists: for facts, and for a scan.
var listed = []string{"namespaces", "networkpolicies", "pods", "podtemplates", "replicationcontrollers", "deployments", "statefulsets", "daemonsets", "replicasets", "jobs", "cronjobs", "reports"}

// counted reads the API server's own count. Nobody else asks it for these meanwhile.
func counted(ctx context.Context, cluster *harness.Cluster) (calls, error) {
	client, err := cluster.Clientset()
	if err != nil {
		return calls{}, err
	}
	text, err := client.RESTClient().Get().AbsPath("/metrics").DoRaw(ctx)
	if err != nil {
		return calls{}, fmt.Errorf("read the API server's metrics: %w", err)
	}
	var found calls
	for line := range strings.Lines(string(text)) {
		labels, ok := strings.CutPrefix(line, "apiserver_request_total{")
		if !ok {
			continue
		}
		labels, number, _ := strings.Cut(labels, "} ")
		count, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil {
			return found, fmt.Errorf("read the API server's metrics: %q: %w", line, err)
		}
		has := func(label string) bool { return strings.Contains(labels, label) }
		written := has(`verb="POST"`) || has(`verb="PUT"`) || has(`verb="PATCH"`) || has(`verb="DELETE"`)
		switch {
		case has(`verb="LIST"`) && slices.ContainsFunc(listed, func(resource string) bool { return has(`resource="` + resource + `"`) }):
			found.List += count
		case written && has(`resource="reports"`):
			found.Report += count
		case written && has(`resource="events"`):
			found.Event += count
		}
	}
	return found, nil
}

// resident is the memory of a process, and the most it had.
func resident(pid int) (memory, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return memory{}, err
	}
	read := func(key string) float64 {
		_, rest, _ := strings.Cut(string(text), key+":")
		kibibytes, _ := strconv.ParseFloat(strings.Fields(cmp.Or(rest, "0"))[0], 64)
		return kibibytes / 1024
	}
	return memory{Now: read("VmRSS"), Peak: read("VmHWM")}, nil
}

// cpu is the time that a process has used, in seconds.
func cpu(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// After the name, which may hold anything, the twelfth and thirteenth are ticks of 10 ms.
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat is %q", pid, text)
	}
	user, _ := strconv.ParseFloat(fields[11], 64)
	system, _ := strconv.ParseFloat(fields[12], 64)
	return (user + system) / 100, nil
}
