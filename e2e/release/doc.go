// Package release installs podreeve as operators do, by Helm and from the image, on a node where pods really run, and uses
// the cluster as its users would: good and bad workloads, exec, debug, a scan, an upgrade, a killed leader, a drain, an uninstall, a deleted namespace.
// All the while another client creates pods: no bad pod may be admitted, and no good one denied.
package release
