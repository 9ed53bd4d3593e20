// Package e2e proves podreeve end to end: real etcd, real kube-apiserver, real kubectl, the real podreeve binary.
// README.md says how to run it; harness/doc.go where to begin reading.
package e2e
