// Package release installs podreeve as operators do, by Helm and from the image, on a node where pods really run, and uses
// the cluster as its users would: good and bad workloads, exec, debug, a scan, an upgrade, a killed leader, a drain, an uninstall, a deleted namespace.
// All the while somebody else creates pods: nothing bad may be let in, and nothing good lost.
package release
