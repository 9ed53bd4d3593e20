package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
)

// Service takes the place of a Kubernetes Service: connections that are new go to the first backend that is ready at
// that moment, connections that are open stay where they are. It looks at no byte.
type Service struct {
	port     int
	listener net.Listener
	backends []*Podreeve
}

// StartService listens on a loopback port of its own.
func (c *Cluster) StartService(backends ...*Podreeve) (*Service, error) {
	port, err := FreePort()
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(c.listenHost(), fmt.Sprint(port)))
	if err != nil {
		return nil, fmt.Errorf("listen for the service: %w", err)
	}
	service := &Service{port: port, listener: listener, backends: backends}
	c.Defer(listener.Close)
	go service.accept()
	return service, nil
}

// Port it listens on.
func (s *Service) Port() int { return s.port }

func (s *Service) accept() {
	for {
		client, err := s.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			go s.forward(client.(*net.TCPConn))
		}
	}
}

func (s *Service) forward(client *net.TCPConn) {
	defer client.Close()
	for _, backend := range s.backends {
		if ready, _ := backend.Ready(context.Background()); !ready {
			continue
		}
		server, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", backend.Port))
		if err != nil {
			continue
		}
		defer server.Close()
		tunnel(client, server.(*net.TCPConn))
		return
	}
}

// tunnel carries bytes both ways and hands on the end of each stream, so that each side sees exactly what the other did.
func tunnel(client, server *net.TCPConn) {
	done := make(chan struct{})
	go func() {
		copyHalf(server, client)
		close(done)
	}()
	copyHalf(client, server)
	<-done
}

func copyHalf(to, from *net.TCPConn) {
	_, _ = io.Copy(to, from) // a broken connection shows on both ends
	_ = to.CloseWrite()
}
