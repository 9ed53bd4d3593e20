package harness

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"sync"

	"k8s.io/client-go/rest"
)

// Gate is a proxy between one podreeve and the API server, which others go on using: it can be shut, and hold requests back.
type Gate struct {
	Kubeconfig string // reaches the API server through it

	address string
	proxy   *httputil.ReverseProxy
	pair    tls.Certificate
	server  *http.Server

	mu    sync.Mutex
	held  string        // requests under this path wait
	free  chan struct{} // until this is closed
	paths []string      // of the requests so far
}

// NewGate makes one that is open.
func (c *Cluster) NewGate() (*Gate, error) {
	cert, err := c.NewCertificate()
	if err != nil {
		return nil, err
	}
	port, err := FreePort()
	if err != nil {
		return nil, err
	}
	gate := &Gate{Kubeconfig: filepath.Join(c.dir, c.Name("gate")), address: fmt.Sprintf("127.0.0.1:%d", port)}
	if gate.pair, err = tls.LoadX509KeyPair(cert.certFile, cert.keyFile); err != nil {
		return nil, fmt.Errorf("read the gate's certificate: %w", err)
	}
	target, err := url.Parse(c.config.Host)
	if err != nil {
		return nil, fmt.Errorf("read the API server's address: %w", err)
	}
	transport, err := rest.TransportFor(rest.AnonymousClientConfig(c.config))
	if err != nil {
		return nil, fmt.Errorf("make the gate's way to the API server: %w", err)
	}
	// FlushInterval: events of a watch go on at once.
	gate.proxy = &httputil.ReverseProxy{Transport: transport, FlushInterval: -1, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	config := rest.CopyConfig(c.config)
	config.Host, config.CAFile = "https://"+gate.address, cert.caFile
	if err := writeKubeconfig(gate.Kubeconfig, config); err != nil {
		return nil, err
	}
	c.Defer(func() error { gate.Shut(); return nil })
	return gate, gate.Open()
}

// Open lets requests through, again after Shut.
func (g *Gate) Open() error {
	listener, err := net.Listen("tcp", g.address)
	if err != nil {
		return fmt.Errorf("open the gate: %w", err)
	}
	g.server = &http.Server{Handler: g, TLSConfig: &tls.Config{Certificates: []tls.Certificate{g.pair}}}
	go func(server *http.Server) { _ = server.ServeTLS(listener, "", "") }(g.server) // ends with Shut
	return nil
}

// Shut ends all connections and takes no new ones.
func (g *Gate) Shut() { _ = g.server.Close() }

// Hold has requests under this path wait, until Hold is called with another path, or with "".
func (g *Gate) Hold(path string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.held != "" {
		close(g.free)
	}
	g.held, g.free = path, make(chan struct{})
}

// AwaitAsked waits until n requests under this path have come.
func (g *Gate) AwaitAsked(ctx context.Context, path string, n int) error {
	return Await(ctx, fmt.Sprintf("%d requests under %s", n, path), func(context.Context) (bool, error) {
		g.mu.Lock()
		defer g.mu.Unlock()
		count := 0
		for _, asked := range g.paths {
			if strings.HasPrefix(asked, path) {
				count++
			}
		}
		return count >= n, fmt.Errorf("%d came", count)
	})
}

func (g *Gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	g.paths = append(g.paths, r.URL.Path)
	held, free := g.held != "" && strings.HasPrefix(r.URL.Path, g.held), g.free
	g.mu.Unlock()
	if held {
		select {
		case <-free:
		case <-r.Context().Done():
			return
		}
	}
	g.proxy.ServeHTTP(w, r)
}
