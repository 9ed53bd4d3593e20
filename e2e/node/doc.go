// Package node makes a Kubernetes node on this machine, on which pods really run: control plane, containerd, kubelet and
// kube-proxy, in network, mount and process namespaces of their own. Ending one process ends all of it.
//
// It needs Linux, root, and containerd, runc, the CNI plugins, nftables and buildah from the distribution; no registry.
package node
