package harness

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
)

// ServiceName takes the place of the DNS name of a Service. To 127.0.0.1 the API server speaks HTTP/2 on one connection, to any
// other name HTTP/1.1 on many, as in production. Our own API server reaches the name through a proxy that the harness
// runs for it: the name's ports are those of 127.0.0.1.
const ServiceName = "podreeve.e2e.test"

// ServiceURL is like Podreeve.URL, but spoken to as a Service is. Only for a cluster that the tests started.
func (c *Cluster) ServiceURL(port int) string { return fmt.Sprintf("https://%s:%d", ServiceName, port) }

// startNameProxy gives the environment that makes the API server find ServiceName.
func (c *Cluster) startNameProxy() ([]string, error) {
	port, err := FreePort()
	if err != nil {
		return nil, err
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for the name proxy: %w", err)
	}
	c.Defer(listener.Close)
	go func() { _ = http.Serve(listener, http.HandlerFunc(connect)) }() // ends with the listener
	// Addresses, of nodes too, are called directly, and Services by what they resolve to.
	return []string{"HTTPS_PROXY=http://" + address, "NO_PROXY=localhost,.svc,0.0.0.0/0,::/0"}, nil
}

// connect answers CONNECT ServiceName:PORT by a tunnel to 127.0.0.1:PORT, and nothing else.
func connect(w http.ResponseWriter, r *http.Request) {
	target := url.URL{Host: r.Host}
	if r.Method != http.MethodConnect || target.Hostname() != ServiceName {
		http.Error(w, "only CONNECT "+ServiceName, http.StatusForbidden)
		return
	}
	server, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", target.Port()))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer server.Close()
	// The client speaks after the answer. Were that given before, the HTTP server could read the first byte of what follows.
	client, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer client.Close()
	if _, err := fmt.Fprint(client, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		return
	}
	tunnel(client.(*net.TCPConn), server.(*net.TCPConn))
}
