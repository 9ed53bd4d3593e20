//! A registry in memory. A test changes its answers with `Fake::answer`.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, Response, StatusCode, header};
use podreeve::image::Digest;
use podreeve::registry::{Client, Credentials, Limits, RegistrySettings, Settings};
use podreeve::workload::image::ImageRef;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;

pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// An answer of the test in place of the registry's own.
type Answer = Box<dyn Fn(&Request) -> Option<Response<Body>> + Send + Sync>;

#[derive(Default)]
struct State {
    /// Content type and bytes by path, without `/v2/`.
    objects: HashMap<String, (String, Vec<u8>)>,
    answer: Option<Answer>,
    /// Method, path with query, and `Authorization` of each request.
    seen: Vec<(Method, String, Option<String>)>,
}

#[derive(Clone)]
pub struct Fake {
    pub host: String,
    state: Arc<Mutex<State>>,
}

impl Fake {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let fake = Self { host: listener.local_addr().unwrap().to_string(), state: Arc::default() };
        let serving = fake.clone();
        let router = Router::new().fallback(move |request: Request| {
            let answer = serving.serve(&request);
            async move { answer }
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        fake
    }

    fn serve(&self, request: &Request) -> Response<Body> {
        let mut state = self.state.lock().unwrap();
        let path = request.uri().path_and_query().unwrap().to_string();
        let authorization =
            request.headers().get(header::AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned());
        state.seen.push((request.method().clone(), path, authorization));
        if let Some(answer) = state.answer.as_ref().and_then(|answer| answer(request)) {
            return answer;
        }
        let path = request.uri().path().strip_prefix("/v2/").unwrap_or("");
        let Some((content_type, bytes)) = state.objects.get(path) else { return status(StatusCode::NOT_FOUND) };
        Response::builder()
            .header(header::CONTENT_TYPE, content_type)
            .header("docker-content-digest", Digest::sha256(bytes).as_str())
            .body(Body::from(bytes.clone()))
            .unwrap()
    }

    /// Answers in place of the registry, where `answer` has something to say.
    pub fn answer(&self, answer: impl Fn(&Request) -> Option<Response<Body>> + Send + Sync + 'static) {
        self.state.lock().unwrap().answer = Some(Box::new(answer));
    }

    /// Removes an object, and gives its bytes.
    pub fn remove(&self, path: &str) -> Vec<u8> {
        self.state.lock().unwrap().objects.remove(path).map(|(_, bytes)| bytes).unwrap_or_default()
    }

    /// Stores a blob of `shop/web`.
    pub fn blob(&self, bytes: &[u8]) -> Digest {
        let digest = Digest::sha256(bytes);
        self.put(&format!("shop/web/blobs/{digest}"), "application/octet-stream", bytes);
        digest
    }

    /// Stores a manifest of `shop/web`, and a tag if it has one.
    pub fn manifest(&self, content_type: &str, json: &serde_json::Value, tag: Option<&str>) -> Digest {
        let bytes = serde_json::to_vec(json).unwrap();
        let digest = Digest::sha256(&bytes);
        self.put(&format!("shop/web/manifests/{digest}"), content_type, &bytes);
        if let Some(tag) = tag {
            self.put(&format!("shop/web/manifests/{tag}"), content_type, &bytes);
        }
        digest
    }

    pub fn put(&self, path: &str, content_type: &str, bytes: &[u8]) {
        self.state.lock().unwrap().objects.insert(path.to_owned(), (content_type.to_owned(), bytes.to_vec()));
    }

    pub fn seen(&self) -> Vec<(Method, String, Option<String>)> {
        self.state.lock().unwrap().seen.clone()
    }

    /// How many requests had a path with this text.
    pub fn count(&self, part: &str) -> usize {
        self.seen().iter().filter(|(_, path, _)| path.contains(part)).count()
    }

    pub fn image(&self, rest: &str) -> ImageRef<'static> {
        ImageRef::parse(&format!("{}/shop/web{rest}", self.host)).into_owned()
    }

    pub fn settings(&self) -> RegistrySettings {
        RegistrySettings { prefix: self.host.clone(), plain_http: true, ..RegistrySettings::default() }
    }

    pub fn client(&self) -> Client {
        client(self.settings(), Credentials::default())
    }
}

pub fn client(settings: RegistrySettings, credentials: Credentials) -> Client {
    client_with(settings, credentials, Limits { backoff: Duration::from_millis(1), ..Limits::default() })
}

pub fn client_with(settings: RegistrySettings, credentials: Credentials, limits: Limits) -> Client {
    let settings = Settings { registries: vec![settings], any_host: false };
    Client::new(&settings, credentials, limits).unwrap()
}

/// A client of several registries.
pub fn client_of(registries: Vec<RegistrySettings>) -> Client {
    let settings = Settings { registries, any_host: false };
    Client::new(&settings, Credentials::default(), Limits::default()).unwrap()
}

pub fn status(status: StatusCode) -> Response<Body> {
    Response::builder().status(status).body(Body::empty()).unwrap()
}

pub fn redirect(to: &str) -> Response<Body> {
    Response::builder().status(307).header(header::LOCATION, to).body(Body::empty()).unwrap()
}
