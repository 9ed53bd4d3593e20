//! Why the API server does not answer, in words for people who started a command.

use crate::text::with_causes;
use std::error::Error;
use std::io;

/// What happened and what to do, without the types of the libraries in between.
#[must_use]
pub fn reason(error: &kube::Error) -> String {
    match (what(error), error) {
        (Some(what), _) => {
            format!("{what}; check that it runs, and that the kubeconfig names it: kubectl config view --minify")
        }
        // The API server answered.
        (None, kube::Error::Api(status)) => crate::text::clean(&status.message, 500),
        (None, error) => with_causes(error).replace("ServiceError: client error (Connect): ", ""),
    }
}

/// What happened on the way to the API server; none where it answered, or where it is unknown.
#[must_use]
pub fn what(error: &kube::Error) -> Option<&'static str> {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(what) = error.downcast_ref::<io::Error>().and_then(|io| in_words(io.kind())) {
            return Some(what);
        }
        let text = error.to_string();
        if text.contains("dns error") || text.contains("failed to lookup address") {
            return Some("the name of its host cannot be resolved");
        }
        cause = error.source();
    }
    None
}

const fn in_words(kind: io::ErrorKind) -> Option<&'static str> {
    match kind {
        io::ErrorKind::ConnectionRefused => Some("it refuses the connection"),
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::UnexpectedEof => {
            Some("it closed the connection")
        }
        io::ErrorKind::TimedOut => Some("it does not answer in time"),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Some("there is no route to it"),
        _ => None,
    }
}
