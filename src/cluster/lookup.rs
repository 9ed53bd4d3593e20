//! Asks the API server for one fact that a request needs and that no watch has told yet: once, and not for long.

use super::bucket::Bucket;
use super::item::{Item, resource};
use crate::facts::ingress::IngressPolicy;
use crate::facts::pods::Texts;
use crate::facts::{FactAnswer, FactQuery, PodsByName};
use arc_swap::ArcSwapOption;
use kube::api::ListParams;
use kube::{Api, Client};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

/// A request waits no longer, and takes no more than half of the time that it has left.
const LONGEST: Duration = Duration::from_secs(1);
/// Questions at one time; more wait for their turn.
const AT_ONCE: usize = 16;
/// Requests of strangers may ask as often, and as many times at once: those of an API server need less.
const EVERY: Duration = Duration::from_millis(20);
const BURST: u32 = 100;
/// Pods of a namespace, and how many in one answer.
const PODS: (usize, u32) = (3000, 500);

#[derive(Debug)]
pub struct FactClient {
    /// None as long as there is no connection.
    client: ArcSwapOption<Connected>,
    turns: Semaphore,
    /// None where whoever asks has shown a certificate.
    bucket: Option<Bucket>,
}

struct Connected(Client);

impl std::fmt::Debug for Connected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connected")
    }
}

impl Default for FactClient {
    fn default() -> Self {
        Self { client: ArcSwapOption::empty(), turns: Semaphore::new(AT_ONCE), bucket: None }
    }
}

impl FactClient {
    /// For requests of anybody: strangers are not to load the API server.
    #[must_use]
    pub fn for_strangers() -> Self {
        Self { bucket: Some(Bucket::new(EVERY, BURST)), ..Self::default() }
    }

    pub fn connected(&self, client: Client) {
        self.client.store(Some(Arc::new(Connected(client))));
    }

    /// Asks for a fact that a request waits for; [`FactAnswer::Nothing`] when no answer comes in time.
    pub async fn ask(&self, wanted: FactQuery, deadline: Instant) -> FactAnswer {
        let now = Instant::now();
        if self.bucket.as_ref().is_some_and(|bucket| !bucket.take(now)) {
            return FactAnswer::Nothing(wanted);
        }
        self.ask_until(wanted, now + patience(deadline.saturating_duration_since(now))).await
    }

    /// Asks for a fact that nobody waits for; [`FactAnswer::Nothing`] when no answer comes until then.
    pub async fn ask_until(&self, wanted: FactQuery, until: Instant) -> FactAnswer {
        let Some(client) = self.client.load_full() else { return FactAnswer::Nothing(wanted) };
        let asking = async {
            // Never closed: it lives as long as the server.
            let _turn = self.turns.acquire().await.ok();
            match &wanted {
                FactQuery::Namespace(name) => namespace(&client.0, name).await,
                FactQuery::Pods(namespace) => pods(&client.0, namespace).await,
                FactQuery::NetworkPolicies(namespace) => network_policies(&client.0, namespace).await,
                FactQuery::Pod { namespace, name } => pod(&client.0, namespace, name).await,
            }
        };
        match timeout_at(until, asking).await {
            Ok(Ok(asked)) => asked,
            Ok(Err(_)) | Err(_) => FactAnswer::Nothing(wanted),
        }
    }
}

fn patience(left: Duration) -> Duration {
    LONGEST.min(left / 2)
}

async fn namespace(client: &Client, name: &str) -> kube::Result<FactAnswer> {
    let api: Api<Item> = Api::all_with(client.clone(), &resource("", "v1", "Namespace", "namespaces"));
    let labels = api.get_opt(name).await?.map(|item| Arc::new(item.metadata.labels.unwrap_or_default()));
    Ok(FactAnswer::Namespace(name.to_owned(), labels))
}

async fn network_policies(client: &Client, namespace: &str) -> kube::Result<FactAnswer> {
    let kind = resource("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies");
    let api: Api<Item> = Api::namespaced_with(client.clone(), namespace, &kind);
    let list = api.list(&ListParams::default()).await?;
    let read = |item: &Item| Some((item.name().to_owned(), IngressPolicy::read(item.raw.get())?));
    Ok(FactAnswer::NetworkPolicies(namespace.to_owned(), Arc::new(list.items.iter().filter_map(read).collect())))
}

fn pods_of(client: &Client, namespace: &str) -> Api<Item> {
    Api::namespaced_with(client.clone(), namespace, &resource("", "v1", "Pod", "pods"))
}

async fn pod(client: &Client, namespace: &str, name: &str) -> kube::Result<FactAnswer> {
    let item = pods_of(client, namespace).get_opt(name).await?;
    let pod = item.map(|item| Texts::default().keep_any(&item.raw));
    Ok(FactAnswer::Pod { namespace: namespace.to_owned(), name: name.to_owned(), pod })
}

async fn pods(client: &Client, namespace: &str) -> kube::Result<FactAnswer> {
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

    /// An API server that answers as many questions as it has permits, and how many it was asked.
    fn connected() -> (Arc<FactClient>, Arc<Semaphore>, Arc<AtomicUsize>) {
        let (permits, asked) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
        let (gate, count) = (Arc::clone(&permits), Arc::clone(&asked));
        let service = tower::service_fn(move |_: Request<Body>| {
            count.fetch_add(1, Ordering::SeqCst);
            let gate = Arc::clone(&gate);
            async move {
                gate.acquire().await.unwrap().forget();
                let namespace = r#"{"metadata": {"name": "shop", "labels": {"team": "shop"}}}"#;
                Ok::<_, Infallible>(Response::new(Body::from(namespace.as_bytes().to_vec())))
            }
        });
        let lookup = Arc::new(FactClient::default());
        lookup.connected(Client::new(service, "default"));
        (lookup, permits, asked)
    }

    fn shop() -> FactQuery {
        FactQuery::Namespace("shop".to_owned())
    }

    /// Until nobody has anything to do: there is one thread.
    async fn settled() {
        for _ in 0..1000 {
            yield_now().await;
        }
    }

    #[tokio::test]
    async fn so_many_at_once_and_the_others_after_them() {
        let (lookup, permits, asked) = connected();
        let mut asking = JoinSet::new();
        for _ in 0..3 * AT_ONCE {
            let lookup = Arc::clone(&lookup);
            asking.spawn(async move { lookup.ask_until(shop(), Instant::now() + Duration::from_secs(600)).await });
        }
        settled().await;
        assert_eq!(asked.load(Ordering::SeqCst), AT_ONCE);
        permits.add_permits(1);
        settled().await;
        assert_eq!(asked.load(Ordering::SeqCst), AT_ONCE + 1);
        permits.add_permits(3 * AT_ONCE);
        for answer in asking.join_all().await {
            assert!(
                matches!(answer, FactAnswer::Namespace(name, Some(labels)) if name == "shop" && labels["team"] == "shop")
            );
        }
        assert_eq!(asked.load(Ordering::SeqCst), 3 * AT_ONCE);
    }

    fn is_nothing(answer: &FactAnswer) -> bool {
        matches!(answer, FactAnswer::Nothing(wanted) if *wanted == shop())
    }

    #[tokio::test]
    async fn half_of_the_time_that_is_left_and_a_second_at_most() {
        for (left, waited) in [(400, 200), (60_000, 1000), (0, 0)] {
            assert_eq!(patience(Duration::from_millis(left)), Duration::from_millis(waited));
        }
        // Nobody answers, or nobody has a turn: the time ends it.
        let (lookup, ..) = connected();
        assert!(is_nothing(&lookup.ask(shop(), Instant::now() + Duration::from_millis(20)).await));
        let _all = lookup.turns.acquire_many(u32::try_from(AT_ONCE).unwrap()).await.unwrap();
        assert!(is_nothing(&lookup.ask(shop(), Instant::now() + Duration::from_millis(20)).await));
    }

    /// It is there, whatever it looks like: unknown, and not absent.
    #[tokio::test]
    async fn a_pod_that_cannot_be_read_is_there() {
        let web = FactQuery::Pod { namespace: "shop".to_owned(), name: "web".to_owned() };
        for (status, body, there) in [
            (200, r#"{"metadata": {"name": "web"}, "spec": {"containers": 7}}"#, Some(Some(KeptPod::unreadable()))),
            (404, r#"{"kind": "Status", "status": "Failure", "code": 404, "reason": "NotFound"}"#, Some(None)),
            (200, "[]", Some(Some(KeptPod::unreadable()))),
            (500, "{}", None),
        ] {
            let service = tower::service_fn(move |_: Request<Body>| async move {
                let response = Response::builder().status(status).body(Body::from(body.as_bytes().to_vec()));
                Ok::<_, Infallible>(response.unwrap())
            });
            let lookup = FactClient::default();
            lookup.connected(Client::new(service, "default"));
            match (lookup.ask_until(web.clone(), Instant::now() + Duration::from_secs(600)).await, there) {
                (FactAnswer::Pod { pod, .. }, Some(there)) => assert_eq!(pod, there, "{status} {body}"),
                (FactAnswer::Nothing(wanted), None) => assert_eq!(wanted, web),
                (answer, there) => panic!("{status} {body}: {answer:?} instead of {there:?}"),
            }
        }
    }

    #[tokio::test]
    async fn strangers_ask_now_and_then() {
        let (mut lookup, permits, asked) = connected();
        permits.add_permits(10 * BURST as usize);
        Arc::get_mut(&mut lookup).unwrap().bucket = Some(Bucket::new(Duration::from_secs(3600), BURST));
        let later = Instant::now() + Duration::from_secs(600);
        for number in 0..BURST + 5 {
            assert_eq!(is_nothing(&lookup.ask(shop(), later).await), number >= BURST);
        }
        assert_eq!(asked.load(Ordering::SeqCst), BURST as usize);
        // What nobody waits for is podreeve's own.
        assert!(!is_nothing(&lookup.ask_until(shop(), later).await));
    }

    #[tokio::test]
    async fn without_a_connection_nobody_is_asked() {
        assert!(is_nothing(&FactClient::default().ask(shop(), Instant::now() + LONGEST).await));
    }
}
