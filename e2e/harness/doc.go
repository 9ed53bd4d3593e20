// Package harness runs podreeve against a real Kubernetes API server.
//
// One way in: Up gives a Cluster, either one of our own (etcd and kube-apiserver from the Go module proxy, see tools.go)
// or one named by a kubeconfig. Then, in the order in which a test needs them:
//
//	cluster.StartPodreeve   podreeve.go   the real binary, on ports of its own
//	cluster.Register        register.go   the two webhook configurations by URL, awaited until they are in effect
//	cluster.Namespace       namespace.go  a namespace that one registration (or none) looks at
//	cluster.Kubectl         kubectl.go    the real kubectl
//	cluster.Create ...      client.go     client-go, with the warnings of each call
//	cluster.StartService    service.go    what a Service does, for tests of more than one replica
//
// Nothing here sleeps for a fixed time: Await (await.go) polls a condition. Every process is ended by its own pid.
package harness
