//! `podreeve image --trust`: signatures by the real tools (tests/trust), and what the command says.

use super::binary::{Dir, Ran};
use super::json_schema::validate;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/trust");

/// Verifies the folder of one way of signing by an authority.
fn verify(dir: &Dir, way: &str, authority: &str, more: &[&str]) -> Ran {
    let name = std::fs::read_to_string(format!("{FIXTURES}/{way}.name")).expect("a name");
    let registry = name.split('/').next().expect("a registry");
    dir.write("trust.yaml", format!("trust:\n- prefix: {registry}\n  anyOf:\n  - {authority}\n"));
    let mut args = vec!["image", "layout", "--trust", "trust.yaml", "--as", &name];
    args.extend(more);
    let layout = format!("{FIXTURES}/{way}");
    args[1] = &layout;
    dir.run(&args)
}

fn key(file: &str) -> String {
    format!("cosignKey: {{file: {FIXTURES}/{file}}}")
}

#[test]
fn a_signed_image_passes_and_an_unsigned_one_is_denied() {
    let dir = Dir::new("image-trust", &[]);
    let good = verify(&dir, "bundle", &key("cosign.pub"), &["-o", "json"]);
    assert_eq!(good.code, Some(0), "{good:?}");
    let schema: Value = serde_json::from_str(include_str!("../../docs/image-report.schema.json")).expect("JSON");
    let report = good.json();
    validate(&schema, &schema, &report, "").expect("the report fits");
    assert_eq!(report["trust"]["signed"], true);
    assert_eq!(report["trust"]["attestations"].as_array().map(Vec::len), Some(5), "{report}");
    for format in ["text", "html"] {
        let ran = verify(&dir, "bundle", &key("cosign.pub"), &["-o", format]);
        let has = |words: &str| ran.out.contains(words);
        assert!(has("signed by cosignKey ") && has("CycloneDX SBOM by cosignKey "), "{}", ran.out);
    }
    let bad = verify(&dir, "bundle", &key("other.pub"), &[]);
    assert_eq!(bad.code, Some(1), "{bad:?}");
    assert!(bad.out.contains("image-signature") && bad.out.contains("it is signed by another key"), "{}", bad.out);
}

#[test]
fn a_missing_signature_is_denied_whatever_the_policy_says() {
    let dir = Dir::new("image-trust-policies", &[]);
    let policy = |more: &str| {
        format!(
            "apiVersion: podreeve.dev/v1alpha1\nkind: Policy\nmetadata: {{name: own}}\nspec:\n  rules:\n    image-signature: {{action: warn}}\n{more}"
        )
    };
    dir.write("warn.yaml", policy(""));
    let exempt = "  exemptions:\n  - {rules: [image-signature], namespaces: [shop], reason: signed by hand}\n";
    dir.write("exempt.yaml", policy(exempt));
    for name in ["pss-restricted", "warn.yaml"] {
        let ran = verify(&dir, "bundle", &key("other.pub"), &["--policy", name]);
        assert_eq!(ran.code, Some(1), "{name}: {ran:?}");
        assert!(ran.out.contains("deny critical  image: found no valid signature"), "{name}: {}", ran.out);
        assert!(ran.out.contains("podreeve denies this image: 1 denied, 0 warned"), "{name}: {}", ran.out);
    }
    let good = verify(&dir, "bundle", &key("cosign.pub"), &["--policy", "pss-restricted"]);
    assert_eq!(good.code, Some(0), "{good:?}");
    assert!(good.out.contains("admits the signatures of this image; no rule of the policies judges"), "{}", good.out);
    let exempt = verify(&dir, "bundle", &key("other.pub"), &["--policy", "exempt.yaml", "-n", "shop"]);
    assert_eq!(exempt.code, Some(0), "{exempt:?}");
    assert!(exempt.out.contains("podreeve admits this image without a valid signature: "), "{}", exempt.out);
}

#[test]
fn older_signatures_notation_and_identities_pass() {
    let dir = Dir::new("image-trust-formats", &[]);
    let notary = |root: &str| {
        format!(
            "notary: {{roots: [{{file: {FIXTURES}/{root}}}], identities: ['x509.subject: C=DE, ST=BE, O=Example']}}"
        )
    };
    let keyless = format!(
        "keyless: {{root: {{file: {FIXTURES}/trusted-root.json}}, issuer: 'https://token.example.com', subject: 'https://git.example.com/shop/*', log: optional}}"
    );
    for (way, authority) in
        [("legacy", key("cosign.pub")), ("notation-tsa", notary("notation-root.pem")), ("keyless", keyless)]
    {
        let ran = verify(&dir, way, &authority, &[]);
        assert_eq!(ran.code, Some(0), "{way}: {ran:?}");
        assert!(ran.out.contains("signed by "), "{way}: {}", ran.out);
    }
    let ran = verify(&dir, "notation", &notary("fulcio.pem"), &[]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.out.contains("leads to none of the roots"), "{}", ran.out);
}

#[test]
fn what_cannot_be_verified_is_an_error_that_says_what_to_do() {
    let layout = format!("{FIXTURES}/bundle");
    let pem = std::fs::read_to_string(format!("{FIXTURES}/cosign.pub")).expect("a key");
    let map = |data: &str| {
        let lines: String = pem.lines().map(|line| format!("    {line}\n")).collect();
        format!(
            "trust:\n- prefix: registry.example.com\n  anyOf:\n  - cosignKey: {{configMap: keys}}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: keys}}\ndata:\n  cosign.pub: |\n{lines}{data}"
        )
    };
    let dir = Dir::new("image-trust-errors", &[]);
    dir.write("none.yaml", "kind: ConfigMap\n");
    dir.write("typo.yaml", "trust:\n- prefix: a.example\n  anyof: []\n");
    dir.write(
        "private.yaml",
        "trust:\n- prefix: a.example\n  anyOf:\n  - cosignKey:\n      pem: '-----BEGIN PRIVATE KEY-----'\n",
    );
    dir.write("map.yaml", map(""));
    dir.write("two.yaml", map("  b: c\n"));
    let named = |data: &str| map(data).replace("configMap: keys", "configMap: keys, key: cosign.pub");
    dir.write("other-key.yaml", named("  cosign.key: |\n    -----BEGIN PRIVATE KEY-----\n"));
    let private = "-----BEGIN PRIVATE KEY-----\nMIGH\n";
    let encoded = STANDARD.encode(private);
    let hidden = [
        ("escaped.yaml", named("  k: \"-----BEGIN PRIVAT\\x45 KEY-----\\nMIGH\"\n")),
        ("broken.yaml", named("  k: \"-----BEGIN PRIVATE\\\n    \\ KEY-----\"\n")),
        ("key-name.yaml", named("  \"-----BEGIN PRIVATE\\x20KEY-----\": x\n")),
        ("binary.yaml", named(&format!("binaryData:\n  cosign.key: {encoded}\n"))),
        ("jwk.yaml", named("  k: '{\"kty\":\"EC\",\"d\":\"abc\"}'\n")),
    ];
    for (file, text) in &hidden {
        dir.write(file, text);
        let ran = dir.run(&["image", &layout, "--as", "registry.example.com/b", "--trust", file]);
        assert_eq!(ran.code, Some(2), "{file}: {ran:?}");
        assert!(ran.err.contains("the file holds a private key"), "{file}: {}", ran.err);
    }
    dir.write("mention.yaml", format!("# BEGIN PRIVATE KEY----- does not belong here\n{}", named("")));
    dir.write("secret.yaml", map("").replace("kind: ConfigMap", "kind: Secret"));
    dir.write("comment.yaml", format!("# -----BEGIN EC PRIVATE KEY-----\n{}", named("")));
    dir.write(
        "values.yaml",
        format!(
            "images:\n  registries: []\n{}",
            map("")
                .replace("trust:\n-", "  trust:\n  -")
                .replace("\n  anyOf", "\n    anyOf")
                .replace("\n  - cosignKey", "\n    - cosignKey")
        ),
    );
    dir.write("list.yaml", "- prefix: a.example\n  anyOf: []\n");
    dir.write("entry.yaml", "prefix: a.example\nanyOf: []\n");
    dir.write("images.yaml", "images:\n  registries: []\n");
    dir.write("images-list.yaml", "images:\n- prefix: a.example\n  anyOf: []\n");
    for (file, name, said) in [
        ("list.yaml", "a.example/b", "list.yaml: is a list; put it under the key `trust`"),
        ("images-list.yaml", "a.example/b", "is a list; put it under the key `trust`"),
        ("entry.yaml", "a.example/b", "entry.yaml: has an entry without a list; put it under the key `trust`"),
        ("images.yaml", "a.example/b", "images.yaml: has no list `trust`"),
        ("none.yaml", "a.example/b", "none.yaml: has no trust document"),
        ("typo.yaml", "a.example/b", "typo.yaml:3: trust[0]"),
        ("private.yaml", "a.example/b", "private.yaml:4: trust[0].anyOf[0].cosignKey: holds a private key"),
        ("secret.yaml", "registry.example.com/b", "secret.yaml: has a Secret as a further document; only a ConfigMap"),
        ("other-key.yaml", "registry.example.com/b", "other-key.yaml:16: the file holds a private key"),
        ("comment.yaml", "registry.example.com/b", "comment.yaml:1: the file holds a private key"),
        ("map.yaml", "a.example/b", "no entry covers `a.example/b`"),
        ("mention.yaml", "a.example/b", "no entry covers `a.example/b`"),
        ("two.yaml", "registry.example.com/b", "has several keys; name one with `key`"),
        ("missing.yaml", "a.example/b", "missing.yaml: cannot be read"),
        ("map.yaml", "registry.example.com/B", "is no reference of an image"),
        (
            "map.yaml",
            "registry.example.com/b@sha256:0000000000000000000000000000000000000000000000000000000000000000",
            "and the image has sha256:",
        ),
    ] {
        let ran = dir.run(&["image", &layout, "--trust", file, "--as", name]);
        assert_eq!(ran.code, Some(2), "{file}: {ran:?}");
        assert!(ran.err.contains(said), "{file}: {}", ran.err);
    }
    for file in ["map.yaml", "values.yaml"] {
        let ran = dir.run(&["image", &layout, "--trust", file, "--as", "registry.example.com/shop/web"]);
        assert_eq!(ran.code, Some(0), "{file}: {ran:?}");
    }
    let ran = dir.run(&["image", &layout, "--trust", "map.yaml"]);
    assert!(ran.code == Some(2) && ran.err.contains("add --as"), "{ran:?}");
}
