//! Answers to a challenge, and the tokens that are kept.

use super::address::Reach;
use super::challenge::Challenge;
use super::credentials::Credential;
use super::error::RegistryError;
use super::place::Place;
use super::transport::host_of;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use serde::Deserialize;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Mutex as AsyncMutex;

/// What is sent as `Authorization`, until when.
#[derive(Clone)]
pub struct Grant {
    pub header: HeaderValue,
    until: Instant,
}

/// A place in the table of grants. Who fetches a token holds it, so that others wait for that token.
pub type Slot = Arc<AsyncMutex<Option<Grant>>>;

/// The grants of each repository.
#[derive(Default)]
pub struct Grants {
    slots: Mutex<HashMap<String, Slot>>,
}

/// Repositories are named in references, which are user input. Above this all are forgotten.
const MOST_GRANTS: usize = 4096;

/// A token is not used in its last seconds, since the clocks of two hosts differ.
const MARGIN: Duration = Duration::from_secs(10);

/// The specification's own default where a token service says nothing.
const DEFAULT_LIFE: u64 = 60;

const LARGEST_TOKEN: usize = 1 << 20;

/// The answer of a token service. Services write one of the two names, or both.
#[derive(Deserialize)]
struct Answer {
    token: Option<String>,
    #[serde(rename = "access_token")]
    access: Option<String>,
    expires_in: Option<u64>,
}

impl Grants {
    pub fn slot(&self, place: &Place<'_>) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= MOST_GRANTS {
            slots.clear();
        }
        Arc::clone(slots.entry(place.name.clone()).or_default())
    }
}

impl Grant {
    pub fn is_good(&self) -> bool {
        self.until > Instant::now()
    }

    /// Answers a challenge with these credentials, or without any.
    ///
    /// # Errors
    /// When there is no answer: no credentials for basic authentication, or no token.
    pub async fn obtain(
        place: &Place<'_>,
        challenge: &Challenge,
        credential: Option<&Credential>,
    ) -> Result<Option<Self>, RegistryError> {
        match challenge {
            Challenge::Basic => Ok(credential.and_then(Credential::user_and_password).and_then(basic)),
            Challenge::Bearer { realm, service, scope } => {
                let realm = check_realm(place, realm)?;
                let scope = scope.clone().unwrap_or_else(|| format!("repository:{}:pull", place.repository));
                token(place, &realm, service.as_deref(), &scope, credential).await.map(Some)
            }
        }
    }
}

fn basic((user, password): (&str, &str)) -> Option<Grant> {
    let header = secret_header(&format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))?;
    Some(Grant { header, until: Instant::now() + Duration::from_secs(3600) })
}

fn secret_header(text: &str) -> Option<HeaderValue> {
    let mut header = HeaderValue::from_str(text).ok()?;
    header.set_sensitive(true);
    Some(header)
}

/// The realm is the registry's word. Credentials go to its own host or one in `authHosts`, and nowhere else.
fn check_realm(place: &Place<'_>, realm: &str) -> Result<Uri, RegistryError> {
    let shown: String = realm.chars().filter(|c| !c.is_control()).take(200).collect();
    let wrong = |why| RegistryError::Realm { host: place.host.clone(), realm: shown.clone(), why };
    let uri: Uri = realm.parse().map_err(|_| wrong("this is no address"))?;
    let host = host_of(&uri);
    // What stands before an `@` looks like a host, and the connection goes to what follows.
    if host.contains('@') {
        return Err(wrong("it has credentials"));
    }
    let name = |host: &str| host.rsplit_once(':').map_or(host.to_owned(), |(name, _)| name.to_owned());
    let own = !host.is_empty() && name(&host) == name(&place.host);
    match uri.scheme_str() {
        Some("https") => {}
        Some("http") if place.registry.settings.plain_http && (own || place.registry.settings.allows_auth(&host)) => {}
        _ => return Err(wrong("it has no https")),
    }
    // Docker's registry and its token service belong together.
    let hub = place.host == "registry-1.docker.io" && host == "auth.docker.io";
    if !own && !hub && !place.registry.settings.allows_auth(&host) {
        return Err(wrong("it is another host, which `authHosts` does not have"));
    }
    Ok(uri)
}

async fn token(
    place: &Place<'_>,
    realm: &Uri,
    service: Option<&str>,
    scope: &str,
    credential: Option<&Credential>,
) -> Result<Grant, RegistryError> {
    let host = host_of(realm);
    let failed = |why: String| RegistryError::Token { host: host.clone(), repository: place.repository.clone(), why };
    let request = token_request(realm, service, scope, credential)
        .ok_or_else(|| failed("its address is malformed".to_owned()))?;
    let response = place.registry.transport.send(Reach::Listed, request).await?;
    let status = response.status();
    if status == StatusCode::TOO_MANY_REQUESTS {
        let retry_after = super::backoff::retry_after(response.headers(), jiff::Timestamp::now());
        return Err(RegistryError::TooManyRequests { host, retry_after });
    }
    if status.is_server_error() {
        return Err(RegistryError::Status { host, what: "a token".to_owned(), status: status.as_u16() });
    }
    if !status.is_success() {
        let with = credential
            .map_or("without credentials".to_owned(), |found| format!("with the credentials of {}", found.name()));
        return Err(failed(format!("it answers {} {with}", status.as_u16())));
    }
    let reading = Limited::new(response.into_body(), LARGEST_TOKEN).collect();
    let body = match tokio::time::timeout(Duration::from_secs(20), reading).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) => return Err(failed(format!("its answer cannot be read: {error}"))),
        Err(_) => return Err(failed("its answer does not end".to_owned())),
    };
    let answer: Answer =
        serde_json::from_slice(&body).map_err(|_| failed("its answer is no JSON with a token".to_owned()))?;
    let text = answer.token.filter(|text| !text.is_empty()).or(answer.access).unwrap_or_default();
    let header = Some(text).filter(|text| !text.is_empty()).and_then(|text| secret_header(&format!("Bearer {text}")));
    let header = header.ok_or_else(|| failed("its answer has no token".to_owned()))?;
    let life = Duration::from_secs(answer.expires_in.unwrap_or(DEFAULT_LIFE).min(24 * 3600)).saturating_sub(MARGIN);
    Ok(Grant { header, until: Instant::now() + life })
}

/// A refresh token is changed by OAuth2's form. All else goes by GET, with the user and the password if there are any.
fn token_request(
    realm: &Uri,
    service: Option<&str>,
    scope: &str,
    credential: Option<&Credential>,
) -> Option<Request<Full<Bytes>>> {
    let mut form = String::new();
    let mut add = |name: &str, value: &str| {
        let separator = if form.is_empty() { "" } else { "&" };
        let _ = write!(form, "{separator}{name}={}", encode(value));
    };
    if let Some(service) = service {
        add("service", service);
    }
    add("scope", scope);
    if let Some(refresh) = credential.and_then(Credential::refresh_token) {
        add("grant_type", "refresh_token");
        add("client_id", "podreeve");
        add("refresh_token", refresh);
        return Request::builder()
            .method(Method::POST)
            .uri(realm)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::USER_AGENT, super::fetch::USER_AGENT)
            .body(Full::from(form))
            .ok();
    }
    let separator = if realm.query().is_some() { '&' } else { '?' };
    let uri: Uri = format!("{}{separator}{form}", realm.to_string().split('#').next().unwrap_or("")).parse().ok()?;
    let mut request = Request::get(uri).header(header::USER_AGENT, super::fetch::USER_AGENT);
    if let Some(grant) = credential.and_then(Credential::user_and_password).and_then(basic) {
        request = request.header(header::AUTHORIZATION, grant.header);
    }
    request.body(Full::default()).ok()
}

/// Percent-encodes all but the letters that no form changes.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}
