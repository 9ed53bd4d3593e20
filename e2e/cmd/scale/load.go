package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"podreeve.dev/e2e/harness"
)

const (
	podsInNamespace = 10
	podsOnNode      = 10
	imagesOnNode    = 50 // as many as a kubelet tells of
	badNamespaces   = 5  // one in so many has a Deployment that would be denied
	workers         = 24
	// Pods of real clusters carry status, managed fields and annotations that no rule judges.
	filler = 4000
)

// load is what was put into the cluster.
type load struct {
	cluster                 *harness.Cluster
	kubelet                 *harness.Kubelet
	namespaces, pods, nodes int
}

// grow adds nodes, and namespaces until there are that many pods. Each namespace has a Deployment, its ReplicaSet and the
// pods of that.
func (l *load) grow(ctx context.Context, pods int) error {
	images := make([]corev1.ContainerImage, imagesOnNode)
	for i := range images {
		digest := fmt.Sprintf("%064x", i)
		images[i] = corev1.ContainerImage{Names: []string{"images.example.com/team/app@sha256:" + digest, fmt.Sprintf("images.example.com/team/app:%d", i)}, SizeBytes: 1}
	}
	node := func(ctx context.Context, number int) error {
		labels := map[string]string{"kubernetes.io/os": "linux", "topology.kubernetes.io/zone": fmt.Sprintf("zone-%d", number%3)}
		name := fmt.Sprintf("node-%d", number)
		labels["kubernetes.io/hostname"] = name
		return l.cluster.CreateNode(ctx, l.kubelet, name, labels, images...)
	}
	if err := many(ctx, "nodes", l.nodes, pods/podsOnNode, node); err != nil {
		return err
	}
	l.nodes = pods / podsOnNode
	config := l.cluster.Config()
	clientset, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}
	goal := pods / podsInNamespace
	namespace := func(ctx context.Context, number int) error { return l.namespace(ctx, clientset, client, number) }
	if err := many(ctx, "namespaces", l.namespaces, goal, namespace); err != nil {
		return err
	}
	l.namespaces, l.pods = goal, goal*podsInNamespace
	return nil
}

// many makes those from one number to the other, several at a time.
func many(ctx context.Context, what string, from, to int, one func(ctx context.Context, number int) error) error {
	numbers, failed := make(chan int), make(chan error, workers)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for number := range numbers {
				if err := one(ctx, number); err != nil {
					failed <- err
					cancel()
					return
				}
			}
		})
	}
	for number := from; number < to && ctx.Err() == nil; number++ {
		if number%500 == 0 {
			fmt.Fprintf(os.Stderr, "scale: %d of %d %s are made\n", number, to, what)
		}
		select {
		case numbers <- number:
		case <-ctx.Done():
		}
	}
	close(numbers)
	group.Wait()
	select {
	case err := <-failed:
		return fmt.Errorf("fill the cluster with %s: %w", what, err)
	default:
		return ctx.Err()
	}
}

func (l *load) namespace(ctx context.Context, clientset *kubernetes.Clientset, client dynamic.Interface, number int) error {
	name := fmt.Sprintf("team-%d", number)
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"pod-security.kubernetes.io/enforce": "privileged"}}}
	if _, err := clientset.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil {
		return err
	}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default"}}
	if _, err := clientset.CoreV1().ServiceAccounts(name).Create(ctx, account, metav1.CreateOptions{}); err != nil {
		return err
	}
	deployment, err := l.create(ctx, client, "Deployment", name, "web", number, nil)
	if err != nil {
		return err
	}
	replicas, err := l.create(ctx, client, "ReplicaSet", name, "web-1", number, deployment)
	if err != nil {
		return err
	}
	for pod := range podsInNamespace {
		if _, err := l.create(ctx, client, "Pod", name, fmt.Sprintf("web-1-%d", pod), number, replicas); err != nil {
			return err
		}
	}
	return nil
}

func (l *load) create(ctx context.Context, client dynamic.Interface, kind, namespace, name string, number int, owner *harness.Object) (*harness.Object, error) {
	pod := l.cluster.GoodPod(namespace, name)
	if number%badNamespaces == 0 {
		harness.Privileged(pod)
	}
	workload := harness.WorkloadOf(kind)
	object := workload.Wrap(pod, namespace, name)
	object.SetAnnotations(map[string]string{"filler": strings.Repeat("x", filler)})
	if owner != nil {
		yes := true
		object.SetOwnerReferences([]metav1.OwnerReference{{APIVersion: owner.GetAPIVersion(), Kind: owner.GetKind(), Name: owner.GetName(),
			UID: types.UID(owner.GetUID()), Controller: &yes}})
	}
	return client.Resource(workload.Resource).Namespace(namespace).Create(ctx, object, metav1.CreateOptions{})
}
