package harness

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// Registry is a registry of images in this process, whose answers a test can spoil.
type Registry struct {
	Host string

	mutex   sync.Mutex
	objects map[string]object // by path below /v2/
	fault   Fault
	server  *http.Server
	seen    int
}

type object struct {
	contentType string
	bytes       []byte
}

// Fault answers in place of the registry, and says whether it did.
type Fault func(w http.ResponseWriter, r *http.Request) bool

const manifestType = "application/vnd.oci.image.manifest.v1+json"

// StartRegistry starts one on loopback, without TLS.
func (c *Cluster) StartRegistry() (*Registry, error) {
	registry := &Registry{objects: map[string]object{}}
	if err := registry.Start(); err != nil {
		return nil, err
	}
	c.Defer(func() error { registry.Stop(); return nil })
	return registry, nil
}

// Start listens, on the same port as before where it was stopped.
func (r *Registry) Start() error {
	address := r.Host
	if address == "" {
		address = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("start a registry: %w", err)
	}
	r.serve(listener)
	return nil
}

// NewRegistry is one on a listener that the caller made.
func NewRegistry(listener net.Listener) *Registry {
	registry := &Registry{objects: map[string]object{}}
	registry.serve(listener)
	return registry
}

func (r *Registry) serve(listener net.Listener) {
	r.Host = listener.Addr().String()
	r.server = &http.Server{Handler: r}
	go r.server.Serve(listener)
}

// Stop closes all connections: nobody answers any more.
func (r *Registry) Stop() { r.server.Close() }

// Spoil lets the fault answer from now on; nil for none.
func (r *Registry) Spoil(fault Fault) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.fault = fault
}

// Requests that came so far.
func (r *Registry) Requests() int {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.seen
}

// Push stores an image of one small layer with this USER, under `shop/NAME:1`, and gives its reference with the tag, and its digest.
func (r *Registry) Push(name, user string) (reference, digest string) {
	return r.PushImage(name, "1", Image{
		Run:   map[string]any{"User": user},
		Files: map[string]string{"etc/passwd": "app:x:1000:1000::/:/bin/sh\n" + name},
	})
}

// IsConfig says whether this request is for the configuration of an image, and for no layer.
func (r *Registry) IsConfig(request *http.Request) bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return bytes.HasPrefix(r.objects[strings.TrimPrefix(request.URL.Path, "/v2/")].bytes, []byte("{"))
}

// DeleteTag removes the tag of an image, and leaves the image.
func (r *Registry) DeleteTag(name string) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	delete(r.objects, "shop/"+name+"/manifests/1")
}

func (r *Registry) put(folder, contentType string, content []byte) string {
	digest := fmt.Sprintf("sha256:%x", sha256.Sum256(content))
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.objects[folder+digest] = object{contentType, content}
	return digest
}

func (r *Registry) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	r.mutex.Lock()
	fault := r.fault
	r.seen++
	found, is := r.objects[strings.TrimPrefix(request.URL.Path, "/v2/")]
	r.mutex.Unlock()
	if fault != nil && fault(w, request) {
		return
	}
	if !is {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", found.contentType)
	w.Header().Set("Docker-Content-Digest", fmt.Sprintf("sha256:%x", sha256.Sum256(found.bytes)))
	w.Header().Set("Content-Length", strconv.Itoa(len(found.bytes)))
	if request.Method != http.MethodHead {
		w.Write(found.bytes)
	}
}

// Slow never answers, until the caller gives up.
func Slow(_ http.ResponseWriter, request *http.Request) bool {
	<-request.Context().Done()
	return true
}

// OtherBytes sends something else under every digest.
func OtherBytes(w http.ResponseWriter, request *http.Request) bool {
	if request.Method == http.MethodHead || !strings.Contains(request.URL.Path, "sha256:") {
		return false
	}
	w.Write([]byte(`{"schemaVersion": 2}`))
	return true
}

// HalfABlob breaks off in the middle of each blob of a layer.
func HalfABlob(w http.ResponseWriter, request *http.Request) bool {
	if !strings.Contains(request.URL.Path, "/blobs/") {
		return false
	}
	w.Header().Set("Content-Length", "10000")
	w.Write([]byte("etc/passwd"))
	return true
}

// Wants lets in who has these credentials for Basic authentication.
func Wants(user, password string) Fault {
	return func(w http.ResponseWriter, request *http.Request) bool {
		gotUser, gotPassword, _ := request.BasicAuth()
		if gotUser == user && gotPassword == password {
			return false
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	}
}

func toJSON(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // maps, lists and texts
	}
	return text
}
