use super::*;
use http::{Request, Response};
use kube::client::Body;
use serde_json::{Value, json};
use std::convert::Infallible;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

/// Pull secrets of an API server that answers by path, and the paths that it saw.
fn served(answer: impl Fn(&str) -> (u16, Value) + Send + Sync + 'static) -> (PullSecrets, Arc<Mutex<Vec<String>>>) {
    let (seen, answer) = (Arc::new(Mutex::new(Vec::new())), Arc::new(answer));
    let paths = Arc::clone(&seen);
    let service = tower::service_fn(move |request: Request<Body>| {
        let path = request.uri().path().strip_prefix("/api/v1/namespaces/").unwrap().to_owned();
        let (status, body) = answer(&path);
        lock(&paths).push(path);
        let response = Response::builder().status(status).body(Body::from(body.to_string().into_bytes()));
        async { Ok::<_, Infallible>(response.unwrap()) }
    });
    let secrets = PullSecrets::default();
    secrets.connected(Client::new(service, "default"));
    (secrets, seen)
}

fn base64(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(text)
}

fn secret(kind: &str, key: &str, content: &str) -> (u16, Value) {
    (200, json!({"metadata": {"name": "a"}, "type": kind, "data": {key: base64(content)}}))
}

fn login(secrets: &[&str], accounts: &[&str]) -> Login {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Login { namespace: "shop".to_owned(), secrets: owned(secrets), accounts: owned(accounts) }
}

const AUTHS: &str = r#"{"registry.example.com": {"username": "shop", "password": "hunter2"}}"#;
const JSON: &str = "kubernetes.io/dockerconfigjson";

fn answer(path: &str) -> (u16, Value) {
    match path.rsplit('/').next().unwrap() {
        "good" => secret(JSON, ".dockerconfigjson", &format!(r#"{{"auths": {AUTHS}}}"#)),
        "old" => secret("kubernetes.io/dockercfg", ".dockercfg", AUTHS),
        "opaque" => secret("Opaque", ".dockerconfigjson", &format!(r#"{{"auths": {AUTHS}}}"#)),
        "broken" => secret(JSON, ".dockerconfigjson", r#"{"auths": hunter2"#),
        "no-base64" => secret(JSON, ".dockerconfigjson", r#"{"auths": {"hunter2": {"auth": "hunter2!"}}}"#),
        "no-key" => secret(JSON, "config.json", "{}"),
        "builder" => {
            (200, json!({"metadata": {"name": "builder"}, "imagePullSecrets": [{"name": "good"}, {"name": "old"}]}))
        }
        _ => (404, json!({"kind": "Status", "status": "Failure", "code": 404, "reason": "NotFound"})),
    }
}

#[tokio::test]
async fn secrets_of_pods_and_of_their_accounts_are_read_once() {
    let (secrets, seen) = served(answer);
    let all = login(&["good", "opaque", "broken", "no-base64", "no-key", "missing"], &["builder", "nobody"]);
    for _ in 0..2 {
        let found = secrets.read(&all, at(0)).await.unwrap();
        let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["good", "old"]);
        assert!(found.iter().all(|(_, keyring)| keyring.find("registry.example.com/shop/web").next().is_some()));
    }
    let paths = std::mem::take(&mut *lock(&seen));
    assert_eq!(paths.len(), 9, "{paths:?}");
    assert!(
        paths.contains(&"shop/secrets/good".to_owned()) && paths.contains(&"shop/serviceaccounts/builder".to_owned())
    );
    // A new secret counts soon.
    secrets.read(&login(&["good"], &[]), at(31)).await.unwrap();
    assert_eq!(*lock(&seen), ["shop/secrets/good"]);
}

/// A pod reaches the webhook before the API server has looked at it.
#[tokio::test]
async fn a_name_leads_to_no_other_place_of_the_api() {
    let (secrets, seen) = served(answer);
    let long = "a".repeat(254);
    let names =
        ["../../other/secrets/good", "..", ".", "", "a/b", "a?b=c", "a#b", "a%2fb", "A", "-a", "a-", "a..b", &long];
    assert!(secrets.read(&login(&names, &names), at(0)).await.unwrap().is_empty());
    for namespace in ["", "..", "a/b", "a.b", "../../api"] {
        let login = Login { namespace: namespace.to_owned(), ..login(&["good"], &[]) };
        assert!(secrets.read(&login, at(0)).await.unwrap().is_empty());
    }
    assert!(lock(&seen).is_empty(), "{seen:?}");
}

#[test]
fn no_message_has_a_part_of_a_secret() {
    for (name, says) in [
        ("broken", "is no JSON"),
        ("no-base64", "no base64 of USER:PASSWORD"),
        ("no-key", "no key `.dockerconfigjson`"),
        ("opaque", "the type `Opaque`"),
    ] {
        let secret: Secret = serde_json::from_value(answer(name).1).unwrap();
        let error = keyring(&secret).unwrap_err().to_string();
        assert!(error.contains(says) && !error.contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn an_api_server_that_does_not_give_them_is_asked_again() {
    let (secrets, seen) = served(|_| (403, json!({"kind": "Status", "code": 403, "message": "secrets is forbidden"})));
    for _ in 0..2 {
        assert_eq!(secrets.read(&login(&["good"], &[]), at(0)).await.unwrap_err(), ReadError::Secrets);
    }
    assert_eq!(lock(&seen).len(), 2);
    assert_eq!(PullSecrets::default().read(&login(&["good"], &[]), at(0)).await.unwrap_err(), ReadError::Secrets);
}

#[tokio::test]
async fn names_of_an_attacker_take_no_more_than_their_place() {
    let (secrets, _) = served(answer);
    for number in 0..MOST + 10 {
        secrets.read(&login(&[&format!("s{number}")], &[]), at(0)).await.unwrap();
    }
    assert!(lock(&secrets.read).len() <= MOST);
    let many: Vec<String> = (0..200).map(|number| format!("t{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let (secrets, seen) = served(answer);
    secrets.read(&login(&many, &[]), at(0)).await.unwrap();
    assert_eq!(lock(&seen).len(), OF_ONE);
}
