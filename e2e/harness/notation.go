package harness

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"time"
)

// SigningService signs images in notation's format, and vouches for the time.
type SigningService struct {
	// Root is its certificate, PEM.
	Root  string
	chain []string
	key   *ecdsa.PrivateKey
}

// NewSigningService makes one, with a root of its own.
func NewSigningService() (*SigningService, error) {
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	certificate := func(name string, usage x509.KeyUsage) *x509.Certificate {
		subject := pkix.Name{Country: []string{"DE"}, Province: []string{"BE"}, Organization: []string{"Example"}, CommonName: name}
		return &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: subject, KeyUsage: usage,
			NotBefore: time.Now().AddDate(-1, 0, 0), NotAfter: time.Now().AddDate(1, 0, 0), BasicConstraintsValid: true}
	}
	root, leaf := certificate("root", x509.KeyUsageCertSign), certificate("signer", x509.KeyUsageDigitalSignature)
	root.IsCA, leaf.ExtKeyUsage = true, []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}
	rootDER, err := x509.CreateCertificate(rand.Reader, root, root, &rootKey.PublicKey, rootKey)
	if err != nil {
		return nil, fmt.Errorf("make a root: %w", err)
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, root, &key.PublicKey, rootKey)
	if err != nil {
		return nil, fmt.Errorf("make a signer: %w", err)
	}
	encoded := base64.StdEncoding.EncodeToString
	text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: rootDER}))
	return &SigningService{Root: text, chain: []string{encoded(leafDER), encoded(rootDER)}, key: key}, nil
}

// Sign attaches a signature of this time to an image of the registry.
func (s *SigningService) Sign(registry *Registry, name, digest string, at time.Time) error {
	return s.sign(registry, name, digest, at, nil)
}

// SignUntil does the same, and the image is to be used until then.
func (s *SigningService) SignUntil(registry *Registry, name, digest string, at, until time.Time) error {
	return s.sign(registry, name, digest, at, &until)
}

func (s *SigningService) sign(registry *Registry, name, digest string, at time.Time, until *time.Time) error {
	const scheme, signedAt, expiry = "io.cncf.notary.signingScheme", "io.cncf.notary.authenticSigningTime", "io.cncf.notary.expiry"
	encoded := base64.RawURLEncoding.EncodeToString
	header := map[string]any{
		"alg": "ES256", "cty": "application/vnd.cncf.notary.payload.v1+json", "crit": []string{scheme, signedAt},
		scheme: "notary.x509.signingAuthority", signedAt: at.UTC().Format(time.RFC3339),
	}
	if until != nil {
		header["crit"], header[expiry] = []string{scheme, signedAt, expiry}, until.UTC().Format(time.RFC3339)
	}
	protected := encoded(toJSON(header))
	payload := encoded(toJSON(map[string]any{"targetArtifact": map[string]any{"mediaType": manifestType, "digest": digest, "size": 1}}))
	hash := sha256.Sum256([]byte(protected + "." + payload))
	r, v, err := ecdsa.Sign(rand.Reader, s.key, hash[:])
	if err != nil {
		return fmt.Errorf("sign %s: %w", name, err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	v.FillBytes(signature[32:])
	registry.attach(name, digest, "application/jose+json", toJSON(map[string]any{
		"payload": payload, "protected": protected, "signature": encoded(signature),
		"header": map[string]any{"x5c": s.chain, "io.cncf.notary.signingAgent": "e2e"},
	}))
	return nil
}

// attach puts a blob on the list of what refers to the image, in place of what was there.
func (r *Registry) attach(name, digest, mediaType string, blob []byte) {
	blobDigest := r.put("shop/"+name+"/blobs/", mediaType, blob)
	manifest := toJSON(map[string]any{
		"schemaVersion": 2, "mediaType": manifestType, "subject": map[string]any{"digest": digest},
		"layers": []any{map[string]any{"mediaType": mediaType, "digest": blobDigest, "size": len(blob)}},
	})
	manifestDigest := r.put("shop/"+name+"/manifests/", manifestType, manifest)
	list := toJSON(map[string]any{"schemaVersion": 2, "manifests": []any{map[string]any{"mediaType": manifestType, "digest": manifestDigest}}})
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.objects["shop/"+name+"/referrers/"+digest] = object{indexType, list}
}
