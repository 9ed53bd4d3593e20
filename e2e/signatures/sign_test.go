package signatures

import (
	"archive/tar"
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// image pushes an index of two platforms, and returns its repository and its digest.
func (w *workshop) image(name string) (repository, digest string) {
	w.t.Helper()
	var layer bytes.Buffer
	files := tar.NewWriter(&layer)
	if err := files.WriteHeader(&tar.Header{Name: "hello", Mode: 0o644, Size: 5}); err != nil {
		w.t.Fatal(err)
	}
	if _, err := files.Write([]byte("hello")); err != nil {
		w.t.Fatal(err)
	}
	if err := files.Close(); err != nil {
		w.t.Fatal(err)
	}
	repository = w.registry + "/" + name
	index := []string{"index", "append", "--docker-empty-base=false", "-t", repository + ":1"}
	for _, platform := range []string{"amd64", "arm64"} {
		one := repository + ":" + platform
		w.crane("append", "--oci-empty-base", "-f", w.write("layer.tar", layer.String()), "-t", one)
		w.crane("mutate", "--set-platform", "linux/"+platform, "--user", "65532", "-t", one, one)
		index = append(index, "-m", one)
	}
	w.crane(index...)
	return repository, w.crane("digest", repository+":1")
}

// authority is a certificate with its key.
type authority struct {
	certificate *x509.Certificate
	key         crypto.Signer
}

func (a authority) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw}))
}

func (a authority) keyPEM(t *testing.T) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// certify makes a certificate; without an issuer it is a root.
func certify(t *testing.T, issuer *authority, template x509.Certificate) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber, err = rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	if template.NotAfter.IsZero() {
		template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().AddDate(20, 0, 0)
	}
	template.Subject.Country, template.Subject.Province, template.Subject.Organization = []string{"DE"}, []string{"BE"}, []string{"Example"}
	parent, signer := &template, crypto.Signer(key)
	if issuer == nil {
		template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	} else {
		template.KeyUsage, template.BasicConstraintsValid = x509.KeyUsageDigitalSignature, true
		parent, signer = issuer.certificate, issuer.key
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return authority{certificate, key}
}

func named(name string) x509.Certificate {
	return x509.Certificate{Subject: pkix.Name{CommonName: name}}
}

const (
	issuer  = "https://token.example.com"
	subject = "https://git.example.com/shop/web/.ci/release.yaml@refs/heads/main"
)

// identity certifies an identity as Fulcio does. Its life is long, so that fixtures can be verified later: the time stamp decides.
func identity(t *testing.T, fulcio authority) authority {
	t.Helper()
	san, err := url.Parse(subject)
	if err != nil {
		t.Fatal(err)
	}
	value, err := asn1.MarshalWithParams(issuer, "utf8")
	if err != nil {
		t.Fatal(err)
	}
	leaf := named("")
	leaf.URIs = []*url.URL{san}
	leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}
	leaf.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 8}, Value: value}}
	leaf.NotBefore, leaf.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	return certify(t, &fulcio, leaf)
}

// timestamps makes a time stamp authority, and serves it: a folder with the configuration of openssl, and a URL.
func (w *workshop) timestamps() (folder, address string) {
	w.t.Helper()
	folder = w.path("tsa")
	if err := os.Mkdir(folder, 0o700); err != nil {
		w.t.Fatal(err)
	}
	root := certify(w.t, nil, named("TSA root"))
	leaf := named("TSA")
	usage, err := asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}})
	if err != nil {
		w.t.Fatal(err)
	}
	leaf.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: usage}}
	signer := certify(w.t, &root, leaf)
	w.write("tsa/roots.pem", root.pem())
	w.write("tsa/chain.pem", signer.pem()+root.pem())
	w.write("tsa/signer.pem", signer.pem())
	w.write("tsa/key.pem", signer.keyPEM(w.t))
	w.write("tsa/serial", "01")
	config := w.write("tsa/tsa.cnf", `[tsa]
default_tsa = own
[own]
dir = .
serial = serial
crypto_device = builtin
signer_cert = signer.pem
certs = roots.pem
signer_key = key.pem
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
ess_cert_id_chain = no
ess_cert_id_alg = sha256
`)
	server := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		query, _ := io.ReadAll(request.Body)
		asked, answered := filepath.Join(folder, "query"), filepath.Join(folder, "reply")
		_ = os.WriteFile(asked, query, 0o600)
		cmd := exec.Command("openssl", "ts", "-reply", "-config", config, "-queryfile", asked, "-out", answered)
		cmd.Dir = folder
		if said, err := cmd.CombinedOutput(); err != nil {
			http.Error(answer, string(said), http.StatusInternalServerError)
			return
		}
		reply, _ := os.ReadFile(answered)
		answer.Header().Set("Content-Type", "application/timestamp-reply")
		answer.WriteHeader(http.StatusCreated)
		_, _ = answer.Write(reply)
	}))
	w.t.Cleanup(server.Close)
	return folder, server.URL
}

// indent is a PEM text below a key of YAML.
func indent(text string, by int) string {
	return strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n"+strings.Repeat(" ", by))
}
