package signatures

import (
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// signed is an image that every tool signed, and the trust documents that say whom to trust.
type signed struct {
	*workshop
	repository, digest string
	// folders of layouts, by what signed them
	layouts map[string]string
}

// signEverything signs one image in every way, and saves it with what each tool attached.
func signEverything(t *testing.T) *signed {
	w := open(t)
	s := &signed{workshop: w, layouts: map[string]string{}}
	w.cosign("generate-key-pair")
	w.cosign("generate-key-pair", "--output-key-prefix", "other")
	w.cosign("signing-config", "create", "--out", "none.json")
	w.cosign("trusted-root", "create", "--out", "empty.json")
	byKey := []string{"--key", "cosign.key", "--signing-config", "none.json", "--trusted-root", "empty.json", "--allow-http-registry"}
	legacy := []string{"--key", "cosign.key", "--use-signing-config=false", "--tlog-upload=false", "--new-bundle-format=false", "--allow-http-registry"}

	image := s.begin("bundle")
	w.cosign(append(append([]string{"sign"}, byKey...), image)...)
	for _, kind := range []struct{ name, predicate string }{
		{"cyclonedx", `{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"library","name":"openssl"}]}`},
		{"spdxjson", `{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT","name":"web","packages":[]}`},
		{"vuln", `{"invocation":{},"scanner":{"uri":"pkg:generic/trivy","version":"1","db":{},"result":{"SchemaVersion":2,"Results":[]}},` +
			`"metadata":{"scanStartedOn":"2026-11-27T00:00:00Z","scanFinishedOn":"2026-11-27T00:00:00Z"}}`},
		{"openvex", `{"@context":"https://openvex.dev/ns/v0.2.0","@id":"a","author":"a","timestamp":"2026-11-27T00:00:00Z","version":1,` +
			`"statements":[{"vulnerability":{"name":"CVE-2026-1"},"products":[{"@id":"pkg:oci/web"}],"status":"not_affected","justification":"component_not_present"}]}`},
		{"slsaprovenance1", `{"buildDefinition":{"buildType":"a","externalParameters":{}},"runDetails":{"builder":{"id":"https://ci.example.com/1"}}}`},
	} {
		predicate := w.write(kind.name+".json", kind.predicate)
		w.cosign(append(append([]string{"attest", "--type", kind.name, "--predicate", predicate}, byKey...), image)...)
	}
	s.save("bundle", image)

	image = s.begin("legacy")
	w.cosign(append(append([]string{"sign"}, legacy...), image)...)
	w.cosign(append(append([]string{"attest", "--type", "cyclonedx", "--predicate", w.path("cyclonedx.json")}, legacy...), image)...)
	s.save("legacy", image)

	tsa, address := w.timestamps()
	s.signKeyless(address)
	s.signNotation(filepath.Join(tsa, "tsa.cnf"))
	return s
}

// begin pushes an image of its own for one way of signing.
func (s *signed) begin(way string) string {
	s.t.Helper()
	s.repository, s.digest = s.image(way + "/web")
	return s.repository + "@" + s.digest
}

func (s *signed) save(way, image string) {
	s.t.Helper()
	s.layouts[way] = s.path(way)
	s.cosign("save", "--dir", s.path(way), image, "--allow-http-registry")
	s.write(way+".name", image)
}

// signKeyless signs as an identity that an own CA certified, with a time stamp and no log.
func (s *signed) signKeyless(tsa string) {
	s.t.Helper()
	fulcio := certify(s.t, nil, named("fulcio"))
	leaf := identity(s.t, fulcio)
	s.write("fulcio.pem", fulcio.pem())
	s.write("leaf.pem", leaf.pem())
	s.write("leaf.key", leaf.keyPEM(s.t))
	s.cosign("trusted-root", "create", "--fulcio=url=https://fulcio.example.com,certificate-chain=fulcio.pem",
		"--tsa=url="+tsa+",certificate-chain=tsa/chain.pem", "--out", "trusted-root.json")
	s.cosign("signing-config", "create", "--tsa=url="+tsa+",api-version=1,start-time=2024-01-01T00:00:00Z,operator=example.com",
		"--tsa-config=ANY", "--out", "tsa.json")
	s.cosign("import-key-pair", "--key", "leaf.key", "--output-key-prefix", "leaf-cosign")
	image := s.begin("keyless")
	s.cosign("sign", "--key", "leaf-cosign.key", "--certificate", "leaf.pem", "--signing-config", "tsa.json",
		"--trusted-root", "trusted-root.json", "--allow-http-registry", image)
	s.save("keyless", image)
}

// signNotation signs in the layout itself, with and without a time stamp.
func (s *signed) signNotation(tsa string) {
	s.t.Helper()
	root := certify(s.t, nil, named("notation root"))
	template := named("signer")
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}
	leaf := certify(s.t, &root, template)
	s.write("notation-root.pem", root.pem())
	s.write("notation-chain.pem", leaf.pem()+root.pem())
	s.write("notation.key", leaf.keyPEM(s.t))
	for _, way := range []string{"notation", "notation-tsa"} {
		image := s.begin(way)
		s.save(way, image)
		args := []string{"-layout", s.path(way), "-digest", s.digest, "-key", s.path("notation.key"), "-chain", s.path("notation-chain.pem")}
		if way == "notation-tsa" {
			args = append(args, "-tsa", tsa)
		} else {
			args = append(args, "-expiry", "24h")
		}
		s.run(s.tool("notation"), args...)
	}
}

// trust writes a trust document for all images of the registry.
func (s *signed) trust(name, authority, more string) string {
	s.t.Helper()
	return s.write(name, fmt.Sprintf("trust:\n- prefix: %s\n  anyOf:\n  - %s\n%s", s.registry, authority, more))
}

func TestSignaturesOfRealTools(t *testing.T) {
	s := signEverything(t)
	key := func(file string) string { return "cosignKey: {file: " + file + "}" }
	notary := func(root, more string) string {
		return "notary: {roots: [{file: " + root + "}]" + more + `, identities: ["x509.subject: C=DE, ST=BE, O=Example"]}`
	}
	keyless := func(subject string) string {
		return "keyless: {root: {file: trusted-root.json}, issuer: " + issuer + ", subject: '" + subject + "', log: optional}"
	}
	all := "  require:\n  - predicate: cyclonedx\n  - predicate: spdx\n  - {predicate: vuln, maxCritical: 0}\n  - predicate: openvex\n" +
		"  - {predicate: slsaprovenance, builder: 'https://ci.example.com/*'}\n"
	fresh := "  maxSignatureAge: 1d\n"
	for _, test := range []struct{ name, way, authority, more, refused string }{
		{"a bundle and all attestations", "bundle", key("cosign.pub"), all, ""},
		{"a bundle by another key", "bundle", key("other.pub"), "", "it is signed by another key"},
		{"the older format", "legacy", key("cosign.pub"), "  require:\n  - predicate: cyclonedx\n", ""},
		{"the older format by another key", "legacy", key("other.pub"), "", "it is signed by another key"},
		{"an identity", "keyless", keyless("https://git.example.com/shop/*"), fresh, ""},
		{"another identity", "keyless", keyless("https://git.example.com/other/*"), "", "it is signed by `https://git.example.com/shop/web"},
		{"notation", "notation", notary("notation-root.pem", ""), "", ""},
		{"notation under another root", "notation", notary("tsa/roots.pem", ""), "", "leads to none of the roots"},
		{"notation with a time stamp", "notation-tsa", notary("notation-root.pem", ", timestampRoots: [{file: tsa/roots.pem}]"), fresh, ""},
		{"notation with a time stamp of somebody else", "notation-tsa",
			notary("notation-root.pem", ", timestampRoots: [{file: fulcio.pem}]"), "", "its time stamp is refused"},
	} {
		t.Run(test.name, func(t *testing.T) {
			name := strings.ReplaceAll(test.name, " ", "-") + ".yaml"
			document := s.trust(name, test.authority, test.more)
			image := s.read(test.way + ".name")
			places := [][]string{{s.layouts[test.way], "--as", image}}
			if !strings.HasPrefix(test.way, "notation") {
				// Notation signed in the folder alone.
				places = append(places, []string{image, "--plain-http"})
			}
			for _, place := range places {
				args := append([]string{"image", "--trust", document}, place...)
				out, err := s.try(os.Getenv("PODREEVE_BIN"), args...)
				if test.refused == "" && err != nil {
					t.Errorf("%v is refused: %v\n%s", place, err, out)
				}
				if test.refused != "" && (err == nil || !strings.Contains(out, test.refused)) {
					t.Errorf("%v must say %q: %v\n%s", place, test.refused, err, out)
				}
			}
		})
	}
	if fixtures := os.Getenv("PODREEVE_SIGNATURE_FIXTURES"); fixtures != "" {
		s.copyFixtures(fixtures)
	}
}

// copyFixtures leaves what the tests in Rust verify: the layouts, and what the trust documents name.
func (s *signed) copyFixtures(to string) {
	s.t.Helper()
	if err := os.RemoveAll(to); err != nil {
		s.t.Fatal(err)
	}
	for way, layout := range s.layouts {
		if err := os.CopyFS(filepath.Join(to, way), os.DirFS(layout)); err != nil {
			s.t.Fatal(err)
		}
	}
	for _, name := range []string{"cosign.pub", "other.pub", "trusted-root.json", "notation-root.pem", "fulcio.pem", "tsa/roots.pem"} {
		if err := os.WriteFile(filepath.Join(to, strings.ReplaceAll(name, "/", "-")), []byte(s.read(name)), 0o644); err != nil {
			s.t.Fatal(err)
		}
	}
	for way := range s.layouts {
		if err := os.WriteFile(filepath.Join(to, way+".name"), []byte(s.read(way+".name")), 0o644); err != nil {
			s.t.Fatal(err)
		}
	}
}
