//! Entries of which something cannot be used: their images are unknown, and nothing is sent.

use crate::fake::{Fake, client_of};
use crate::images::{known, later, push, service, setup, unknown};
use podreeve::image::known::UnknownKind;
use podreeve::reference::ImageRef;
use podreeve::registry::{Client, Credentials, Fault, FaultOf, Keyring, RegistryError, RegistrySettings};
use serde_json::json;

fn fault(of: FaultOf) -> Fault {
    Fault { of, at: "registries[1].pullSecret".to_owned(), why: "there is no Secret `shop`".to_owned() }
}

/// A client of the whole registry, of which the entry for `shop` cannot be used.
fn without_shop(fake: &Fake, of: FaultOf) -> Client {
    let shop = RegistrySettings { prefix: format!("{}/shop", fake.host), ..fake.settings() };
    client_of(vec![fake.settings(), shop]).refusing(1, fault(of))
}

#[tokio::test]
async fn nothing_is_sent_and_no_shorter_prefix_counts() {
    let fake = Fake::start().await;
    let digest = push(&fake, "1", "1000");
    for of in [FaultOf::Credentials, FaultOf::Authorities] {
        let client = without_shop(&fake, of);
        let image = fake.image(":1");
        let refused = |error: RegistryError| assert!(matches!(error, RegistryError::Unusable { .. }), "{error}");
        refused(client.digest(&image).await.unwrap_err());
        refused(client.manifest(&image, &digest).await.unwrap_err());
        refused(client.config(&image, &digest).await.unwrap_err());
        refused(client.blob(&image, &digest, 1).await.map(drop).unwrap_err());
        refused(client.referrers(&image, &digest, &|_| true).await.map(drop).unwrap_err());
        assert!(fake.seen().is_empty());
        // The credentials of a pod are its own. They go nowhere without the certificates.
        let theirs = json!({"auths": {fake.host.clone(): {"username": "a", "password": "b"}}}).to_string();
        let theirs = Credentials::default().keyring(Keyring::read(theirs.as_bytes()).unwrap());
        assert_eq!(client.with_credentials(theirs).has_login(&image), of == FaultOf::Credentials);
    }
    let other = ImageRef::parse(&format!("{}/other/web:1", fake.host)).into_owned();
    let error = without_shop(&fake, FaultOf::Authorities).digest(&other).await.unwrap_err();
    assert!(matches!(error, RegistryError::NotFound { .. }) && fake.count("/other/web/") > 0, "{error}");
}

#[tokio::test]
async fn what_is_known_goes_on_and_the_rest_is_unknown_until_it_can_be_used() {
    let fake = Fake::start().await;
    let digest = push(&fake, "1", "1000");
    push(&fake, "2", "1000");
    let [old, new] = [1, 2].map(|tag| format!("{}/shop/web:{tag}", fake.host));
    let service = service(fake.client());
    known(&service, &old).await;
    let before = fake.seen().len();

    service.set_up(setup(without_shop(&fake, FaultOf::Credentials), &json!([])));
    later(61);
    assert_eq!(known(&service, &old).await.digest, digest);
    let said = unknown(&service, &new).await;
    assert_eq!(said.kind, UnknownKind::Refused);
    assert!(said.why.contains("`images.registries[1].pullSecret` cannot be used"), "{}", said.why);
    assert!(!said.why.contains("there is no Secret"), "{}", said.why);
    assert_eq!(fake.seen().len(), before);

    // No failure is waited for.
    service.set_up(setup(fake.client(), &json!([])));
    known(&service, &new).await;
}
