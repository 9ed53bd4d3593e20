// Command nodeprobe does in the agent's container what an intruder would do there: it reads, it writes and it connects. It prints `done`, or why the
// kernel refuses.
package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: nodeprobe read|write|connect PATH, or nodeprobe field NAME of /proc/1/status")
		os.Exit(2)
	}
	said, err := do(os.Args[1], os.Args[2])
	var number syscall.Errno
	switch {
	case err == nil:
		fmt.Println(said)
	case errors.As(err, &number):
		fmt.Println(number.Error())
	default:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func do(what, path string) (string, error) {
	switch what {
	case "read":
		_, err := os.ReadFile(path)
		return "done", err
	case "write":
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
		if err != nil {
			return "", err
		}
		return "done", file.Close()
	case "connect":
		connection, err := net.Dial("unix", path)
		if err != nil {
			return "", err
		}
		return "done", connection.Close()
	case "field":
		status, err := os.ReadFile("/proc/1/status")
		for line := range strings.Lines(string(status)) {
			if value, found := strings.CutPrefix(line, path+":"); found {
				return strings.Join(strings.Fields(value), " "), nil
			}
		}
		return "", err
	}
	return "", fmt.Errorf("there is no %q", what)
}
