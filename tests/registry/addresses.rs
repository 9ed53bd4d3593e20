//! A reference is user input: it leads only to hosts of the settings.

use crate::fake::{Fake, client, redirect};
use podreeve::registry::{Client, Credentials, Limits, RegistryError, RegistrySettings, Settings};
use podreeve::workload::image::ImageRef;

async fn ask(settings: Settings, reference: &str) -> RegistryError {
    let client = Client::new(&settings, Credentials::default(), Limits::default()).unwrap();
    client.digest(&ImageRef::parse(reference)).await.unwrap_err()
}

fn listed(prefix: &str) -> Settings {
    let registry = RegistrySettings { prefix: prefix.to_owned(), plain_http: true, ..RegistrySettings::default() };
    Settings { registries: vec![registry], any_host: false }
}

#[tokio::test]
async fn a_host_that_is_not_listed_is_not_contacted() {
    let fake = Fake::start().await;
    for settings in [Settings::default(), listed("registry.example.com"), listed(&format!("{}/other", fake.host))] {
        let error = ask(settings, &format!("{}/shop/web:1", fake.host)).await;
        assert!(matches!(error, RegistryError::NotListed { .. }), "{error}");
    }
    assert!(fake.seen().is_empty());
}

#[tokio::test]
async fn metadata_services_are_not_contacted_even_when_listed() {
    for host in ["169.254.169.254", "[fe80::1]:80", "[::ffff:169.254.169.254]:80", "0.0.0.0:5000"] {
        let (credentials, limits) = (Credentials::default(), Limits::default());
        assert!(Client::new(&listed(host), credentials, limits).is_err(), "{host}");
        let any = Settings { any_host: true, ..Settings::default() };
        let error = ask(any, &format!("{host}/shop/web:1")).await;
        assert!(matches!(error, RegistryError::Address { .. }), "{host}: {error}");
    }
}

#[tokio::test]
async fn a_reference_cannot_leave_its_path() {
    let fake = Fake::start().await;
    let references = [
        "/../admin:1",
        "/shop/%2e%2e/x:1",
        "/shop/web:1?x=y",
        "/shop/web:../../x",
        "/shop//web:1",
        "/shop/web:1#x",
        "/Shop/web:1",
    ];
    for rest in references {
        let error = ask(listed(&fake.host), &format!("{}{rest}", fake.host)).await;
        assert!(matches!(error, RegistryError::Malformed { .. }), "{rest}: {error}");
    }
    assert!(fake.seen().is_empty());
}

#[tokio::test]
async fn redirects_lead_only_where_podreeve_goes() {
    let fake = Fake::start().await;
    let digest = fake.blob(b"layer");
    let own = format!("http://{}/v2/again", fake.host);
    for (to, why) in [
        ("https://169.254.169.254/latest/meta-data/", "link-local"),
        ("https://localhost:1/x", "private network"),
        ("https://[::1]:1/x", "private network"),
        ("http://10.0.0.1/x", "no https"),
        ("ftp://10.0.0.1/x", "no https"),
        ("https://user:pw@10.0.0.1/x", "has credentials"),
        ("", "no address"),
        (own.as_str(), "on and on"),
    ] {
        let to = to.to_owned();
        fake.answer(move |_| Some(redirect(&to)));
        let error =
            client(fake.settings(), Credentials::default()).config(&fake.image(":1"), &digest).await.unwrap_err();
        assert!(error.to_string().contains(why), "{why}: {error}");
    }
}

#[tokio::test]
async fn a_relative_redirect_stays_at_the_host() {
    let fake = Fake::start().await;
    let digest = fake.blob(b"layer");
    fake.put("elsewhere", "application/octet-stream", b"layer");
    fake.answer(|request| request.uri().path().contains("/blobs/").then(|| redirect("/v2/elsewhere?x=y#z")));
    let client = client(fake.settings(), Credentials::default());
    assert_eq!(client.config(&fake.image(":1"), &digest).await.unwrap(), b"layer");
}
