package harness

import (
	"archive/tar"
	"bytes"
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Image is what a test pushes: one platform, one layer.
type Image struct {
	Run   map[string]any    // the fields of `config`: User, Entrypoint, ExposedPorts ..
	Files map[string]string // by their paths; below bin/ and sbin/ they are programs
	// Architecture is that of the processor: amd64 where it is empty.
	Architecture string
}

// PushImage stores an image under `shop/NAME:TAG`, and gives its reference with the tag, and its digest. A tag that was there leads to it from now on.
func (r *Registry) PushImage(name, tag string, image Image) (reference, digest string) {
	layer := archive(image.Files)
	layerDigest := r.put("shop/"+name+"/blobs/", "application/octet-stream", layer)
	config := toJSON(map[string]any{
		"os": "linux", "architecture": cmp.Or(image.Architecture, "amd64"), "config": image.Run,
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{layerDigest}},
	})
	return r.manifest(name, tag, config, map[string]any{
		"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": layerDigest, "size": len(layer),
	})
}

// PushIndex stores an index of images, each for another processor, under `shop/NAME:1`.
func (r *Registry) PushIndex(name string, images ...Image) (reference, digest string) {
	var manifests []any
	for _, image := range images {
		_, digest := r.PushImage(name, image.Architecture, image)
		manifests = append(manifests, map[string]any{
			"mediaType": manifestType, "digest": digest, "platform": map[string]any{"os": "linux", "architecture": image.Architecture},
		})
	}
	index := toJSON(map[string]any{"schemaVersion": 2, "mediaType": indexType, "manifests": manifests})
	digest = r.put("shop/"+name+"/manifests/", indexType, index)
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.objects["shop/"+name+"/manifests/1"] = object{indexType, index}
	return fmt.Sprintf("%s/shop/%s:1", r.Host, name), digest
}

const indexType = "application/vnd.oci.image.index.v1+json"

func archive(files map[string]string) []byte {
	var layer bytes.Buffer
	writer := tar.NewWriter(&layer)
	for _, path := range slices.Sorted(maps.Keys(files)) {
		mode := int64(0o644)
		if strings.Contains(path, "bin/") {
			mode = 0o755
		}
		writer.WriteHeader(&tar.Header{Name: path, Mode: mode, Size: int64(len(files[path]))})
		writer.Write([]byte(files[path]))
	}
	writer.Close()
	return layer.Bytes()
}

// manifest stores one of a configuration and a layer, under a tag.
func (r *Registry) manifest(name, tag string, config []byte, layer map[string]any) (reference, digest string) {
	configDigest := r.put("shop/"+name+"/blobs/", "application/octet-stream", config)
	manifest := toJSON(map[string]any{
		"schemaVersion": 2, "mediaType": manifestType,
		"config": map[string]any{"mediaType": "application/vnd.oci.image.config.v1+json", "digest": configDigest, "size": len(config)},
		"layers": []any{layer},
	})
	digest = r.put("shop/"+name+"/manifests/", manifestType, manifest)
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.objects["shop/"+name+"/manifests/"+tag] = object{manifestType, manifest}
	return fmt.Sprintf("%s/shop/%s:%s", r.Host, name, tag), digest
}

// SigningKey is a new one, and its public half as PEM.
func SigningKey() (*ecdsa.PrivateKey, string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, "", err
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	return key, string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})), err
}

// Sign attaches a signature to an image, as `cosign sign --key` does in its older format.
func (r *Registry) Sign(name, digest string, key *ecdsa.PrivateKey) error {
	return r.SignFor(name, name, digest, key)
}

// SignFor attaches a signature to `shop/NAME` that says it is for `shop/REPOSITORY`.
func (r *Registry) SignFor(name, repository, digest string, key *ecdsa.PrivateKey) error {
	payload := toJSON(map[string]any{"critical": map[string]any{
		"identity": map[string]any{"docker-reference": r.Host + "/shop/" + repository},
		"image":    map[string]any{"docker-manifest-digest": digest},
		"type":     "cosign container image signature",
	}, "optional": nil})
	hash := sha256.Sum256(payload)
	signature, err := ecdsa.SignASN1(rand.Reader, key, hash[:])
	if err != nil {
		return fmt.Errorf("sign %s: %w", name, err)
	}
	layer := r.put("shop/"+name+"/blobs/", "application/octet-stream", payload)
	r.manifest(name, strings.Replace(digest, ":", "-", 1)+".sig", []byte("{}"), map[string]any{
		"mediaType": "application/vnd.dev.cosign.simplesigning.v1+json", "digest": layer, "size": len(payload),
		"annotations": map[string]any{"dev.cosignproject.cosign/signature": base64.StdEncoding.EncodeToString(signature)},
	})
	return nil
}

// Tag lets the tag `1` of an image lead to a digest of another image, which the repository of the first then has, too.
func (r *Registry) Tag(name, other, digest string) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	found := map[string]object{}
	for path, object := range r.objects {
		if rest, is := strings.CutPrefix(path, "shop/"+other+"/"); is {
			found["shop/"+name+"/"+rest] = object
		}
	}
	maps.Copy(r.objects, found)
	r.objects["shop/"+name+"/manifests/1"] = r.objects["shop/"+name+"/manifests/"+digest]
}
