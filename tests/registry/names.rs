//! Names in settings of images: the published schema, which the chart has, refuses what podreeve refuses, and nothing else.

use podreeve::image::trust::{Trust, TrustDocument};
use podreeve::registry::{Client, Credentials, Limits, RegistrySettings, Settings};
use serde_json::{Value, json};

/// e2e/chart/images_test.go reads it, too.
const NAMES: &str = include_str!("names.json");
const SCHEMA: &str = include_str!("../../docs/images.schema.json");
const KEY: &str = include_str!("../trust/cosign.pub");

fn loads(document: &Value) -> Result<(), String> {
    let registries: Vec<RegistrySettings> = serde_json::from_value(document["registries"].clone()).unwrap();
    let settings = Settings { registries, any_host: false };
    let client = Client::new(&settings, Credentials::default(), Limits::default());
    client.map_err(|error| error.to_string())?;
    let trust: TrustDocument = serde_json::from_value(json!({"trust": document["trust"]})).unwrap();
    let compiled = Trust::compile(&trust, &|_| Err("no file".to_owned()));
    compiled.map(drop).map_err(|errors| format!("{errors:?}"))
}

#[test]
fn the_schema_and_the_program_refuse_the_same_names() {
    let names: Value = serde_json::from_str(NAMES).unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_str(SCHEMA).unwrap()).unwrap();
    let registry = |more: Value| {
        let mut entry = json!({"prefix": "a.example.com"});
        entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"registries": [entry], "trust": []})
    };
    let trust = |prefix: &Value| json!({"registries": [], "trust": [{"prefix": prefix, "anyOf": [{"cosignKey": {"pem": KEY}}]}]});
    let mut count = 0;
    for (kind, good) in [
        ("prefix", true),
        ("prefix", false),
        ("registry", true),
        ("registry", false),
        ("trust", true),
        ("trust", false),
        ("hosts", true),
        ("hosts", false),
        ("object", true),
        ("object", false),
    ] {
        for name in names[kind][if good { "good" } else { "bad" }].as_array().unwrap() {
            let documents = match kind {
                "prefix" => vec![registry(json!({"prefix": name})), registry(json!({"mirror": name}))],
                "registry" => vec![registry(json!({"prefix": name}))],
                "trust" => vec![trust(name)],
                "hosts" => vec![registry(json!({"authHosts": [name]})), registry(json!({"redirectHosts": [name]}))],
                _ => vec![registry(json!({"pullSecret": name}))],
            };
            for document in documents {
                let loaded = loads(&document);
                assert_eq!(loaded.is_ok(), good, "{document}: {loaded:?}");
                assert_eq!(schema.is_valid(&document), good, "the schema: {document}");
                count += 1;
            }
        }
    }
    assert!(count > 50, "{count}");
}
