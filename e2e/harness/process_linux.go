package harness

import (
	"os/exec"
	"runtime"
	"sync"
	"syscall"
)

// childAttributes: the kernel ends the child when the test process is gone, even if a time-out or panic killed it.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

var starts = sync.OnceValue(func() chan func() {
	queue := make(chan func())
	go func() {
		runtime.LockOSThread()
		for start := range queue {
			start()
		}
	}()
	return queue
})

// startOnLastingThread: Pdeathsig fires at the end of the thread that forked, so one thread that never ends forks all.
func startOnLastingThread(cmd *exec.Cmd) error {
	result := make(chan error)
	starts() <- func() { result <- cmd.Start() }
	return <-result
}
