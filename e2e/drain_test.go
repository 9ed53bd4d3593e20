package e2e

import (
	"context"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"podreeve.dev/e2e/harness"
)

// Two replicas behind a service, creates without a pause, one replica gets the signal to stop: every create is answered as it
// should be, before, while and after.
func TestDrainLosesNoRequest(t *testing.T) {
	s := up(t)
	t.Run("HTTP/2 as to loopback", func(t *testing.T) { drain(t, s, s.WebhookURL) })
	t.Run("HTTP/1.1 as to a Service", func(t *testing.T) {
		if !s.Owned {
			t.Skip("needs a cluster of our own: it must know the name " + harness.ServiceName)
		}
		drain(t, s, s.ServiceURL)
	})
}

func drain(t *testing.T, s *suite, url func(port int) string) {
	cert, err := s.NewCertificate()
	must(t, err)
	leaving, err := s.StartPodreeveWith(t.Context(), cert, "--drain-delay", "2s")
	must(t, err)
	staying, err := s.StartPodreeveWith(t.Context(), cert)
	must(t, err)
	service, err := s.StartService(leaving, staying)
	must(t, err)
	hook := s.NewHook()
	must(t, s.Register(t.Context(), hook, url(service.Port()), cert.CA))
	ns := namespace(t, s, "drain", hook)

	load := startLoad(t, s, ns)
	load.await(t, 50) // the load is on
	must(t, leaving.Signal(syscall.SIGTERM))
	must(t, harness.Await(t.Context(), "the leaving replica is not ready any more", func(ctx context.Context) (bool, error) {
		ready, _ := leaving.Ready(ctx)
		return !ready, nil
	}))
	if code := leaving.ExitCode(); code != 0 {
		t.Errorf("the leaving replica ended with code %d:\n%s", code, leaving.LogTail(15))
	}
	load.await(t, load.answered.Load()+50) // and goes on without it
	load.stop()
	t.Logf("e2e: creates answered while a replica left: %d, lost: %d", load.answered.Load(), load.lost.Load())
}

// load creates good and bad pods (dry runs) from several clients until it is stopped.
type load struct {
	answered, lost atomic.Int64
	stop           func()
}

func startLoad(t *testing.T, s *suite, namespace string) *load {
	const clients = 4
	load := &load{}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for range clients {
		running.Go(func() {
			for ctx.Err() == nil {
				// A repair that gets lost shows too: without it the pod is refused.
				good := s.Create(context.Background(), s.GoodPod(namespace, "good", harness.Unprofiled), true)
				bad := s.Create(context.Background(), s.GoodPod(namespace, "bad", harness.Privileged), true)
				if good.Err != nil || !bad.Denied() {
					load.lost.Add(1)
					t.Errorf("lost under load: a good pod got %v, a bad one %v", good.Err, bad.Err)
				}
				load.answered.Add(2)
			}
		})
	}
	load.stop = func() { cancel(); running.Wait() }
	t.Cleanup(load.stop)
	return load
}

func (l *load) await(t *testing.T, count int64) {
	t.Helper()
	must(t, harness.Await(t.Context(), "enough creates are answered", func(context.Context) (bool, error) {
		return l.answered.Load() >= count, nil
	}))
}
