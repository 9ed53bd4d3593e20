package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

// text is the page; its figures are those of rows.
func text(rows []row) string {
	return strings.ReplaceAll(page, "{{table}}", table(rows)) + machine(rows)
}

func table(rows []row) string {
	var out strings.Builder
	out.WriteString("| namespaces | pods | nodes | facts | | scan alone | | as installed | first scan | | later scan | |\n")
	out.WriteString("|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n")
	out.WriteString("| | | | MiB | calls for nodes | peak MiB | seconds (CPU) | MiB (peak) | calls (reports, events) | seconds | calls (reports, events) | seconds |\n")
	for _, row := range rows {
		fmt.Fprintf(&out, "| %d | %d | %d | %.0f | %d | %.0f | %.1f (%.1f) | %.0f (%.0f) | %s | %.0f | %s | %.0f |\n", row.Namespaces, row.Pods, row.Nodes,
			row.Facts.Now, row.NodeCalls, row.Alone.Peak, row.AloneSeconds, row.AloneCPU, row.All.Now, row.All.Peak, row.First, row.First.Seconds, row.Later, row.Later.Seconds)
	}
	return out.String()
}

func (s scan) String() string { return fmt.Sprintf("%d (%d, %d)", s.Calls, s.Reports, s.Events) }

const page = `# What podreeve takes in large clusters

<!-- Written by ` + "`make scale`" + ` from what it measured; do not edit. -->

Every replica answers requests from memory, by itself: more replicas are more throughput, and none asks another. One of them, the leader, also
keeps certificates, writes the status of Policies and Exemptions, and scans. So only two things grow with a cluster: the facts that policies ask
for, in every replica, and the work of a scan, in one.

{{table}}
- **facts**: resident memory of a replica that watches all facts (` + "`owasp`" + ` asks for pods, network policies and nodes, ` + "`podSecurityLabels`" + ` for the labels
  of namespaces). Of a pod only what is judged is kept, and pods that are alike share it: the pods here are of one or two kinds, so most of what is counted
  is names. A policy that asks for none of it (no ` + "`exec-*`, `network-policy`, `namespaceSelector` or `podSecurityLabels`" + `) has the memory of the next column.
- **calls for nodes**: a replica lists the nodes by their metadata, 500 at a time, once a minute, and asks each kubelet for ` + "`podPidsLimit`" + ` once an hour,
  eight at a time. These are the calls until all were asked. One that does not answer is asked again after a minute, then ever less often; where the API
  server forbids it (` + "`rbac.nodesProxy`" + ` is off unless it is set), that is eight calls a minute at most, however many nodes there are.
- **scan alone**: a leader whose policy asks for no facts, with a thousand calls a second allowed. Its memory is one page of 200 objects of each kind, however many
  namespaces there are, and what is known of the one namespace in hand. That grows with the largest namespace: some hundred bytes for each owner (a pod
  without one is its own) and each owned ReplicaSet and Job, 8 to 16 bytes for each finding, and in full at most a thousand findings; so 100,000 Jobs in one
  namespace are some tens of MiB. For Events, 8 to 16 bytes are kept for each owner that would be denied, of 200,000 at most. What its seconds have beyond
  its CPU time is waiting for the API server.
- **as installed**: facts, scans at ten calls a second, and reports. One namespace in five has a Deployment that would be denied, and an
  Event for it; every namespace has warnings, and a report.
- **first scan**: every Event is new, and every report but those of the row above. At ten calls a second they take most of the calls.
- **later scan**: nothing has changed, so nothing is written.

Calls are those of the scan: a list for each 200 objects of a kind and of the reports' metadata, and what is written. ` + "`--scan-rate`" + ` spreads them.
`

// machine says where it was measured, and what was not.
func machine(rows []row) string {
	model := "an unknown processor"
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, rest, ok := strings.Cut(string(text), "model name"); ok {
			name, _, _ := strings.Cut(rest, "\n")
			model = strings.TrimSpace(strings.TrimLeft(name, "\t :"))
		}
	}
	text := fmt.Sprintf(`
Measured with %s, a real etcd and a real kube-apiserver on the same machine (%d processors, %s). Calls and memory are exact; seconds include what else the machine did.
There are ten pods in each namespace, of one ReplicaSet of one Deployment, each padded by %d bytes that nobody judges; nothing runs them. All nodes share one kubelet,
which only tells its configuration.
`, build, runtime.NumCPU(), model, filler)
	if len(rows) > 0 && rows[len(rows)-1].Pods < wanted {
		text += fmt.Sprintf("\nThe largest cluster of this run had %d pods; `make scale` goes up to %d, and this page then has that row. No figure here is extrapolated.\n", rows[len(rows)-1].Pods, wanted)
	}
	return text
}
