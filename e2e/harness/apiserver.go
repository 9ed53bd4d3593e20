package harness

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"k8s.io/client-go/rest"
)

// auditPolicy logs every write on what the webhooks look at; Metadata carries their annotations.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  verbs: [create, update, patch]
  resources:
  - group: ""
    resources: [pods, pods/*, podtemplates, replicationcontrollers]
  - group: apps
  - group: batch
- level: None
`

type apiServer struct {
	process  *Process
	config   *rest.Config
	auditLog string
}

// network is where an API server listens, and what its Services get.
type network struct{ host, advertised, services string }

var (
	ipv4 = network{"127.0.0.1", "192.0.2.1", "10.0.0.0/24"}
	ipv6 = network{"::1", "2001:db8::1", "fd00:10::/112"}
)

// startAPIServer runs kube-apiserver with RBAC and the admission plugins that are on by default, less PodSecurity: what
// is refused here is refused by podreeve or by the API itself.
func startAPIServer(ctx context.Context, tools Tools, dir, etcdURL string, network network, environment, flags []string) (*apiServer, error) {
	port, err := FreePort()
	if err != nil {
		return nil, err
	}
	token := rand.Text()
	auditLog := filepath.Join(dir, "audit.log")
	certDir := filepath.Join(dir, "apiserver")
	saKey, err := WriteServerFiles(dir, token)
	if err != nil {
		return nil, err
	}
	process, err := StartProcess("kube-apiserver", dir, tools.Path("kube-apiserver"), append([]string{
		"--etcd-servers=" + etcdURL,
		"--bind-address=" + network.host, fmt.Sprintf("--secure-port=%d", port),
		// A machine without a default route has no address to advertise; nothing here reads the endpoint.
		"--advertise-address=" + network.advertised, "--endpoint-reconciler-type=none",
		"--cert-dir=" + certDir, // it signs its own serving certificate there
		"--token-auth-file=" + filepath.Join(dir, "tokens.csv"), "--authorization-mode=RBAC",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + saKey, "--service-account-signing-key-file=" + saKey,
		"--service-cluster-ip-range=" + network.services,
		"--allow-privileged=true", // else the API itself refuses what podreeve has to refuse
		"--disable-admission-plugins=PodSecurity",
		"--audit-policy-file=" + filepath.Join(dir, "audit-policy.yaml"), "--audit-log-path=" + auditLog, "--audit-log-mode=blocking",
	}, flags...), environment)
	if err != nil {
		return nil, err
	}
	server := &apiServer{process: process, auditLog: auditLog, config: &rest.Config{
		Host:            "https://" + net.JoinHostPort(network.host, strconv.Itoa(port)),
		BearerToken:     token,
		TLSClientConfig: rest.TLSClientConfig{CAFile: filepath.Join(certDir, "apiserver.crt")},
	}}
	if err := server.awaitReady(ctx); err != nil {
		process.Kill()
		return nil, err
	}
	return server, nil
}

func (s *apiServer) awaitReady(ctx context.Context) error {
	return Await(ctx, "kube-apiserver ready", func(ctx context.Context) (bool, error) {
		if err := s.process.Exited(); err != nil {
			return false, Fatal{err}
		}
		client, err := rest.HTTPClientFor(s.config)
		if err != nil {
			return false, err // the certificate is not written yet
		}
		defer client.CloseIdleConnections()
		return answersOK(ctx, s.process, client, s.config.Host+"/readyz")
	})
}

// WriteServerFiles writes the token file, the audit policy and the key that signs service account tokens.
func WriteServerFiles(dir, token string) (string, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return "", fmt.Errorf("make the service account key: %w", err)
	}
	saKey := filepath.Join(dir, "service-accounts.key")
	files := map[string][]byte{
		saKey:                                   pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}),
		filepath.Join(dir, "tokens.csv"):        fmt.Appendf(nil, "%s,e2e-admin,e2e-admin,system:masters\n", token),
		filepath.Join(dir, "audit-policy.yaml"): []byte(auditPolicy),
	}
	for path, content := range files {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return "", fmt.Errorf("write the API server's files: %w", err)
		}
	}
	return saKey, nil
}
