// Command notation signs an image in an OCI layout, as the Notary Project's own command does: with its library, since its command
// is a module that no proxy has. Where a time stamp is wanted, openssl is the authority.
package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/notaryproject/notation-core-go/revocation"
	"github.com/notaryproject/notation-core-go/revocation/purpose"
	"github.com/notaryproject/notation-core-go/signature/jws"
	"github.com/notaryproject/notation-go"
	"github.com/notaryproject/notation-go/registry"
	"github.com/notaryproject/notation-go/signer"
	"github.com/notaryproject/tspclient-go"
)

func main() {
	layout := flag.String("layout", "", "folder with the image")
	digest := flag.String("digest", "", "digest to sign")
	key := flag.String("key", "", "the signer's key, PEM")
	chain := flag.String("chain", "", "the signer's certificate and those above it, PEM")
	expiry := flag.Duration("expiry", 0, "how long the signature is good")
	tsa := flag.String("tsa", "", "configuration of `openssl ts`, and roots.pem beside it")
	flag.Parse()
	if err := sign(context.Background(), *layout, *digest, *key, *chain, *expiry, *tsa); err != nil {
		fmt.Fprintln(os.Stderr, "notation:", err)
		os.Exit(1)
	}
}

func sign(ctx context.Context, layout, digest, key, chain string, expiry time.Duration, tsa string) error {
	by, err := signer.NewFromFiles(key, chain)
	if err != nil {
		return err
	}
	repository, err := registry.NewOCIRepository(layout, registry.RepositoryOptions{})
	if err != nil {
		return err
	}
	options := notation.SignOptions{ArtifactReference: digest}
	options.SignatureMediaType = jws.MediaTypeEnvelope
	options.ExpiryDuration = expiry
	if tsa != "" {
		roots, err := os.ReadFile(filepath.Join(filepath.Dir(tsa), "roots.pem"))
		if err != nil {
			return err
		}
		block, _ := pem.Decode(roots)
		root, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return err
		}
		options.Timestamper = openssl(tsa)
		options.TSARootCAs = x509.NewCertPool()
		options.TSARootCAs.AddCert(root)
		options.TSARevocationValidator, err = revocation.NewWithOptions(revocation.Options{CertChainPurpose: purpose.Timestamping})
		if err != nil {
			return err
		}
	}
	_, err = notation.Sign(ctx, by, repository, options)
	return err
}

// openssl answers as a time stamp authority, with this configuration.
type openssl string

func (config openssl) Timestamp(ctx context.Context, request *tspclient.Request) (*tspclient.Response, error) {
	query, err := request.MarshalBinary()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "tsa")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	asked, answered := filepath.Join(folder, "query"), filepath.Join(folder, "reply")
	if err := os.WriteFile(asked, query, 0o600); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "openssl", "ts", "-reply", "-config", string(config), "-queryfile", asked, "-out", answered)
	cmd.Dir = filepath.Dir(string(config))
	if said, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("openssl ts: %w: %s", err, said)
	}
	reply, err := os.ReadFile(answered)
	if err != nil {
		return nil, err
	}
	response := &tspclient.Response{}
	return response, response.UnmarshalBinary(reply)
}
