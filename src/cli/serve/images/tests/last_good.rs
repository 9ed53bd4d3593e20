//! What the leader keeps, and the replicas that start with it.

use super::*;
use crate::cluster::last_good::KeptFiles;
use crate::server::LoadedImages;
use crate::sources::sha256;

/// What the leader would keep of these files, as a replica reads it that starts later.
fn kept(files: &[(&str, &str)]) -> kept::Kept {
    let folder = folder(files);
    let mut loader = loader(&folder, None);
    let good = loader.good();
    loader.load().unwrap();
    let files = good.borrow().as_deref().cloned().unwrap();
    assert!(!format!("{files:?}").contains("YTpodW50ZXIy"), "credentials are kept");
    kept::Kept::read(KeptFiles { files, at: "2026-11-28T12:00:00Z".to_owned() }).unwrap()
}

fn started(files: &[(&str, &str)], kept: kept::Kept, rolled_out: Option<&str>) -> Result<LoadedImages, String> {
    let folder = folder(files);
    let mut loader = loader(&folder, rolled_out);
    assert!(!loader.is_whole());
    assert!(loader.found.set(kept).is_ok());
    Ok(loader.load()?.unwrap())
}

#[test]
fn a_replica_that_starts_serves_what_loaded_last_by_the_secrets_of_now() {
    let broken = "registries: 7\n";
    let loaded = started(&[("images.yaml", broken), GOOD], kept(&ALL), None).unwrap();
    assert!(loaded.error.unwrap().contains("images.yaml:1: registries: "));
    assert_eq!((loaded.kept_at.as_deref(), loaded.setup.registries), (Some("2026-11-28T12:00:00Z"), 10));
    assert!(has_login(&loaded.setup, "good.example.com/web:1"));
    let secretless = started(&[("images.yaml", broken)], kept(&ALL), None).unwrap();
    let fault = "the document that loaded last:2: registries[0].pullSecret: there is no Secret `good`";
    assert!(secretless.faults.iter().any(|one| one.starts_with(fault)), "{:?}", secretless.faults);
    // No document at all.
    assert!(started(&[GOOD], kept(&ALL), None).unwrap().error.unwrap().contains("No such file"));
    // Keys that are gone are those of the leader.
    let keyless = started(&[ALL[0], GOOD], kept(&ALL), None).unwrap();
    assert!(
        keyless.error.is_none() && keyless.faults[0].contains("there is no ConfigMap `keys`"),
        "{:?}",
        keyless.faults
    );
    assert!(!keyless.setup.trust.trust.is_empty());
}

/// A key that was revoked does not come back by the copy.
#[test]
fn a_config_map_that_is_there_is_newer_than_the_copy() {
    let broken = ("images.yaml", "registries: 7\n");
    let with_key = REGISTRIES.replace("configMap: keys", "configMap: keys, key: a.pub");
    let copy = || kept(&[("images.yaml", &with_key), GOOD, ("configmaps/keys/a.pub", KEY)]);
    for now in [("configmaps/keys/b.pub", KEY), ("configmaps/keys/a.pub", "hello")] {
        let error = started(&[broken, GOOD, now], copy(), None).unwrap_err();
        assert!(error.contains("; the document that loaded last does not load either: "), "{error}");
    }
    // Where the keys of now are used, they are those that count.
    let changed = format!("\n{KEY}");
    let first = started(&[broken, GOOD, ("configmaps/keys/a.pub", KEY)], copy(), None).unwrap();
    let newer = started(&[broken, GOOD, ("configmaps/keys/a.pub", &changed)], copy(), None).unwrap();
    assert_ne!(first.setup.trust.id, newer.setup.trust.id);
    assert_eq!(started(&[broken, GOOD], copy(), None).unwrap().setup.trust.id, first.setup.trust.id);
}

#[test]
fn of_a_config_map_only_the_keys_that_the_document_names_are_kept() {
    let document = "trust:\n- {prefix: a.example.com, anyOf: [{cosignKey: {configMap: keys, key: a.pub}}]}\n\
        - {prefix: b.example.com, anyOf: [{cosignKey: {configMap: keys, key: b.pub}}]}\n";
    let (a, b) = (("configmaps/keys/a.pub", KEY), ("configmaps/keys/b.pub", KEY));
    let kept = kept(&[("images.yaml", document), a, b, ("configmaps/keys/ca-bundle.crt", "large")]);
    assert_eq!(kept.config_maps["keys"].keys().collect::<Vec<_>>(), ["a.pub", "b.pub"]);
    // The copy is enough for the document.
    assert!(started(&[("images.yaml", "registries: 7\n")], kept, None).is_ok());
}

#[test]
fn a_rollout_with_a_fault_stops_and_a_restart_does_not() {
    let before = ("images.yaml", "registries: [{prefix: good.example.com, pullSecret: good}]\n");
    let document = "registries: [{prefix: good.example.com, pullSecret: renamed}]\n";
    let faulty = ("images.yaml", document);
    let hash = sha256(document.as_bytes());
    let error = started(&[faulty, GOOD], kept(&[before, GOOD]), Some(&hash)).unwrap_err();
    assert!(error.contains("there is no Secret `renamed`") && error.ends_with("and the rollout stops"), "{error}");
    // A restart of a replica of this rollout or of the one before.
    assert_eq!(started(&[faulty, GOOD], kept(&[faulty, GOOD]), Some(&hash)).unwrap().faults.len(), 1);
    assert_eq!(started(&[faulty, GOOD], kept(&[before, GOOD]), Some(&sha256(b""))).unwrap().faults.len(), 1);
    // A first install.
    let first = folder(&[faulty, GOOD]);
    assert_eq!(loader(&first, Some(&hash)).load().unwrap().unwrap().faults.len(), 1);

    // What is missing is made, and later deleted: this replica has it in memory.
    let folder = folder(&[faulty, GOOD]);
    let mut loader = loader(&folder, Some(&hash));
    assert!(loader.found.set(kept(&[before, GOOD])).is_ok());
    assert!(loader.load().is_err() && loader.load().is_err());
    let secret = folder.path().join(GOOD.0.replace("/good/", "/renamed/"));
    fs::create_dir_all(secret.parent().unwrap()).unwrap();
    fs::write(&secret, GOOD.1).unwrap();
    assert!(loader.load().unwrap().unwrap().faults.is_empty());
    fs::remove_file(&secret).unwrap();
    assert!(loader.load().unwrap().unwrap().faults[0].contains("the settings of before count"));
}

#[test]
fn a_rollout_of_a_document_that_does_not_load_stops() {
    let broken = "registries: 7\n";
    let hash = sha256(broken.as_bytes());
    let error = started(&[("images.yaml", broken), GOOD], kept(&ALL), Some(&hash)).unwrap_err();
    assert!(error.contains("registries: ") && error.ends_with("and the rollout stops"), "{error}");
    assert!(started(&[("images.yaml", broken), GOOD], kept(&ALL), Some(&sha256(b""))).is_ok());
}
