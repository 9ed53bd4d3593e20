package harness

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"strings"
)

// Signer has a key of cosign.
type Signer struct {
	key *ecdsa.PrivateKey
	// Public is the key as `cosign.pub` has it.
	Public string
}

// NewSigner makes a key.
func NewSigner() (*Signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	return &Signer{key, string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))}, nil
}

// Sign attaches a signature in cosign's older format to a digest of `shop/NAME`. It says that the image is `shop/SAID`.
func (r *Registry) Sign(signer *Signer, name, said, digest string) error {
	payload := toJSON(map[string]any{"critical": map[string]any{
		"identity": map[string]any{"docker-reference": fmt.Sprintf("%s/shop/%s", r.Host, said)},
		"image":    map[string]any{"docker-manifest-digest": digest},
		"type":     "cosign container image signature",
	}, "optional": nil})
	hash := sha256.Sum256(payload)
	signature, err := ecdsa.SignASN1(rand.Reader, signer.key, hash[:])
	if err != nil {
		return fmt.Errorf("sign %s: %w", name, err)
	}
	layer := r.put("shop/"+name+"/blobs/", "application/octet-stream", payload)
	config := r.put("shop/"+name+"/blobs/", "application/octet-stream", []byte("{}"))
	manifest := toJSON(map[string]any{
		"schemaVersion": 2, "mediaType": manifestType,
		"config": map[string]any{"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config, "size": 2},
		"layers": []any{map[string]any{
			"mediaType": "application/vnd.dev.cosign.simplesigning.v1+json", "digest": layer, "size": len(payload),
			"annotations": map[string]any{"dev.cosignproject.cosign/signature": base64.StdEncoding.EncodeToString(signature)},
		}},
	})
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.objects["shop/"+name+"/manifests/"+strings.Replace(digest, ":", "-", 1)+".sig"] = object{manifestType, manifest}
	return nil
}

// Tag lets the tag of an image lead to another digest that the repository has, or that another one has.
func (r *Registry) Tag(name, from, digest string) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for path, object := range r.objects {
		if rest, is := strings.CutPrefix(path, "shop/"+from+"/"); is {
			r.objects["shop/"+name+"/"+rest] = object
		}
	}
	r.objects["shop/"+name+"/manifests/1"] = r.objects["shop/"+name+"/manifests/"+digest]
}
