//! Where an answer leads: layers often lie in the storage of a cloud.

use super::address::Reach;
use super::error::RegistryError;
use super::place::Place;
use super::transport::host_of;
use http::uri::{PathAndQuery, Uri};
use http::{Response, header};

/// The next request of a redirect.
#[derive(Debug)]
pub struct Next {
    pub uri: Uri,
    pub reach: Reach,
    /// Whether it goes to the same host, so that credentials may be sent again.
    pub same_host: bool,
}

/// The next address, if this answer leads to one.
///
/// # Errors
/// When the address is none that podreeve follows.
pub fn next<B>(place: &Place<'_>, from: &Uri, response: &Response<B>) -> Result<Option<Next>, RegistryError> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let host = host_of(from);
    let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok()).unwrap_or("");
    let wrong = |why| RegistryError::Redirect { host: host.clone(), to: for_message(location), why };
    let uri = absolute(from, location).ok_or_else(|| wrong("this is no address"))?;
    let same_host = uri.authority() == from.authority() && uri.scheme() == from.scheme();
    let to = host_of(&uri);
    if to.contains('@') {
        return Err(wrong("it has credentials"));
    }
    let is_place = to == place.host;
    match uri.scheme_str() {
        Some("https") => {}
        Some("http")
            if place.registry.settings.plain_http && (is_place || place.registry.settings.allows_redirect(&to)) => {}
        _ => return Err(wrong("it has no https")),
    }
    let listed = is_place || place.registry.settings.allows_redirect(&to);
    let reach = if listed { Reach::Listed } else { Reach::Public };
    Ok(Some(Next { uri, reach, same_host }))
}

/// Signed addresses hold secrets in their query.
fn for_message(location: &str) -> String {
    let end = location.find(['?', '#']).unwrap_or(location.len());
    location.get(..end).unwrap_or("").chars().filter(|c| !c.is_control()).take(200).collect()
}

fn absolute(from: &Uri, location: &str) -> Option<Uri> {
    let location = location.split('#').next().unwrap_or("");
    if location.starts_with('/') && !location.starts_with("//") {
        let mut parts = from.clone().into_parts();
        parts.path_and_query = Some(location.parse::<PathAndQuery>().ok()?);
        return Uri::from_parts(parts).ok();
    }
    location.parse::<Uri>().ok().filter(|uri| uri.authority().is_some())
}
