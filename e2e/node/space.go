package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"podreeve.dev/e2e/harness"
)

// Address of the node, in a network of its own: no other machine's, and none of this machine's matters.
const Address = "10.88.0.1"

// space is a set of namespaces. They live as long as their first process, and everything in them dies with it: no mount,
// no interface, no shim of containerd stays.
type space struct {
	holder  *harness.Process // unshare; the kernel ends it when the test process is gone, and --kill-child the rest
	pid     int
	cgroup  string // below every hierarchy of cgroups
	folders []string
}

// hidden are folders into which Kubernetes' programs write, whatever their options.
const hidden = "for d in /run /var/lib /var/log; do mount -t tmpfs -o mode=755 tmpfs $d; done"

const network = "ip link set lo up; ip link add node0 type bridge; ip addr add " + Address + "/24 dev node0; ip link set node0 up; " +
	"ip route add default dev node0; echo 1 >/proc/sys/net/ipv4/ip_forward"

func newSpace(ctx context.Context, dir, pause string) (*space, error) {
	holder, err := harness.StartProcess("namespaces", dir, "unshare",
		[]string{"--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", pause}, nil)
	if err != nil {
		return nil, err
	}
	s := &space{holder: holder, cgroup: "/" + filepath.Base(dir)}
	err = harness.Await(ctx, "the namespaces' first process", func(context.Context) (bool, error) {
		if err := holder.Exited(); err != nil {
			return false, harness.Fatal{Err: err}
		}
		return s.findFirst(pause)
	})
	if err == nil {
		err = s.makeCgroups()
	}
	if err == nil {
		_, err = s.run("sh", "-ec", hidden+"; "+network)
	}
	if err != nil {
		return nil, errors.Join(err, s.end())
	}
	return s, nil
}

// findFirst looks for the child of unshare that has become pause already: then all its namespaces are made.
func (s *space) findFirst(pause string) (bool, error) {
	holder := s.holder.Pid()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", holder, holder))
	if err != nil {
		return false, err
	}
	if s.pid, err = strconv.Atoi(strings.TrimSpace(string(text))); err != nil {
		return false, fmt.Errorf("unshare has no child yet: %q", text)
	}
	program, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", s.pid))
	return program == pause, err
}

// enter is a command line that runs another one in the namespaces.
func (s *space) enter(program string, args ...string) []string {
	return append([]string{"nsenter", "--target", strconv.Itoa(s.pid), "--net", "--mount", "--pid", "--", program}, args...)
}

// enterNetwork is for programs that read and write this machine's files.
func (s *space) enterNetwork(program string, args ...string) []string {
	return append([]string{"nsenter", "--target", strconv.Itoa(s.pid), "--net", "--", program}, args...)
}

func (s *space) run(program string, args ...string) (string, error) {
	words := s.enter(program, args...)
	out, err := exec.Command(words[0], words[1:]...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(append([]string{program}, args...), " "), err, out)
	}
	return string(out), nil
}

func (s *space) start(name, dir, program string, args ...string) (*harness.Process, error) {
	words := s.enter(program, args...)
	return harness.StartProcess(name, dir, words[0], words[1:], nil)
}

// makeCgroups: the kubelet wants its root to be there, in every hierarchy that there is.
func (s *space) makeCgroups() error {
	roots, err := filepath.Glob("/sys/fs/cgroup/*/cgroup.procs") // version 1, and the unified one beside it
	if err != nil {
		return fmt.Errorf("list the cgroup hierarchies: %w", err)
	}
	roots = append(roots, "/sys/fs/cgroup/cgroup.procs") // version 2 alone
	for _, root := range roots {
		if _, err := os.Stat(root); err != nil {
			continue
		}
		folder := filepath.Join(filepath.Dir(root), s.cgroup)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return fmt.Errorf("make a cgroup: %w", err)
		}
		s.folders = append(s.folders, folder)
	}
	return nil
}

// end kills everything, and waits until the kernel let go of it.
func (s *space) end() error {
	s.holder.Kill()
	var failures []error
	for _, folder := range s.folders {
		failures = append(failures, harness.Await(context.Background(), "removal of cgroup "+folder, func(context.Context) (bool, error) {
			err := removeCgroup(folder)
			return err == nil, err
		}))
	}
	return errors.Join(failures...)
}

// removeCgroup removes a cgroup with those below it: files in it cannot be removed, and need not be.
func removeCgroup(folder string) error {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	for _, entry := range entries {
		if entry.IsDir() {
			err = errors.Join(err, removeCgroup(filepath.Join(folder, entry.Name())))
		}
	}
	return errors.Join(err, os.Remove(folder))
}
