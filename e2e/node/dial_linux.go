package node

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// Dial connects from within the node's network.
func (n *Node) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return inNetwork(n, func() (net.Conn, error) { return (&net.Dialer{}).DialContext(ctx, network, address) })
}

// Listen is reached from the node's pods by its Address.
func (n *Node) Listen(ctx context.Context) (net.Listener, error) {
	return inNetwork(n, func() (net.Listener, error) { return (&net.ListenConfig{}).Listen(ctx, "tcp", Address+":0") })
}

// inNetwork does something on a thread in the node's network. What it opens stays there.
func inNetwork[T any](n *Node, do func() (T, error)) (T, error) {
	type result struct {
		made T
		err  error
	}
	done := make(chan result, 1)
	go func() {
		// Never unlocked: the thread ends with this goroutine, and its namespace is not handed on.
		runtime.LockOSThread()
		var made T
		err := n.enterHere()
		if err == nil {
			made, err = do()
		}
		done <- result{made, err}
	}()
	there := <-done
	return there.made, there.err
}

// enterHere moves this thread into the node's network.
func (n *Node) enterHere() error {
	space, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", n.space.pid))
	if err == nil {
		defer space.Close()
		err = unix.Setns(int(space.Fd()), unix.CLONE_NEWNET)
	}
	if err != nil {
		return fmt.Errorf("enter the node's network: %w", err)
	}
	return nil
}
