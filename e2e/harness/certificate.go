package harness

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Certificate is a serving certificate in files, as a Secret mounts them: it outlives the process and replicas share it.
type Certificate struct {
	certFile, keyFile, caFile string
	CA                        []byte // PEM
}

// NewCertificate makes one for 127.0.0.1, the host of the webhook URL, and ServiceName.
func (c *Cluster) NewCertificate() (Certificate, error) {
	cert, err := c.newCertificate()
	if err != nil {
		return cert, fmt.Errorf("make a serving certificate: %w", err)
	}
	return cert, nil
}

func (c *Cluster) newCertificate() (Certificate, error) {
	names, ips := []string{ServiceName}, []net.IP{net.IPv4(127, 0, 0, 1)}
	if ip := net.ParseIP(c.webhookHost()); ip != nil {
		ips = append(ips, ip)
	} else {
		names = append(names, c.webhookHost())
	}
	pair, err := NewKeyPair(names, ips)
	if err != nil {
		return Certificate{}, err
	}
	base := filepath.Join(c.dir, c.Name("serving"))
	cert := Certificate{base + ".crt", base + ".key", base + "-ca.crt", pair.CA}
	if err := os.WriteFile(cert.caFile, pair.CA, 0o600); err != nil {
		return cert, err
	}
	if err := os.WriteFile(cert.certFile, pair.Cert, 0o600); err != nil {
		return cert, err
	}
	return cert, os.WriteFile(cert.keyFile, pair.Key, 0o600)
}

// KeyPair is a serving certificate with the CA that signed it, PEM.
type KeyPair struct{ Cert, Key, CA []byte }

// NewKeyPair makes one that holds for a day.
func NewKeyPair(names []string, ips []net.IP) (KeyPair, error) {
	return newKeyPair(x509.ExtKeyUsageServerAuth, names, ips)
}

// NewClientKeyPair makes one for a client, in these groups of Kubernetes.
func NewClientKeyPair(groups ...string) (KeyPair, error) {
	return newKeyPair(x509.ExtKeyUsageClientAuth, nil, nil, groups...)
}

func newKeyPair(usage x509.ExtKeyUsage, names []string, ips []net.IP, groups ...string) (KeyPair, error) {
	authority := template("podreeve e2e CA")
	authority.IsCA, authority.BasicConstraintsValid, authority.KeyUsage = true, true, x509.KeyUsageCertSign
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return KeyPair{}, err
	}
	authorityDER, err := x509.CreateCertificate(rand.Reader, authority, authority, &authorityKey.PublicKey, authorityKey)
	if err != nil {
		return KeyPair{}, err
	}
	leaf := template("podreeve e2e")
	leaf.KeyUsage, leaf.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{usage}
	leaf.IPAddresses, leaf.DNSNames, leaf.Subject.Organization = ips, names, groups
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return KeyPair{}, err
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, authority, &key.PublicKey, authorityKey)
	if err != nil {
		return KeyPair{}, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	return KeyPair{block("CERTIFICATE", leafDER), block("PRIVATE KEY", keyDER), block("CERTIFICATE", authorityDER)}, err
}

func template(name string) *x509.Certificate {
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
	}
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
