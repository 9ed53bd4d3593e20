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
	certFile, keyFile string
	CA                []byte // PEM
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
	authority := template("podreeve e2e CA")
	authority.IsCA, authority.BasicConstraintsValid, authority.KeyUsage = true, true, x509.KeyUsageCertSign
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Certificate{}, err
	}
	authorityDER, err := x509.CreateCertificate(rand.Reader, authority, authority, &authorityKey.PublicKey, authorityKey)
	if err != nil {
		return Certificate{}, err
	}
	leaf := template("podreeve e2e")
	leaf.KeyUsage, leaf.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	leaf.IPAddresses, leaf.DNSNames = []net.IP{net.IPv4(127, 0, 0, 1)}, []string{ServiceName}
	if ip := net.ParseIP(c.webhookHost()); ip != nil {
		leaf.IPAddresses = append(leaf.IPAddresses, ip)
	} else {
		leaf.DNSNames = append(leaf.DNSNames, c.webhookHost())
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Certificate{}, err
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, authority, &key.PublicKey, authorityKey)
	if err != nil {
		return Certificate{}, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Certificate{}, err
	}
	base := filepath.Join(c.dir, c.Name("serving"))
	cert := Certificate{base + ".crt", base + ".key", block("CERTIFICATE", authorityDER)}
	if err := os.WriteFile(cert.certFile, block("CERTIFICATE", leafDER), 0o600); err != nil {
		return cert, err
	}
	return cert, os.WriteFile(cert.keyFile, block("PRIVATE KEY", keyDER), 0o600)
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
