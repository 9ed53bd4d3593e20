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
	type result struct {
		conn net.Conn
		err  error
	}
	done := make(chan result, 1)
	go func() {
		// Never unlocked: the thread ends with this goroutine, and its namespace is not handed on.
		runtime.LockOSThread()
		conn, err := n.dialHere(ctx, network, address)
		done <- result{conn, err}
	}()
	dialled := <-done
	return dialled.conn, dialled.err
}

func (n *Node) dialHere(ctx context.Context, network, address string) (net.Conn, error) {
	space, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", n.space.pid))
	if err != nil {
		return nil, fmt.Errorf("enter the node's network: %w", err)
	}
	defer space.Close()
	if err := unix.Setns(int(space.Fd()), unix.CLONE_NEWNET); err != nil {
		return nil, fmt.Errorf("enter the node's network: %w", err)
	}
	return (&net.Dialer{}).DialContext(ctx, network, address)
}
