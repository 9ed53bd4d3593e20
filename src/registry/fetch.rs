//! One object of a registry: authentication, redirects and further tries.

use super::address::Reach;
use super::auth::{Grant, Grants};
use super::backoff;
use super::challenge::Challenge;
use super::credentials::Credentials;
use super::error::RegistryError;
use super::limits::Limits;
use super::place::Place;
use super::redirect;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use http_body_util::Full;
use hyper::body::Incoming;
use jiff::Timestamp;

pub const USER_AGENT: &str = concat!("podreeve/", env!("CARGO_PKG_VERSION"));

/// Why credentials are not sent, at the end of a message.
pub const WITHOUT_TLS: &str = "since it has no TLS";

/// What a request is for.
pub struct Object<'o> {
    pub method: Method,
    /// `manifests/1.2`, `blobs/sha256:..`
    pub path: String,
    pub accept: &'static str,
    /// For messages: `the manifest of shop/web:1.2`.
    pub what: &'o str,
}

/// What requests share.
pub struct Fetcher {
    pub grants: Grants,
    pub credentials: Credentials,
    pub limits: Limits,
}

impl Fetcher {
    /// Fetches the head of an answer with status 200.
    ///
    /// # Errors
    /// When no try gives one. 404 is [`RegistryError::NotFound`].
    pub async fn fetch(&self, place: &Place<'_>, object: &Object<'_>) -> Result<Response<Incoming>, RegistryError> {
        let mut tried = 0;
        loop {
            tried += 1;
            let error = match self.authenticated(place, object).await {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            match backoff::wait(&self.limits, tried, &error) {
                Some(time) => tokio::time::sleep(time).await,
                None => return Err(error),
            }
        }
    }

    async fn authenticated(&self, place: &Place<'_>, object: &Object<'_>) -> Result<Response<Incoming>, RegistryError> {
        let slot = self.grants.slot(place);
        let known = slot.lock().await.clone().filter(Grant::is_good);
        let response = self.follow(place, object, known.as_ref()).await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return check(place, object, response, "as before");
        }
        let refused = |credential: &str| RegistryError::Refused {
            host: place.host.clone(),
            repository: place.repository.clone(),
            credential: credential.to_owned(),
        };
        let Some(challenge) = Challenge::read(response.headers()) else {
            return Err(refused("and names no way to authenticate"));
        };
        // Held until a grant is found, so that many requests at one time ask for one token.
        let mut kept = slot.lock().await;
        if let Some(fresh) =
            kept.as_ref().filter(|fresh| fresh.is_good() && known.as_ref().is_none_or(|old| old.header != fresh.header))
        {
            let response = self.follow(place, object, Some(fresh)).await?;
            if response.status() != StatusCode::UNAUTHORIZED {
                return check(place, object, response, "as before");
            }
        }
        let found = if place.is_confidential() { self.credentials.find(&place.name).await } else { Ok(Vec::new()) };
        let (found, mut failure) = match found {
            Ok(found) => (found, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        for credential in found.iter().map(Some).chain([None]) {
            let name = match credential {
                Some(credential) => format!("with the credentials of {}", credential.name()),
                None if found.is_empty() && !place.is_confidential() => {
                    format!("without credentials, {WITHOUT_TLS}")
                }
                None => "without credentials".to_owned(),
            };
            match Grant::obtain(place, &challenge, credential).await {
                Ok(Some(grant)) => {
                    let response = self.follow(place, object, Some(&grant)).await?;
                    if !matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
                        *kept = Some(grant);
                        return check(place, object, response, &name);
                    }
                    failure.get_or_insert_with(|| refused(&name));
                }
                Ok(None) => {
                    failure.get_or_insert_with(|| refused(&name));
                }
                Err(error) if error.is_transient() => return Err(error),
                Err(error) => {
                    failure.get_or_insert(error);
                }
            }
        }
        *kept = None;
        Err(failure.unwrap_or_else(|| refused("without credentials")))
    }

    async fn follow(
        &self,
        place: &Place<'_>,
        object: &Object<'_>,
        grant: Option<&Grant>,
    ) -> Result<Response<Incoming>, RegistryError> {
        let mut uri = place.uri(&object.path)?;
        let mut authorization = grant.map(|grant| &grant.header);
        let mut reach = Reach::Listed;
        for _ in 0..=self.limits.redirects {
            let request = request(object, &uri, authorization).ok_or_else(|| RegistryError::Malformed {
                what: object.what.to_owned(),
                why: "its address is malformed".to_owned(),
            })?;
            let response = place.registry.transport.send(reach, request).await?;
            let Some(next) = redirect::next(place, &uri, &response)? else { return Ok(response) };
            if !next.same_host {
                authorization = None;
            }
            (uri, reach) = (next.uri, next.reach);
        }
        Err(RegistryError::Redirect { host: place.host.clone(), to: uri.path().to_owned(), why: "it leads on and on" })
    }
}

fn request(object: &Object<'_>, uri: &Uri, authorization: Option<&HeaderValue>) -> Option<Request<Full<Bytes>>> {
    let mut request = Request::builder()
        .method(&object.method)
        .uri(uri)
        .header(header::ACCEPT, object.accept)
        .header(header::USER_AGENT, USER_AGENT);
    if let Some(authorization) = authorization {
        request = request.header(header::AUTHORIZATION, authorization);
    }
    request.body(Full::default()).ok()
}

fn check(
    place: &Place<'_>,
    object: &Object<'_>,
    response: Response<Incoming>,
    credential: &str,
) -> Result<Response<Incoming>, RegistryError> {
    let host = place.host.clone();
    let what = object.what.to_owned();
    match response.status() {
        StatusCode::OK => Ok(response),
        StatusCode::NOT_FOUND => Err(RegistryError::NotFound { host, what }),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(RegistryError::Refused {
            host,
            repository: place.repository.clone(),
            credential: credential.to_owned(),
        }),
        StatusCode::TOO_MANY_REQUESTS => {
            let retry_after = backoff::retry_after(response.headers(), Timestamp::now());
            Err(RegistryError::TooManyRequests { host, retry_after })
        }
        StatusCode::SERVICE_UNAVAILABLE if response.headers().contains_key(header::RETRY_AFTER) => {
            let retry_after = backoff::retry_after(response.headers(), Timestamp::now());
            Err(RegistryError::TooManyRequests { host, retry_after })
        }
        status => Err(RegistryError::Status { host, what, status: status.as_u16() }),
    }
}
