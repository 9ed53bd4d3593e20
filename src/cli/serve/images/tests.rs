use super::*;

const KEY: &str = include_str!("../../../../tests/trust/cosign.pub");

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn load(files: &[(&str, &str)]) -> Result<Setup, String> {
    let folder = folder(files);
    let path = folder.path().join("images.yaml");
    Files::read(&path, folder.path())?
        .setup(&path)
        .map_err(|error| error.replace(&folder.path().display().to_string(), "DIR"))
}

#[test]
fn an_error_says_where_and_what_to_do() {
    let entry = "registries:\n- prefix: registry.example.com\n";
    for (more, says) in [
        ("  insecure: true\n", "DIR/images.yaml:3: registries[0].insecure"),
        ("  pullSecret: shop\n", "DIR/images.yaml:3: registries[0].pullSecret: there is no Secret `shop`"),
        ("  ca: {configMap: own-ca}\n", "DIR/images.yaml:3: registries[0].ca: there is no ConfigMap `own-ca`"),
        ("  ca: {pem: hello}\n", "DIR/images.yaml:3: registries[0].ca: it has no certificate"),
        ("  ca: {file: /nowhere/ca.crt}\n", "DIR/images.yaml:3: registries[0].ca: /nowhere/ca.crt: No such file"),
        (
            "credentialProviders: {config: /nowhere/c.yaml, binDir: /nowhere}\n",
            "DIR/images.yaml:3: credentialProviders.config: /nowhere/c.yaml: No such file",
        ),
        (
            "- prefix: registry.example.com\n",
            "registries[1].prefix: \"registry.example.com\" is that of registries[0], too",
        ),
        ("  authHosts: [a/b]\n", "DIR/images.yaml:3: registries[0].authHosts"),
        ("onUnknown: refuse\n", "DIR/images.yaml:3: onUnknown"),
        (
            "trust:\n- prefix: registry.example.com\n  anyOf:\n  - cosignKey: {configMap: keys}\n",
            "there is no ConfigMap `keys`",
        ),
        ("---\na: b\n", "has 2 documents"),
    ] {
        let error = load(&[("images.yaml", &format!("{entry}{more}"))]).unwrap_err();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn secrets_and_config_maps_are_folders_next_to_it() {
    let document = "images:\n  registries:\n  - {prefix: registry.example.com, pullSecret: shop}\n  trust:\n  \
        - prefix: registry.example.com\n    anyOf: [{cosignKey: {configMap: keys}}]\n  onUnavailable: allowRunning\n";
    let files = |key: &'static str| {
        [
            ("images.yaml", document),
            ("secrets/shop/.dockerconfigjson", r#"{"auths": {"registry.example.com": {"auth": "YTpi"}}}"#),
            ("configmaps/keys/cosign.pub", key),
        ]
    };
    let setup = load(&files(KEY)).unwrap();
    assert!(setup.layers && setup.unknown.on_unavailable.is_some() && setup.registries == 1);
    // Another key is another trust, though the document is the same.
    let other = load(&[files(KEY)[0], files(KEY)[1], ("configmaps/keys/cosign.pub", &format!("\n{KEY}"))]).unwrap();
    assert_ne!(setup.trust.id, other.trust.id);
    let error = load(&files("-----BEGIN PRIVATE KEY-----\n")).unwrap_err();
    assert!(error.contains("DIR/images.yaml:6: trust[0]"), "{error}");
}

#[test]
fn a_private_key_beside_the_public_one_or_in_a_comment_does_not_load() {
    const PRIVATE: &str = "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n";
    let document = "registries:\n- prefix: registry.example.com\ntrust:\n- prefix: registry.example.com\n  \
        anyOf: [{cosignKey: {configMap: keys, key: cosign.pub}}]\n";
    let of = |document: &str, other: &str| {
        load(&[("images.yaml", document), ("configmaps/keys/cosign.pub", KEY), ("configmaps/keys/cosign.key", other)])
    };
    assert!(of(document, "a note").is_ok());
    let error = of(document, PRIVATE).unwrap_err();
    assert!(
        error
            .contains("DIR/images.yaml:5: trust[0].anyOf[0].cosignKey: the ConfigMap `keys` holds, under `cosign.key`"),
        "{error}"
    );
    let error = of(&format!("{document}# {PRIVATE}"), "").unwrap_err();
    assert!(error.contains("DIR/images.yaml:3: trust: the file holds a private key"), "{error}");
    assert!(!error.contains("BEGIN"), "{error}");
}

#[test]
fn a_change_is_seen_and_nothing_else_loads() {
    let folder = folder(&[("images.yaml", "registries: []\n")]);
    let path = folder.path().join("images.yaml");
    let args = ImageArgs { images: Some(path.clone()), images_files: None, images_secret: None };
    let mut loader = args.loader().unwrap();
    assert!(loader().unwrap().is_some() && loader().unwrap().is_none());
    fs::create_dir_all(folder.path().join("secrets/a")).unwrap();
    fs::write(folder.path().join("secrets/a/.dockerconfigjson"), "{}").unwrap();
    assert!(loader().unwrap().is_some() && loader().unwrap().is_none());
    fs::write(&path, "registries: 7\n").unwrap();
    assert!(loader().is_err() && loader().is_err());
    fs::write(&path, "registries: []\n").unwrap();
    assert!(loader().unwrap().is_some());
}

/// The volume of a Secret or ConfigMap that does not exist is an empty folder.
#[test]
fn what_does_not_exist_is_told_from_what_lacks_a_key() {
    const KEYS: &str = "trust:\n- prefix: registry.example.com\n  anyOf: [{cosignKey: {configMap: keys, key: a}}]\n";
    let of = |more: &str, file: (&str, &str)| {
        let entry = format!("registries:\n- prefix: registry.example.com\n{more}");
        let folder = folder(&[("images.yaml", &entry), file]);
        fs::create_dir_all(folder.path().join("secrets/shop")).unwrap();
        fs::create_dir_all(folder.path().join("configmaps/keys")).unwrap();
        let path = folder.path().join("images.yaml");
        Files::read(&path, folder.path()).unwrap().setup(&path).unwrap_err()
    };
    let none = ("other", "");
    assert!(of("  pullSecret: shop\n", none).contains("registries[0].pullSecret: there is no Secret `shop`"));
    assert!(of("  ca: {configMap: keys}\n", none).contains("registries[0].ca: there is no ConfigMap `keys`"));
    assert!(of(KEYS, none).contains("there is no ConfigMap `keys`"));
    assert!(of("  pullSecret: shop\n", ("secrets/shop/a", "b")).contains("the Secret `shop` has no key"));
    assert!(of(KEYS, ("configmaps/keys/b", "c")).contains("the ConfigMap `keys` has no key `a`"));
    let ca = of("  ca: {configMap: keys}\n", ("configmaps/keys/b", "hello"));
    assert!(ca.contains("registries[0].ca: the ConfigMap `keys`: it has no certificate"), "{ca}");
}

#[test]
fn a_pull_secret_is_for_its_registry() {
    let of = |registry: &str, auths: &str| {
        let entry = format!("registries:\n- {registry}\n");
        let secret = format!(r#"{{"auths": {{"{auths}": {{"auth": "YTpi"}}}}}}"#);
        load(&[("images.yaml", &entry), ("secrets/shop/.dockerconfigjson", &secret)])
    };
    for (registry, auths) in [
        ("{prefix: registry.example.com, pullSecret: shop}", "https://registry.example.com"),
        ("{prefix: registry.example.com, pullSecret: shop}", "registry.example.com/shop"),
        ("{prefix: registry.example.com/shop, pullSecret: shop}", "*.example.com"),
        ("{prefix: docker.io, pullSecret: shop}", "https://index.docker.io/v1/"),
        ("{prefix: docker.io/library, pullSecret: shop}", "docker.io"),
        ("{prefix: docker.io, mirror: mirror.example.com/hub, pullSecret: shop}", "mirror.example.com"),
    ] {
        assert!(of(registry, auths).is_ok(), "{registry} {auths}");
    }
    let error = of("{prefix: registry.example.com:5000, pullSecret: shop}", "registry.example.com").unwrap_err();
    let says = "registries[0].pullSecret: the Secret `shop` has no credentials for registry.example.com:5000";
    assert!(error.contains(says) && !error.contains("YTpi"), "{error}");
}
