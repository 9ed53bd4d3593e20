// Command guest is what the images of a test run. It writes into each folder that it is given, says which user it is, and waits. Under
// the name gosu it does what gosu does: it becomes another user, and runs the rest of its arguments.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
)

func main() {
	if err := run(os.Args); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if filepath.Base(args[0]) == "gosu" {
		user, err := strconv.Atoi(args[1])
		if err == nil {
			err = syscall.Setgid(user)
		}
		if err == nil {
			err = syscall.Setuid(user)
		}
		if err == nil {
			err = syscall.Exec(args[2], args[2:], os.Environ())
		}
		return fmt.Errorf("become user %s: %w", args[1], err)
	}
	for _, folder := range args[1:] {
		if err := os.WriteFile(filepath.Join(folder, "written"), nil, 0o600); err != nil {
			return err
		}
	}
	fmt.Println("guest: user", os.Getuid())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	<-signals
	return nil
}
