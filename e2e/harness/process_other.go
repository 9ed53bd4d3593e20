//go:build !linux

package harness

import (
	"os/exec"
	"syscall"
)

// childAttributes: only Linux can tie the child's life to ours; elsewhere Down and the signal handler do it.
func childAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{} }

func startOnLastingThread(cmd *exec.Cmd) error { return cmd.Start() }
