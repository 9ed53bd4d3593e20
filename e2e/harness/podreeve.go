package harness

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Podreeve is one running `podreeve serve`.
type Podreeve struct {
	*Process
	Port      int
	AdminPort int
	CA        []byte // PEM
	cluster   *Cluster
	selfCA    string // the file in which a self-signed one leaves its CA, new at each start
	args      []string
}

// StartPodreeve starts the real binary on free ports, with a certificate that it signs itself, and waits until it says
// that it is ready. args follow the addresses (`--policy FILE` ...).
func (c *Cluster) StartPodreeve(ctx context.Context, args ...string) (*Podreeve, error) {
	server, own := c.selfSigned()
	return c.startPodreeve(ctx, server, append(own, args...))
}

func (c *Cluster) selfSigned() (*Podreeve, []string) {
	dir := filepath.Join(c.dir, c.Name("certs"))
	own := []string{"--self-signed", dir, "--self-signed-name", ServiceName}
	if c.webhookURL != loopbackURL {
		own = append(own, "--self-signed-name", c.webhookHost())
	}
	return &Podreeve{selfCA: filepath.Join(dir, "ca.crt")}, own
}

// StartPodreeveWith does the same with a certificate in files.
func (c *Cluster) StartPodreeveWith(ctx context.Context, cert Certificate, args ...string) (*Podreeve, error) {
	files := []string{"--tls-cert", cert.certFile, "--tls-key", cert.keyFile}
	return c.startPodreeve(ctx, &Podreeve{CA: cert.CA}, append(files, args...))
}

// StartPodreeveOn does the same on a port that is known already. args have the place of its certificate.
func (c *Cluster) StartPodreeveOn(ctx context.Context, port int, args ...string) (*Podreeve, error) {
	return c.startPodreeve(ctx, &Podreeve{Port: port}, args)
}

// Launch starts one with a certificate that it signs itself, and does not wait.
func (c *Cluster) Launch(args ...string) (*Podreeve, error) {
	server, own := c.selfSigned()
	if err := c.prepare(server, append(own, args...)); err != nil {
		return nil, err
	}
	return server, server.Launch()
}

// LaunchWithSecret starts one whose certificate is in a Secret that it keeps itself, and does not wait.
func (c *Cluster) LaunchWithSecret(secret, configuration string, args ...string) (*Podreeve, error) {
	own := []string{"--tls-secret", secret, "--service-name", "podreeve", "--webhook-configuration", configuration}
	server := &Podreeve{}
	if err := c.prepare(server, append(own, args...)); err != nil {
		return nil, err
	}
	return server, server.Launch()
}

// LaunchWithFiles starts one with the certificate in tls.crt and tls.key of a folder, as a Secret mounts it, and does not wait.
func (c *Cluster) LaunchWithFiles(dir string, args ...string) (*Podreeve, error) {
	own := []string{"--tls-cert", filepath.Join(dir, "tls.crt"), "--tls-key", filepath.Join(dir, "tls.key")}
	server := &Podreeve{}
	if err := c.prepare(server, append(own, args...)); err != nil {
		return nil, err
	}
	return server, server.Launch()
}

func (c *Cluster) startPodreeve(ctx context.Context, server *Podreeve, args []string) (*Podreeve, error) {
	if err := c.prepare(server, args); err != nil {
		return nil, err
	}
	return server, server.Start(ctx)
}

func (c *Cluster) prepare(server *Podreeve, args []string) error {
	port, adminPort, err := twoPorts()
	if err != nil {
		return err
	}
	server.Port, server.AdminPort = cmp.Or(server.Port, port), adminPort
	if !slices.Contains(args, "--client-ca") {
		args = append(args, "--full-answers") // nobody else reaches it, and the tests read what it says
	}
	if !slices.Contains(args, "--drain-delay") {
		args = append(args, "--drain-delay", "0s") // nobody has to notice that it goes
	}
	server.cluster, server.args = c, args
	return nil
}

// Start runs it again after it ended, on the same ports.
func (p *Podreeve) Start(ctx context.Context) error {
	if err := p.Launch(); err != nil {
		return err
	}
	return p.AwaitReady(ctx)
}

// Again runs it after it ended, on the same ports, with these arguments more.
func (p *Podreeve) Again(ctx context.Context, args ...string) (*Podreeve, error) {
	again := *p
	again.args = append(slices.Clone(p.args), args...)
	return &again, again.Start(ctx)
}

// Launch does the same, and does not wait until it is ready.
func (p *Podreeve) Launch() error {
	name := p.cluster.Name("podreeve")
	args := append([]string{"serve",
		"--listen", net.JoinHostPort(p.cluster.listenHost(), strconv.Itoa(p.Port)),
		"--admin-listen", net.JoinHostPort("127.0.0.1", strconv.Itoa(p.AdminPort))}, p.args...)
	process, err := StartProcess(name, p.cluster.dir, p.cluster.podreeve, args, nil)
	if err != nil {
		return err
	}
	p.Process = process
	p.cluster.Defer(func() error { process.Stop(); return nil })
	return nil
}

// AwaitReady waits until it says that it is ready.
func (p *Podreeve) AwaitReady(ctx context.Context) (err error) {
	if err := Await(ctx, "podreeve ready", p.Ready); err != nil {
		return err
	}
	if p.selfCA == "" {
		return nil
	}
	if p.CA, err = os.ReadFile(p.selfCA); err != nil {
		return fmt.Errorf("podreeve is ready but wrote no CA: %w", err)
	}
	return nil
}

// Ready sends one request to /readyz.
func (p *Podreeve) Ready(ctx context.Context) (bool, error) {
	return answersOK(ctx, p.Process, http.DefaultClient, loopback("http", p.AdminPort)+"/readyz")
}

// AwaitReport waits until /readyz says this, whether it is ready or not.
func (p *Podreeve) AwaitReport(ctx context.Context, text string) error {
	return Await(ctx, fmt.Sprintf("/readyz says %q", text), func(ctx context.Context) (bool, error) {
		if err := p.Exited(); err != nil {
			return false, Fatal{err}
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, loopback("http", p.AdminPort)+"/readyz", nil)
		if err != nil {
			return false, err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return false, err
		}
		defer response.Body.Close()
		said, err := io.ReadAll(response.Body)
		return strings.Contains(string(said), text), cmp.Or(err, fmt.Errorf("it says:\n%s", said))
	})
}

// URL under which the API server reaches it.
func (p *Podreeve) URL() string { return p.cluster.WebhookURL(p.Port) }

// Metrics is the text of /metrics.
func (p *Podreeve) Metrics(ctx context.Context) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, loopback("http", p.AdminPort)+"/metrics", nil)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return string(text), err
}
