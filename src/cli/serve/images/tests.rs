mod last_good;

use super::compile::{Compiled, Held, compile};
use super::files::Files;
use super::*;
use crate::cluster::images::Setup;
use crate::image::Digest;
use crate::image::known::{Reader, UnknownKind};
use crate::reference::ImageRef;
use crate::registry::{Credentials, Keyring, RegistryError};
use std::fs;

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

fn compiled(files: &[(&str, &str)], before: &Held) -> Result<Compiled, String> {
    let folder = folder(files);
    let path = folder.path().join("images.yaml");
    let files = Files::read(&path, folder.path(), None)?;
    compile(files.document.as_ref()?, "images.yaml", &files, before)
}

fn load(files: &[(&str, &str)]) -> Result<Setup, String> {
    let compiled = compiled(files, &Held::default())?;
    compiled.faults.is_empty().then_some(compiled.setup).ok_or_else(|| compiled.faults.join("\n"))
}

#[test]
fn an_error_says_where_and_what_to_do() {
    let entry = "registries:\n- prefix: registry.example.com\n";
    for (more, says) in [
        ("  insecure: true\n", "images.yaml:3: registries[0].insecure"),
        ("  pullSecret: shop\n", "images.yaml:3: registries[0].pullSecret: there is no Secret `shop`"),
        ("  ca: {configMap: own-ca}\n", "images.yaml:3: registries[0].ca: there is no ConfigMap `own-ca`"),
        ("  ca: {pem: hello}\n", "images.yaml:3: registries[0].ca: it has no certificate"),
        ("  ca: {file: /nowhere/ca.crt}\n", "images.yaml:3: registries[0].ca: /nowhere/ca.crt: No such file"),
        (
            "credentialProviders: {config: /nowhere/c.yaml, binDir: /nowhere}\n",
            "images.yaml:3: credentialProviders.config: /nowhere/c.yaml: No such file",
        ),
        (
            "- prefix: registry.example.com\n",
            "registries[1].prefix: \"registry.example.com\" is that of registries[0], too",
        ),
        ("  authHosts: [a/b]\n", "images.yaml:3: registries[0].authHosts"),
        ("onUnknown: refuse\n", "images.yaml:3: onUnknown"),
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
    assert!(error.contains("images.yaml:6: trust[0]"), "{error}");
}

#[test]
fn a_key_beside_images_does_not_load() {
    let images = "images:\n  registries:\n  - prefix: registry.example.com\n";
    for beside in ["trust:\n- prefix: '*'\n", "mode: warn\n", "trust: null\n"] {
        for (document, line) in [(format!("{images}{beside}"), 4), (format!("{beside}{images}"), 1)] {
            let error = load(&[("images.yaml", &document)]).unwrap_err();
            let key = beside.split_once(':').unwrap().0;
            assert!(error.contains(&format!("images.yaml:{line}: {key}: it stands beside `images`")), "{error}");
        }
    }
    assert!(load(&[("images.yaml", images)]).is_ok());
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
        error.contains("images.yaml:5: trust[0].anyOf[0].cosignKey: the ConfigMap `keys` holds, under `cosign.key`"),
        "{error}"
    );
    let error = of(&format!("{document}# {PRIVATE}"), "").unwrap_err();
    assert!(error.contains("images.yaml:3: trust: the file holds a private key"), "{error}");
    assert!(!error.contains("BEGIN"), "{error}");
}

#[test]
fn a_change_is_seen_and_nothing_else_loads() {
    let folder = folder(&[("images.yaml", "registries: []\n")]);
    let path = folder.path().join("images.yaml");
    let mut loader = loader(&folder, None);
    assert!(loader.load().unwrap().is_some() && loader.load().unwrap().is_none());
    fs::create_dir_all(folder.path().join("secrets/a")).unwrap();
    fs::write(folder.path().join("secrets/a/.dockerconfigjson"), "{}").unwrap();
    assert!(loader.load().unwrap().is_some() && loader.load().unwrap().is_none());
    // The document that loaded last goes on, by the Secrets of now.
    fs::write(&path, "registries: 7\n").unwrap();
    let older = loader.load().unwrap().unwrap();
    assert!(older.error.unwrap().contains("images.yaml:1: registries") && older.kept_at.is_none());
    assert!(loader.load().unwrap().is_none());
    fs::write(&path, "registries: []\n").unwrap();
    assert!(loader.load().unwrap().unwrap().error.is_none());
    fs::remove_file(&path).unwrap();
    assert!(loader.load().unwrap().unwrap().error.unwrap().contains("images.yaml: No such file"));
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
        let files = Files::read(&folder.path().join("images.yaml"), folder.path(), None).unwrap();
        let compiled = compile(files.document.as_ref().unwrap(), "images.yaml", &files, &Held::default());
        compiled.map_or_else(|error| error, |compiled| compiled.faults.join("\n"))
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

fn loader(folder: &tempfile::TempDir, rolled_out: Option<&str>) -> Loader {
    let path = folder.path().join("images.yaml");
    Loader::new(path, folder.path().to_owned(), rolled_out.map(str::to_owned), Arc::default())
}

/// A registry whose Secret is right, and one of each that is not.
const REGISTRIES: &str = "registries:
- {prefix: good.example.com, pullSecret: good}
- {prefix: absent.example.com, pullSecret: absent}
- {prefix: absent.example.com/public}
- {prefix: other.example.com, pullSecret: good}
- {prefix: empty.example.com, pullSecret: empty}
- {prefix: nonsense.example.com, pullSecret: nonsense}
- {prefix: ca.example.com, ca: {configMap: nowhere}}
- {prefix: no-ca.example.com, ca: {pem: hello}, pullSecret: absent}
- {prefix: not-der.example.com, ca: {pem: \"-----BEGIN CERTIFICATE-----\\naGVsbG8=\\n-----END CERTIFICATE-----\"}}
- {prefix: file.example.com, ca: {file: /nowhere/ca.crt}}
trust: [{prefix: good.example.com, anyOf: [{cosignKey: {configMap: keys}}]}]
";
const GOOD: (&str, &str) =
    ("secrets/good/.dockerconfigjson", r#"{"auths": {"good.example.com": {"auth": "YTpodW50ZXIy"}}}"#);

const ALL: [(&str, &str); 4] = [
    ("images.yaml", REGISTRIES),
    GOOD,
    ("secrets/nonsense/.dockerconfigjson", "hunter2"),
    ("configmaps/keys/a.pub", KEY),
];

/// What a request learns, of an image that podreeve asks no registry for.
async fn refused(setup: &Setup, image: &str) -> Option<(UnknownKind, Box<str>)> {
    let image = ImageRef::parse(image).into_owned();
    let digest = Digest::sha256(b"");
    match setup.client.manifest(&image, &digest).await {
        Err(error @ RegistryError::Unusable { .. }) => {
            let unknown = setup.unknown(&image, &Reader::Podreeve, &error.into());
            Some((unknown.kind, unknown.why))
        }
        _ => None,
    }
}

fn has_login(setup: &Setup, image: &str) -> bool {
    setup.client.has_login(&ImageRef::parse(image))
}

#[tokio::test]
async fn what_one_registry_names_and_cannot_be_used_is_a_fault_of_it_alone() {
    let Compiled { setup, faults, held } = compiled(&ALL, &Held::default()).unwrap();
    assert!(has_login(&setup, "good.example.com/shop/web:1") && setup.registries == 10);
    let why = [
        ("absent", 1, "pullSecret", "there is no Secret `absent`"),
        ("other", 3, "pullSecret", "the Secret `good` has no credentials for other.example.com"),
        ("empty", 4, "pullSecret", "there is no Secret `empty`"),
        ("nonsense", 5, "pullSecret", "the Secret `nonsense`: this is no JSON"),
        ("ca", 6, "ca", "there is no ConfigMap `nowhere`"),
        ("no-ca", 7, "ca", "it has no certificate"),
        ("not-der", 8, "ca", "it has what is no certificate"),
        ("file", 9, "ca", "/nowhere/ca.crt: No such file"),
    ];
    assert_eq!(faults.len(), why.len(), "{faults:#?}");
    for ((name, index, field, why), fault) in why.into_iter().zip(&faults) {
        let at = format!("images.yaml:{}: registries[{index}].{field}: {why}", index + 2);
        let unknown = format!("; images below {name}.example.com are unknown");
        assert!(fault.starts_with(&at) && fault.ends_with(&unknown) && !fault.contains("hunter2"), "{fault}");
        let (kind, said) = refused(&setup, &format!("{name}.example.com/web:1")).await.unwrap();
        let expected = if field == "ca" { UnknownKind::Unavailable } else { UnknownKind::Refused };
        assert_eq!(kind, expected, "{said}");
        let key = format!("its setting `images.registries[{index}].{field}` cannot be used");
        assert!(said.contains(&key) && !said.contains("there is no") && !said.contains("nowhere"), "{said}");
        // A pull secret of a pod goes where the certificates lead, and nowhere else.
        let theirs = Keyring::read(format!(r#"{{"auths": {{"{name}.example.com": {{"auth": "YTpi"}}}}}}"#).as_bytes());
        let tenant = setup.client.with_credentials(Credentials::default().keyring(theirs.unwrap()));
        let image = format!("{name}.example.com/web:1");
        assert_eq!(tenant.has_login(&ImageRef::parse(&image)), field != "ca", "{image}");
    }
    // Nothing of them is held.
    let document = ("images.yaml", "registries: [{prefix: absent.example.com, pullSecret: absent}]\n");
    let again = compiled(&[document], &held).unwrap();
    assert!(again.faults[0].ends_with("are unknown"), "{:?}", again.faults);
}

/// A replica that runs has the credentials in memory, as it has the rest of the settings that loaded last.
#[tokio::test]
async fn what_a_registry_had_before_counts() {
    let good = compiled(&ALL, &Held::default()).unwrap().held;
    for (document, secret) in [
        ("registries: [{prefix: good.example.com, pullSecret: good}]\n", ("secrets/other/a", "b")),
        ("registries: [{prefix: good.example.com, pullSecret: good}]\n", (GOOD.0, "{}")),
        ("registries: [{prefix: good.example.com, pullSecret: renamed}]\n", GOOD),
        ("registries: [{prefix: good.example.com, ca: {pem: hello}}]\n", GOOD),
    ] {
        let Compiled { setup, faults, held } = compiled(&[("images.yaml", document), secret], &good).unwrap();
        assert!(faults[0].ends_with("; the settings of before count for good.example.com"), "{faults:?}");
        assert!(has_login(&setup, "good.example.com/web:1") && faults.len() == 1, "{document}");
        let third = compiled(&[("images.yaml", document), secret], &held).unwrap();
        assert!(has_login(&third.setup, "good.example.com/web:1"), "{document}");
    }
}

/// The certificates of a ConfigMap are in the copy of the leader, too.
#[test]
fn the_certificates_of_before_count() {
    let authority = crate::authority::make_ca(jiff::Timestamp::now(), 1).unwrap().cert;
    let document = ("images.yaml", "registries: [{prefix: a.example.com, ca: {configMap: own-ca}}]\n");
    let good = compiled(&[document, ("configmaps/own-ca/ca.crt", &authority)], &Held::default()).unwrap();
    let mut held = Held::default();
    held.config_maps.extend(good.held.config_maps);
    for file in [("configmaps/own-ca/ca.crt", "hello"), ("configmaps/own-ca/b.crt", "")] {
        let Compiled { faults, held, .. } = compiled(&[document, file], &held).unwrap();
        let fault = &faults[0];
        assert!(fault.starts_with("images.yaml:1: registries[0].ca: the ConfigMap `own-ca`"), "{fault}");
        assert!(fault.ends_with("; its content of before counts") && faults.len() == 1, "{faults:?}");
        assert!(held.config_maps.contains_key("own-ca"));
    }
}

#[tokio::test]
async fn without_its_providers_no_registry_is_asked_that_may_need_them() {
    let document = "credentialProviders: {config: /nowhere/c.yaml, binDir: /nowhere}\nregistries:\n\
        - {prefix: cloud.example.com}\n- {prefix: good.example.com, pullSecret: good}\n";
    let Compiled { setup, faults, .. } = compiled(&[("images.yaml", document), GOOD], &Held::default()).unwrap();
    assert!(faults[0].starts_with("images.yaml:1: credentialProviders.config: /nowhere/c.yaml"), "{faults:?}");
    assert!(refused(&setup, "cloud.example.com/web:1").await.is_some() && has_login(&setup, "good.example.com/web:1"));
    let before = compiled(&[("images.yaml", "registries: [{prefix: cloud.example.com}]\n")], &Held::default()).unwrap();
    let Compiled { setup, faults, .. } = compiled(&[("images.yaml", document), GOOD], &before.held).unwrap();
    assert!(faults[0].ends_with("the settings of before count for cloud.example.com"), "{faults:?}");
    assert!(refused(&setup, "cloud.example.com/web:1").await.is_none());
}

#[test]
fn trust_never_gets_weaker_by_a_fault() {
    let trusts = "trust:\n- prefix: '*'\n  anyOf: [{cosignKey: {configMap: keys}}]\n";
    let of = |document, file, before: &Held| compiled(&[("images.yaml", document), file], before);
    let good = of(trusts, ("configmaps/keys/a.pub", KEY), &Held::default()).unwrap();
    for file in [("configmaps/keys/a.pub", "hello"), ("configmaps/other/a.pub", KEY)] {
        // Neither without the entry nor with an empty one.
        assert!(of(trusts, file, &Held::default()).is_err());
        let held = of(trusts, file, &good.held).unwrap();
        assert_eq!(held.setup.trust.id, good.setup.trust.id);
        let fault = &held.faults[0];
        assert!(
            fault.starts_with("images.yaml:3: trust[0]")
                && fault.ends_with("; that ConfigMap counts with its content of before"),
            "{fault}"
        );
        assert!(of(trusts, file, &held.held).is_ok());
    }
    // A key that was changed counts, though another one is broken.
    let two = format!("{trusts}- prefix: registry.example.com\n  anyOf: [{{cosignKey: {{configMap: other}}}}]\n");
    let of_two = |keys, other, before: &Held| {
        compiled(&[("images.yaml", &two), ("configmaps/keys/a.pub", keys), ("configmaps/other/a.pub", other)], before)
    };
    let both = of_two(KEY, KEY, &Held::default()).unwrap();
    let changed = format!("\n{KEY}");
    let one = of_two("hello", &changed, &both.held).unwrap();
    assert_eq!(one.setup.trust.id, of_two(KEY, &changed, &Held::default()).unwrap().setup.trust.id);
    assert!(one.setup.trust.id != both.setup.trust.id && one.faults.len() == 1, "{:?}", one.faults);
    // What the document itself has wrong does not load, whatever there was before.
    let wrong = trusts.replace("configMap: keys", "configMap: keys, key: b.pub");
    assert!(of(&wrong, ("configmaps/keys/a.pub", KEY), &good.held).is_err());
}
