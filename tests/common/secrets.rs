//! Pods with planted secrets, and a search for these secrets in every output.

use crate::common::review;
use base64::{Engine, engine::general_purpose::STANDARD};
use podreeve::rule::GOOD_POD;
use podreeve::rules::find;
use podreeve::workload::ContainerKind;
use podreeve::workload::kinds::KINDS;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::LazyLock;

/// The planted secret. No output of podreeve contains any part of it otherwise.
pub const SECRET: &str = "Zq7RvX2mKw9TbL4cNd8HsJ5gYp3F";
/// The secret for fields that hold numbers.
const NUMBER: u64 = 7_391_846_205_137;
/// The length of the parts that the search looks for. Parts of the number are longer: the six digits of a time's microseconds are
/// one of its parts now and then.
const PART: usize = 6;
const PART_OF_NUMBER: usize = 10;

/// A variable's name and value for each way to hold a secret: by its name, and by the shape of its value.
fn variables() -> Vec<(&'static str, String)> {
    let upper = SECRET.to_uppercase();
    let mut variables = vec![
        ("DB_PASSWORD", SECRET.to_owned()),
        ("apiKey", format!("{SECRET}\n\"\\\u{e9}")),
        ("DATABASE", format!("postgres://app:{SECRET}@db:5432/app")),
        ("CONNECTION", format!("Server=db;Password={SECRET};")),
        ("TLS", format!("-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n-----END RSA PRIVATE KEY-----")),
        ("JSON", format!("{{\"private_key\": \"-----BEGIN PRIVATE KEY-----\\n{SECRET}\"}}")),
        // Endpoints of a container runtime, which a rule reports.
        ("DOCKER_HOST", format!("tcp://10.0.0.1:2375/{SECRET}")),
        ("CONTAINER_HOST", format!("tcp://10.0.0.1:2375;Password={SECRET}")),
        // Longer than any text that podreeve repeats, so that a cut one is found too.
        ("LONG_TOKEN", SECRET.repeat(20)),
    ];
    // In parts, so that no scanner of repositories takes them for real ones.
    for (what, length, prefix) in [
        ("AWS", 16, concat!("AK", "IA")),
        ("GOOGLE", 35, concat!("AI", "za")),
        ("GITHUB", 36, concat!("gh", "p_")),
        ("STRIPE", 16, concat!("sk_", "live_")),
        ("WEB", 20, concat!("ey", "JhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3.")),
    ] {
        variables.push((what, prefix.to_owned() + &upper.repeat(2)[..length]));
    }
    let encode = |text: &str| STANDARD.encode(text);
    variables.extend([
        ("DB_PASSWORD_PROD", SECRET.to_owned()),
        ("REDIS_AUTH", SECRET.to_owned()),
        ("SETTINGS", format!("{{\"db\": {{\"password\": \"{SECRET}\"}}}}")),
        ("YAML", format!("password: {SECRET}\n")),
        ("ORACLE", format!("jdbc:oracle:thin:app/{SECRET}@db:1521/x")),
        ("HEADER", format!("Bearer {SECRET}")),
        ("BASIC", format!("Basic {}", encode(&format!("jane:{SECRET}")))),
        ("ENCODED", encode(&format!("password: {SECRET}"))),
    ]);
    variables
}

/// Containers with a secret on a command line.
fn commands() -> Vec<Value> {
    vec![
        json!({"command": ["app", format!("--password={SECRET}")], "args": ["--api-key", SECRET]}),
        json!({"command": ["sh", "-c", format!("mysql -uroot -p{SECRET} < /init.sql")]}),
        json!({"args": [format!("redis://:{SECRET}@cache"), format!("Authorization: Bearer {SECRET}"), encode_args()]}),
        json!({"livenessProbe": {"exec": {"command": ["redis-cli", "-a", SECRET, "ping"]}}}),
        json!({"lifecycle": {"preStop": {"exec": {"command": ["curl", "-u", format!("jane:{SECRET}"), "http://localhost"]}}}}),
    ]
}

fn encode_args() -> String {
    STANDARD.encode(format!("postgres://app:{SECRET}@db/app"))
}

/// Containers with secrets: the rule's own examples with planted values, and one for each variable.
fn containers() -> Vec<Value> {
    let rule = find("env-secrets").expect("the rule");
    let bad = rule.examples().filter(|example| example.is_bad() && example.params.is_empty());
    let mut containers: Vec<Value> = bad
        .map(|example| {
            let text = example.container_value().to_string();
            let planted = ["hunter2", "MHcCAQ", "\"a1\""].iter().fold(text.clone(), |text, old| {
                let quote = if old.starts_with('"') { "\"" } else { "" };
                text.replace(old, &format!("{quote}{SECRET}{quote}"))
            });
            assert_ne!(text, planted, "{}: nothing is planted", example.name);
            serde_json::from_str(&planted).expect("JSON")
        })
        .collect();
    let good: Value = serde_json::from_str(GOOD_POD).expect("JSON");
    for (name, value) in variables() {
        let mut container = good["spec"]["containers"][0].clone();
        container["env"] = json!([{"name": "PLAIN", "value": "1"}, {"name": name, "value": value}]);
        containers.push(container);
    }
    for command in commands() {
        let mut container = good["spec"]["containers"][0].clone();
        container.as_object_mut().expect("a container").extend(command.as_object().cloned().unwrap_or_default());
        containers.push(container);
    }
    // Everything else in it is wrong, so that every rule has something to repair.
    for (name, value) in variables().into_iter().take(2) {
        containers.push(json!({"name": "bare", "image": "app", "env": [{"name": name, "value": value}]}));
    }
    containers
}

/// Values of `env` that no API server reads as a pod, each with a secret. An error must not quote them.
fn unreadable() -> Vec<Value> {
    let container = |env: Value| json!({"name": "app", "image": "app:1", "env": env});
    vec![
        container(json!(SECRET)),
        container(json!([SECRET])),
        container(json!([{"name": "DB_PASSWORD", "value": NUMBER}])),
        container(json!([{"name": "DB_PASSWORD", "value": [SECRET]}])),
        container(json!([{"name": {"DB_PASSWORD": SECRET}, "value": true}])),
        container(json!({SECRET: SECRET})),
        json!({"name": "app", "image": NUMBER, "env": [{"name": "DB_PASSWORD", "value": SECRET}]}),
        json!({"name": "app", "securityContext": SECRET, "env": []}),
    ]
}

/// Objects of each kind with a secret in each list of containers, ready to be created.
pub fn objects() -> Vec<Value> {
    let good: Value = serde_json::from_str(GOOD_POD).expect("JSON");
    let mut objects = Vec::new();
    for list in ContainerKind::ALL {
        for container in containers().into_iter().chain(unreadable()) {
            let mut pod = good.clone();
            let mut container = container;
            container["name"] = json!("planted");
            pod["spec"][list.field()] = json!([container]);
            objects.push(pod.clone());
            // A template is judged by the same code, whatever holds it.
            for kind in KINDS.iter().filter(|kind| kind.kind == "Deployment") {
                let template = json!({"metadata": pod["metadata"], "spec": pod["spec"]});
                let mut object = kind.template.iter().rev().fold(template, |inner, key| json!({ key.as_ref(): inner }));
                object["apiVersion"] = kind.api_version().into();
                object["kind"] = kind.kind.as_ref().into();
                object["metadata"] = json!({"name": "planted", "namespace": "default"});
                objects.push(object);
            }
        }
    }
    objects
}

/// Reviews of each object: its creation, and updates that add it, keep it and remove it.
pub fn reviews() -> Vec<Value> {
    let good: Value = serde_json::from_str(GOOD_POD).expect("JSON");
    let mut reviews = Vec::new();
    for object in objects() {
        reviews.push(review("CREATE", &object, None));
        reviews.push(review("UPDATE", &object, Some(&object)));
        if object["kind"] == "Pod" {
            reviews.push(review("UPDATE", &object, Some(&good)));
            reviews.push(review("UPDATE", &good, Some(&object)));
        }
    }
    reviews
}

/// Fails when any part of a planted secret is in these bytes, as it is or in base64.
pub fn assert_none(bytes: &[u8], context: &str) {
    if let Some(part) = found(bytes) {
        panic!("`{part}` of a secret is in {context}:\n{}", String::from_utf8_lossy(bytes));
    }
    for encoded in bytes.split(|b| !(b.is_ascii_alphanumeric() || b"+/=".contains(b))).filter(|run| run.len() >= 8) {
        if let Some(part) = STANDARD.decode(encoded).ok().as_deref().and_then(found) {
            panic!("`{part}` of a secret is, in base64, in {context}:\n{}", String::from_utf8_lossy(bytes));
        }
    }
}

fn found(bytes: &[u8]) -> Option<String> {
    static PARTS: LazyLock<HashSet<Vec<u8>>> = LazyLock::new(|| {
        parts(&SECRET.to_uppercase(), PART).chain(parts(&NUMBER.to_string(), PART_OF_NUMBER)).collect()
    });
    // Whether a part begins with these two bytes: nearly all of an output ends here.
    static STARTS: LazyLock<Vec<bool>> = LazyLock::new(|| {
        let mut starts = vec![false; 1 << 16];
        PARTS.iter().for_each(|part| starts[start(part)] = true);
        starts
    });
    let starts: &[bool] = &STARTS;
    // Upper case too, because the keys of clouds are written so.
    let bytes = bytes.to_ascii_uppercase();
    let at = |index: usize, length: usize| bytes.get(index..index + length).filter(|part| PARTS.contains(*part));
    let part = (0..bytes.len().saturating_sub(PART - 1))
        .filter(|index| starts[start(&bytes[*index..])])
        .find_map(|index| at(index, PART).or_else(|| at(index, PART_OF_NUMBER)))?;
    String::from_utf8(part.to_vec()).ok()
}

fn parts(secret: &str, length: usize) -> impl Iterator<Item = Vec<u8>> {
    secret.as_bytes().windows(length).map(<[u8]>::to_vec).collect::<Vec<_>>().into_iter()
}

/// The first two bytes as a number.
fn start(window: &[u8]) -> usize {
    usize::from(window[0]) << 8 | usize::from(window[1])
}
