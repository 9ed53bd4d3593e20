package release

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	core "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// traffic creates good and bad pods all the time, as dry runs.
type traffic struct {
	client    *kubernetes.Clientset
	good, bad *core.Pod
	stop      context.CancelFunc
	done      sync.WaitGroup

	mu       sync.Mutex
	judged   int      // good ones admitted and bad ones denied
	letIn    int      // bad ones admitted
	denied   []string // good ones denied
	unheard  []string // nobody answered the API server, so it refused
	surprise []string // anything else
}

// startTraffic runs until it is ended; the namespace is one that podreeve looks at. Either pod may be nil.
func startTraffic(ctx context.Context, client *kubernetes.Clientset, namespace string, good, bad *core.Pod) *traffic {
	ctx, stop := context.WithCancel(ctx)
	t := &traffic{client: client, good: good, bad: bad, stop: stop}
	for _, pod := range []*core.Pod{good, bad} {
		if pod == nil {
			continue
		}
		t.done.Go(func() {
			tick := time.NewTicker(20 * time.Millisecond) // a busy cluster's pace, and time for others on this machine
			defer tick.Stop()
			for ; ctx.Err() == nil; <-tick.C {
				_, err := client.CoreV1().Pods(namespace).Create(ctx, pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
				if ctx.Err() == nil {
					t.record(pod == bad, err)
				}
			}
		})
	}
	return t
}

func (t *traffic) record(bad bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case err == nil && bad:
		t.letIn++
	case err == nil:
		t.judged++
	case strings.Contains(err.Error(), "denied the request") && bad:
		t.judged++
	case strings.Contains(err.Error(), "denied the request"):
		t.denied = append(t.denied, err.Error())
	case strings.Contains(err.Error(), "failed calling webhook"):
		t.unheard = append(t.unheard, err.Error())
	default:
		t.surprise = append(t.surprise, err.Error())
	}
}

// end stops it and returns what went wrong. A bad pod must never be admitted, and a good one never denied. Only when a replica was
// killed may there be requests that met it (unheard): the API server refuses those, and the client tries again.
func (t *traffic) end(unheardToo bool) error {
	t.stop()
	t.done.Wait()
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.letIn > 0:
		return fmt.Errorf("%d bad pods were let in", t.letIn)
	case len(t.denied) > 0:
		return fmt.Errorf("%d good pods were denied: %s", len(t.denied), t.denied[0])
	case len(t.surprise) > 0:
		return fmt.Errorf("%d requests failed: %s", len(t.surprise), t.surprise[0])
	case len(t.unheard) > 0 && !unheardToo:
		return fmt.Errorf("%d of %d requests were not judged: %s", len(t.unheard), len(t.unheard)+t.judged, t.unheard[0])
	case t.judged == 0:
		return fmt.Errorf("no request was judged")
	}
	return nil
}

// count of requests that were judged so far.
func (t *traffic) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.judged
}
