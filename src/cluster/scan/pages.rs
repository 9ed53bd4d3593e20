//! All objects of one kind, in the order of their keys. One page of the list is in memory at a time.

use super::order;
use super::rate_limiter::RateLimiter;
use crate::cluster::api_error::ApiError;
use crate::cluster::item::{Item, ObjectKey};
use kube::api::{ListParams, Request};
use kube::core::{ApiResource, ObjectList};
use kube::{Client, Resource};
use std::collections::VecDeque;
use std::time::Duration;

/// Longest time for one page.
const ANSWER: Duration = Duration::from_secs(60);
/// Waits before a failed page is requested again.
const RETRIES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(4), Duration::from_secs(15)];
/// How often a list may start again because its continuation has expired and cannot be renewed.
const RESTARTS: usize = 3;

/// What to list.
#[derive(Debug, Clone)]
pub struct Listing {
    pub resource: ApiResource,
    /// None for all.
    pub namespace: Option<String>,
    pub selector: Option<String>,
    /// Objects in a page.
    pub limit: u32,
    /// Whether to read the metadata alone.
    pub metadata: bool,
}

/// Why the objects of a kind could not all be listed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// The API server does not have the kind, so there are no objects.
    #[error("not installed")]
    NotInstalled,
    #[error("{0}")]
    Failed(String),
}

impl From<ApiError> for ListError {
    fn from(error: ApiError) -> Self {
        if error.is_not_found() { Self::NotInstalled } else { Self::Failed(error.to_string()) }
    }
}

pub struct Pages<'p> {
    client: &'p Client,
    limiter: &'p RateLimiter,
    listing: Listing,
    page: VecDeque<Item>,
    /// The continuation: none before the first page, empty after the last one.
    next: Option<String>,
    /// The last object that was taken.
    last: Option<ObjectKey>,
    /// The list has started again, and everything up to [`Self::last`] was taken from the list before.
    skips_taken: bool,
    restarts: usize,
    /// Objects after this page, as the API server counts them.
    remaining: usize,
}

impl<'p> Pages<'p> {
    pub const fn new(client: &'p Client, limiter: &'p RateLimiter, listing: Listing) -> Self {
        Self {
            client,
            limiter,
            listing,
            page: VecDeque::new(),
            next: None,
            last: None,
            skips_taken: false,
            restarts: 0,
            remaining: 0,
        }
    }

    /// The next object. It stays until [`Self::take`] is called.
    ///
    /// # Errors
    /// When a page cannot be read. The list ends then.
    pub async fn peek(&mut self) -> Result<Option<&Item>, ListError> {
        while self.page.is_empty() && self.next.as_deref() != Some("") {
            if let Err(failure) = self.fetch().await {
                self.next = Some(String::new());
                return Err(failure);
            }
        }
        Ok(self.page.front())
    }

    /// Takes the object that [`Self::peek`] returned.
    pub fn take(&mut self) -> Option<Item> {
        let item = self.page.pop_front()?;
        self.last = Some(item.key());
        Some(item)
    }

    /// About how many objects are left.
    pub fn left(&self) -> usize {
        self.remaining + self.page.len()
    }

    async fn fetch(&mut self) -> Result<(), ListError> {
        let mut waits = RETRIES.into_iter();
        loop {
            self.limiter.wait().await;
            let error = match tokio::time::timeout(ANSWER, self.request()).await {
                Ok(Ok(page)) => return self.accept(page),
                Ok(Err(kube::Error::Api(status))) if status.code == 410 => {
                    self.renew(status.metadata.and_then(|metadata| metadata.continue_))?;
                    continue;
                }
                Ok(Err(error)) => match ApiError::from(error) {
                    error @ ApiError::Refused { .. } => return Err(error.into()),
                    error => error,
                },
                Err(_) => ApiError::Timeout,
            };
            match waits.next() {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Err(error.into()),
            }
        }
    }

    async fn request(&self) -> kube::Result<ObjectList<Item>> {
        let Listing { resource, namespace, selector, limit, metadata } = &self.listing;
        let params = ListParams {
            label_selector: selector.clone(),
            continue_token: self.next.clone(),
            ..ListParams::default().limit(*limit)
        };
        let request = Request::new(Item::url_path(resource, namespace.as_deref()));
        let request = if *metadata { request.list_metadata(&params) } else { request.list(&params) };
        self.client.request(request.map_err(kube::Error::BuildRequest)?).await
    }

    /// The continuation has expired. The API server may offer one that continues with a newer state. Otherwise the list
    /// starts again, and objects that were taken are skipped.
    fn renew(&mut self, token: Option<String>) -> Result<(), ListError> {
        self.restarts += 1;
        if self.restarts > RESTARTS && token.is_none() {
            let why =
                "the list expired again and again before its end; use larger pages, or allow more calls in a second";
            return Err(ListError::Failed(why.to_owned()));
        }
        self.skips_taken = token.is_none();
        self.next = token;
        Ok(())
    }

    fn accept(&mut self, page: ObjectList<Item>) -> Result<(), ListError> {
        self.next = Some(page.metadata.continue_.unwrap_or_default());
        self.remaining = page.metadata.remaining_item_count.and_then(|n| usize::try_from(n).ok()).unwrap_or_default();
        self.page = page.items.into();
        let last = self.last.as_ref().map(|(namespace, name)| (&**namespace, &**name));
        let is_new =
            |item: &Item| last.is_none_or(|last| order::objects((item.namespace(), item.name()), last).is_gt());
        if self.skips_taken {
            self.page.retain(is_new);
            self.skips_taken = self.page.is_empty();
        } else if !self.page.front().is_none_or(is_new) {
            let why = "the API server does not list the objects by namespace and name";
            self.page.clear();
            return Err(ListError::Failed(why.to_owned()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::item::resource;
    use http::{Request, Response};
    use kube::client::Body;
    use serde_json::{Value, json};
    use std::convert::Infallible;
    use std::sync::{Arc, Mutex};

    /// An API server with these answers, one after the other, and the queries that it got.
    fn server(answers: Vec<Value>) -> (Client, Arc<Mutex<Vec<String>>>) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let answers = Arc::new(Mutex::new(VecDeque::from(answers)));
        let queries = Arc::clone(&asked);
        let service = tower::service_fn(move |request: Request<Body>| {
            let query = request.uri().query().unwrap_or_default().to_owned();
            queries.lock().unwrap().push(query);
            let answer = answers.lock().unwrap().pop_front().expect("an answer for each question");
            let code = answer["code"].as_u64().map_or(200, |code| u16::try_from(code).unwrap());
            let response = Response::builder().status(code).body(Body::from(answer.to_string().into_bytes()));
            async { Ok::<_, Infallible>(response.unwrap()) }
        });
        (Client::new(service, "default"), asked)
    }

    fn page(objects: &[&str], next: &str) -> Value {
        let item = |name: &&str| {
            let (namespace, name) = name.split_once('/').unwrap();
            json!({"metadata": {"namespace": namespace, "name": name}})
        };
        let items: Vec<Value> = objects.iter().map(item).collect();
        json!({"kind": "PodList", "apiVersion": "v1", "metadata": {"continue": next}, "items": items})
    }

    fn expired(token: Option<&str>) -> Value {
        json!({"kind": "Status", "status": "Failure", "code": 410, "reason": "Expired", "message": "too old",
               "metadata": {"continue": token}})
    }

    async fn listed(answers: Vec<Value>) -> (Vec<String>, Option<ListError>, Vec<String>) {
        let (client, asked) = server(answers);
        let limiter = RateLimiter::new(None);
        let resource = resource("", "v1", "Pod", "pods");
        let listing = Listing { resource, namespace: None, selector: None, limit: 2, metadata: false };
        let (mut pages, mut found) = (Pages::new(&client, &limiter, listing), Vec::new());
        let failure = loop {
            match pages.peek().await {
                Ok(Some(_)) => {}
                Ok(None) => break None,
                Err(failure) => break Some(failure),
            }
            found.extend(pages.take().map(|item| format!("{}/{}", item.namespace(), item.name())));
        };
        let asked = asked.lock().unwrap().clone();
        (found, failure, asked)
    }

    #[tokio::test]
    async fn pages_follow_one_another() {
        let (found, failure, asked) = listed(vec![page(&["a/1", "a/2"], "t"), page(&["b/1"], "")]).await;
        assert_eq!((found, failure), (["a/1", "a/2", "b/1"].map(str::to_owned).to_vec(), None));
        assert_eq!(asked.iter().map(|query| query.contains("continue=t")).collect::<Vec<_>>(), [false, true]);
        assert!(asked.iter().all(|query| query.contains("limit=2")), "{asked:?}");
    }

    #[tokio::test]
    async fn an_expired_list_goes_on_with_the_token_that_is_offered() {
        let answers = vec![page(&["a/1"], "old"), expired(Some("new")), page(&["b/1"], "")];
        let (found, failure, asked) = listed(answers).await;
        assert_eq!((found, failure), (["a/1", "b/1"].map(str::to_owned).to_vec(), None));
        assert!(asked[2].contains("continue=new"), "{asked:?}");
    }

    #[tokio::test]
    async fn without_a_token_the_list_starts_again_and_returns_no_object_twice() {
        let again = [page(&["a-b/1", "a/1"], "t"), page(&["a/2", "b/1"], "")];
        let answers = vec![page(&["a-b/1", "a/1"], "old"), expired(None), again[0].clone(), again[1].clone()];
        let (found, failure, asked) = listed(answers).await;
        assert_eq!((found, failure), (["a-b/1", "a/1", "a/2", "b/1"].map(str::to_owned).to_vec(), None));
        assert!(!asked[2].contains("continue"), "{asked:?}");

        let for_ever: Vec<Value> =
            (0..9).map(|n| if n % 2 == 0 { page(&["a/1"], "old") } else { expired(None) }).collect();
        let (_, failure, _) = listed(for_ever).await;
        assert!(matches!(failure, Some(ListError::Failed(why)) if why.contains("again and again")));
    }

    #[tokio::test]
    async fn another_order_and_refusals_are_errors() {
        let (found, failure, _) = listed(vec![page(&["b/1"], "t"), page(&["a/1"], "")]).await;
        assert_eq!(found, ["b/1"]);
        assert!(matches!(failure, Some(ListError::Failed(why)) if why.contains("by namespace and name")));
        let forbidden = json!({"kind": "Status", "status": "Failure", "code": 403, "message": "pods is forbidden"});
        assert_eq!(listed(vec![forbidden]).await.1, Some(ListError::Failed("pods is forbidden".to_owned())));
        let missing = json!({"kind": "Status", "status": "Failure", "code": 404, "message": "not found"});
        assert_eq!(listed(vec![missing]).await.1, Some(ListError::NotInstalled));
    }
}
