package node

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// writeImage makes an archive of an image with one static program, as `docker save` writes it.
func writeImage(dir, name, program string) (string, error) {
	content, err := os.ReadFile(program)
	if err != nil {
		return "", fmt.Errorf("make an image: %w", err)
	}
	base := "/" + filepath.Base(program)
	layer := tarball(map[string][]byte{base[1:]: content})
	config, err := json.Marshal(map[string]any{
		"architecture": runtime.GOARCH, "os": "linux",
		"config": map[string]any{"Entrypoint": []string{base}},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{fmt.Sprintf("sha256:%x", sha256.Sum256(layer))}},
	})
	if err != nil {
		return "", err
	}
	manifest, err := json.Marshal([]map[string]any{{"Config": "config.json", "RepoTags": []string{name}, "Layers": []string{"layer.tar"}}})
	if err != nil {
		return "", err
	}
	archive := filepath.Join(dir, "image.tar")
	whole := tarball(map[string][]byte{"config.json": config, "layer.tar": layer, "manifest.json": manifest})
	return archive, os.WriteFile(archive, whole, 0o600)
}

func tarball(files map[string][]byte) []byte {
	var out bytes.Buffer
	writer := tar.NewWriter(&out) // on a buffer it cannot fail
	for name, content := range files {
		_ = writer.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(content))})
		_, _ = writer.Write(content)
	}
	_ = writer.Close()
	return out.Bytes()
}
