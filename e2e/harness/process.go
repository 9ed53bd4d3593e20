package harness

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Process is a child that the harness started. Its output goes to a file, so that a failure can quote it.
type Process struct {
	Name    string
	LogFile string
	cmd     *exec.Cmd
	done    chan struct{} // closed when the child has been reaped
	err     error         // what Wait said; read it only after done
}

// StartProcess runs a program with a clean environment: a proxy variable of the caller must not reach the children.
func StartProcess(name, logDir, program string, args, env []string) (*Process, error) {
	logFile := filepath.Join(logDir, name+".log")
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the log of %s: %w", name, err)
	}
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + logDir}, env...)
	cmd.SysProcAttr = childAttributes()
	if err := startOnLastingThread(cmd); err != nil {
		log.Close()
		return nil, fmt.Errorf("start %s (%s): %w", name, program, err)
	}
	process := &Process{Name: name, LogFile: logFile, cmd: cmd, done: make(chan struct{})}
	go func() {
		process.err = cmd.Wait()
		log.Close()
		close(process.done)
	}()
	return process, nil
}

// Pid is the process id, for messages.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Done is closed once the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Exited is nil while the process runs, and else an error that quotes the end of its log.
func (p *Process) Exited() error {
	select {
	case <-p.done:
		return fmt.Errorf("%s ended (%s); the end of %s:\n%s", p.Name, p.cmd.ProcessState, p.LogFile, p.LogTail(15))
	default:
		return nil
	}
}

// ExitCode waits for the end of the process and returns its code, -1 if a signal ended it.
func (p *Process) ExitCode() int {
	<-p.done
	return p.cmd.ProcessState.ExitCode()
}

// Signal sends a signal to this very process.
func (p *Process) Signal(signal os.Signal) error {
	if err := p.cmd.Process.Signal(signal); err != nil {
		return fmt.Errorf("send %s to %s (pid %d): %w", signal, p.Name, p.Pid(), err)
	}
	return nil
}

// Kill ends the process with SIGKILL and waits until it is gone.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // the error says only that it is gone already
	<-p.done
}

// Stop sends SIGTERM, waits, and kills the process after a time-out.
func (p *Process) Stop() {
	if p.cmd.Process.Signal(syscall.SIGTERM) == nil {
		select {
		case <-p.done:
			return
		case <-time.After(Patience):
		}
	}
	p.Kill()
}

// LogTail returns the last lines that the process wrote.
func (p *Process) LogTail(lines int) string {
	text, err := os.ReadFile(p.LogFile)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(string(bytes.TrimRight(text, "\n")), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// Log is all that the process wrote.
func (p *Process) Log() string {
	text, err := os.ReadFile(p.LogFile)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// AwaitLog waits until the process wrote this.
func (p *Process) AwaitLog(ctx context.Context, text string) error {
	return Await(ctx, fmt.Sprintf("%s writes %q", p.Name, text), func(context.Context) (bool, error) {
		if err := p.Exited(); err != nil {
			return false, Fatal{err}
		}
		return strings.Contains(p.Log(), text), fmt.Errorf("its log ends with:\n%s", p.LogTail(5))
	})
}
