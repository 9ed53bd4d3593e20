//! Looks up one fact that a request needs and that no watch has yet: one call to the API server, and not for long.

use super::api_error::ApiError;
use super::images::{Asker, ImageService};
use super::item::{Item, resource};
use super::token_bucket::TokenBucket;
use crate::facts::ingress::IngressPolicy;
use crate::facts::pods::Texts;
use crate::facts::{FactAnswer, FactQuery, ImageQuery, PodsByName};
use arc_swap::ArcSwapOption;
use kube::api::ListParams;
use kube::{Api, Client};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

/// A request waits no longer than this, and no longer than half of the time that is left to it.
const LONGEST: Duration = Duration::from_secs(1);
/// The same for images, whose registries are farther away.
const LONGEST_FOR_IMAGES: Duration = Duration::from_secs(2);
/// Most calls at one time. More calls wait.
const AT_ONCE: usize = 16;
/// How often requests of unauthenticated callers may cause a call, and how many at once. An API server needs less.
const INTERVAL: Duration = Duration::from_millis(20);
const BURST: u32 = 100;
/// Most pods of a namespace that are read, and how many in one page.
const PODS: (usize, u32) = (3000, 500);

#[derive(Debug)]
pub struct FactClient {
    /// None until there is a connection.
    client: ArcSwapOption<Connected>,
    permits: Semaphore,
    /// None where every caller has shown a certificate.
    bucket: Option<TokenBucket>,
    /// None where nothing is known of images.
    images: Option<Arc<ImageService>>,
}

struct Connected(Client);

impl std::fmt::Debug for Connected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connected")
    }
}

impl Default for FactClient {
    fn default() -> Self {
        Self { client: ArcSwapOption::empty(), permits: Semaphore::new(AT_ONCE), bucket: None, images: None }
    }
}

impl FactClient {
    /// A client for requests of unauthenticated callers, who must not be able to load the API server.
    #[must_use]
    pub fn for_unauthenticated() -> Self {
        Self { bucket: Some(TokenBucket::new(INTERVAL, BURST)), ..Self::default() }
    }

    /// Lets this service answer questions about images.
    #[must_use]
    pub fn with_images(self, images: Option<Arc<ImageService>>) -> Self {
        Self { images, ..self }
    }

    #[must_use]
    pub const fn images(&self) -> Option<&Arc<ImageService>> {
        self.images.as_ref()
    }

    pub fn connected(&self, client: Client) {
        self.client.store(Some(Arc::new(Connected(client))));
    }

    /// Looks up a fact that a request waits for; [`FactAnswer::Nothing`] when no answer comes in time.
    pub async fn ask(&self, query: FactQuery, deadline: Instant) -> FactAnswer {
        let now = Instant::now();
        if self.bucket.as_ref().is_some_and(|bucket| !bucket.take(now)) {
            return FactAnswer::Nothing(query);
        }
        let left = deadline.saturating_duration_since(now);
        match &query {
            FactQuery::Images(images) => {
                self.ask_images(images, Asker::Request, now + LONGEST_FOR_IMAGES.min(left / 2)).await
            }
            _ => self.ask_until(query, now + patience(left)).await,
        }
    }

    async fn ask_images(&self, query: &ImageQuery, asker: Asker, until: Instant) -> FactAnswer {
        match &self.images {
            Some(images) => FactAnswer::Images(Arc::new(images.ask(query, asker, until).await)),
            None => FactAnswer::Nothing(FactQuery::Images(query.clone())),
        }
    }

    /// Looks up a fact that no request waits for; [`FactAnswer::Nothing`] when no answer comes until then.
    pub async fn ask_until(&self, query: FactQuery, until: Instant) -> FactAnswer {
        if let FactQuery::Images(images) = &query {
            return self.ask_images(images, Asker::Scan, until).await;
        }
        let Some(client) = self.client.load_full() else { return FactAnswer::Nothing(query) };
        let answer = async {
            // Never closed: the semaphore lives as long as the server.
            let _permit = self.permits.acquire().await.ok();
            match &query {
                FactQuery::Namespace(name) => namespace(&client.0, name).await,
                FactQuery::Pods(namespace) => pods(&client.0, namespace).await,
                FactQuery::NetworkPolicies(namespace) => network_policies(&client.0, namespace).await,
                FactQuery::Pod { namespace, name } => pod(&client.0, namespace, name).await,
                // Registries have answered it.
                FactQuery::Images(_) => Ok(FactAnswer::Nothing(query.clone())),
            }
        };
        match timeout_at(until, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => FactAnswer::Nothing(query),
        }
    }
}

fn patience(left: Duration) -> Duration {
    LONGEST.min(left / 2)
}

async fn namespace(client: &Client, name: &str) -> Result<FactAnswer, ApiError> {
    let api: Api<Item> = Api::all_with(client.clone(), &resource("", "v1", "Namespace", "namespaces"));
    let labels = api.get_opt(name).await?.map(|item| Arc::new(item.metadata.labels.unwrap_or_default()));
    Ok(FactAnswer::Namespace(name.to_owned(), labels))
}

async fn network_policies(client: &Client, namespace: &str) -> Result<FactAnswer, ApiError> {
    let kind = resource("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies");
    let api: Api<Item> = Api::namespaced_with(client.clone(), namespace, &kind);
    let list = api.list(&ListParams::default()).await?;
    let read = |item: &Item| Some((item.name().to_owned(), IngressPolicy::read(item.raw.get())?));
    Ok(FactAnswer::NetworkPolicies(namespace.to_owned(), Arc::new(list.items.iter().filter_map(read).collect())))
}

fn pods_of(client: &Client, namespace: &str) -> Api<Item> {
    Api::namespaced_with(client.clone(), namespace, &resource("", "v1", "Pod", "pods"))
}

async fn pod(client: &Client, namespace: &str, name: &str) -> Result<FactAnswer, ApiError> {
    let item = pods_of(client, namespace).get_opt(name).await?;
    let pod = item.map(|item| Texts::default().keep_any(&item.raw));
    Ok(FactAnswer::Pod { namespace: namespace.to_owned(), name: name.to_owned(), pod })
}

async fn pods(client: &Client, namespace: &str) -> Result<FactAnswer, ApiError> {
    let (api, mut texts, mut found) = (pods_of(client, namespace), Texts::default(), PodsByName::new());
    let mut params = ListParams::default().limit(PODS.1);
    loop {
        let page = api.list(&params).await?;
        for item in &page.items {
            found.insert(item.name().to_owned(), texts.keep_any(&item.raw));
        }
        params.continue_token = page.metadata.continue_.filter(|more| !more.is_empty());
        if params.continue_token.is_none() || found.len() > PODS.0 {
            return Ok(FactAnswer::Pods(namespace.to_owned(), Arc::new(found)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::KeptPod;
    use http::{Request, Response};
    use kube::client::Body;
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::task::{JoinSet, yield_now};

    /// An API server that answers as many requests as it has permits, and the number of requests.
    fn connected() -> (Arc<FactClient>, Arc<Semaphore>, Arc<AtomicUsize>) {
        let (permits, calls) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
        let (gate, count) = (Arc::clone(&permits), Arc::clone(&calls));
        let service = tower::service_fn(move |_: Request<Body>| {
            count.fetch_add(1, Ordering::SeqCst);
            let gate = Arc::clone(&gate);
            async move {
                gate.acquire().await.unwrap().forget();
                let namespace = r#"{"metadata": {"name": "shop", "labels": {"team": "shop"}}}"#;
                Ok::<_, Infallible>(Response::new(Body::from(namespace.as_bytes().to_vec())))
            }
        });
        let client = Arc::new(FactClient::default());
        client.connected(Client::new(service, "default"));
        (client, permits, calls)
    }

    fn shop() -> FactQuery {
        FactQuery::Namespace("shop".to_owned())
    }

    /// Until every task waits: the runtime has one thread.
    async fn settled() {
        for _ in 0..1000 {
            yield_now().await;
        }
    }

    #[tokio::test]
    async fn calls_above_the_limit_wait() {
        let (client, permits, calls) = connected();
        let mut lookups = JoinSet::new();
        for _ in 0..3 * AT_ONCE {
            let client = Arc::clone(&client);
            lookups.spawn(async move { client.ask_until(shop(), Instant::now() + Duration::from_secs(600)).await });
        }
        settled().await;
        assert_eq!(calls.load(Ordering::SeqCst), AT_ONCE);
        permits.add_permits(1);
        settled().await;
        assert_eq!(calls.load(Ordering::SeqCst), AT_ONCE + 1);
        permits.add_permits(3 * AT_ONCE);
        for answer in lookups.join_all().await {
            assert!(
                matches!(answer, FactAnswer::Namespace(name, Some(labels)) if name == "shop" && labels["team"] == "shop")
            );
        }
        assert_eq!(calls.load(Ordering::SeqCst), 3 * AT_ONCE);
    }

    fn is_nothing(answer: &FactAnswer) -> bool {
        matches!(answer, FactAnswer::Nothing(query) if *query == shop())
    }

    #[tokio::test]
    async fn a_lookup_takes_half_of_the_time_that_is_left_and_a_second_at_most() {
        for (left, waited) in [(400, 200), (60_000, 1000), (0, 0)] {
            assert_eq!(patience(Duration::from_millis(left)), Duration::from_millis(waited));
        }
        // Without an answer, or without a permit, the time ends the lookup.
        let (client, ..) = connected();
        assert!(is_nothing(&client.ask(shop(), Instant::now() + Duration::from_millis(20)).await));
        let _all = client.permits.acquire_many(u32::try_from(AT_ONCE).unwrap()).await.unwrap();
        assert!(is_nothing(&client.ask(shop(), Instant::now() + Duration::from_millis(20)).await));
    }

    /// Whatever it looks like, it is not absent.
    #[tokio::test]
    async fn a_pod_that_cannot_be_read_exists() {
        let web = FactQuery::Pod { namespace: "shop".to_owned(), name: "web".to_owned() };
        for (status, body, expected) in [
            (200, r#"{"metadata": {"name": "web"}, "spec": {"containers": 7}}"#, Some(Some(KeptPod::unreadable()))),
            (404, r#"{"kind": "Status", "status": "Failure", "code": 404, "reason": "NotFound"}"#, Some(None)),
            (200, "[]", Some(Some(KeptPod::unreadable()))),
            (500, "{}", None),
        ] {
            let service = tower::service_fn(move |_: Request<Body>| async move {
                let response = Response::builder().status(status).body(Body::from(body.as_bytes().to_vec()));
                Ok::<_, Infallible>(response.unwrap())
            });
            let client = FactClient::default();
            client.connected(Client::new(service, "default"));
            match (client.ask_until(web.clone(), Instant::now() + Duration::from_secs(600)).await, expected) {
                (FactAnswer::Pod { pod, .. }, Some(expected)) => assert_eq!(pod, expected, "{status} {body}"),
                (FactAnswer::Nothing(query), None) => assert_eq!(query, web),
                (answer, expected) => panic!("{status} {body}: {answer:?} instead of {expected:?}"),
            }
        }
    }

    #[tokio::test]
    async fn unauthenticated_callers_cause_few_calls() {
        let (mut client, permits, calls) = connected();
        permits.add_permits(10 * BURST as usize);
        Arc::get_mut(&mut client).unwrap().bucket = Some(TokenBucket::new(Duration::from_secs(3600), BURST));
        let later = Instant::now() + Duration::from_secs(600);
        for number in 0..BURST + 5 {
            assert_eq!(is_nothing(&client.ask(shop(), later).await), number >= BURST);
        }
        assert_eq!(calls.load(Ordering::SeqCst), BURST as usize);
        // A scan's own lookups are not limited.
        assert!(!is_nothing(&client.ask_until(shop(), later).await));
    }

    #[tokio::test]
    async fn without_a_connection_there_is_no_answer() {
        assert!(is_nothing(&FactClient::default().ask(shop(), Instant::now() + LONGEST).await));
    }
}
