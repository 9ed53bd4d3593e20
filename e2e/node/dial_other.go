//go:build !linux

package node

import (
	"context"
	"errors"
	"net"
)

// Dial is never reached: Missing says that a node needs Linux.
func (n *Node) Dial(context.Context, string, string) (net.Conn, error) {
	return nil, errNoNamespaces
}

// Listen is never reached, too.
func (n *Node) Listen(context.Context) (net.Listener, error) {
	return nil, errNoNamespaces
}

var errNoNamespaces = errors.New("there are no network namespaces on this system")
