//! How a request is answered. Everything here is pure: bytes and policies in, an outcome out.

mod connect;
mod context;
mod lookups;
mod namespace;
mod pod_security;
mod pods;
mod policy_objects;
mod reasons;
mod route;
mod snapshot;
mod update;

use crate::effort;
use crate::outcome::{About, Outcome};
use crate::review::{Request, Review, discreet::discreet, request, request::uid, response};
use jiff::civil::Date;
pub use lookups::{Lookup, admit_guarded, judge_with_lookups};
use route::{Route, about};
pub use snapshot::{Audience, Hook, Snapshot};
use snapshot::{Conditions, Moment};

/// Answers one AdmissionReview.
///
/// `today` (UTC) decides which exemptions still hold. The outcome always has a reply unless no uid could be read; then
/// [`Outcome::reply`] is empty and [`Outcome::problem`] says why.
#[must_use]
pub fn admit(body: &[u8], hook: Hook, snapshot: &Snapshot, today: Date) -> Outcome {
    answer(body, &Conditions { hook, moment: Moment::Request, snapshot, today })
}

/// Answers as the validating webhook would answer for the pods that are made from the object: the labels of a namespace only
/// warn about a template when it arrives, but they deny its pods.
#[must_use]
pub fn admit_as_created(body: &[u8], snapshot: &Snapshot, today: Date) -> Outcome {
    answer(body, &Conditions { hook: Hook::Validate, moment: Moment::PodCreation, snapshot, today })
}

/// The answer to a body that could not be read: an explicit denial if the body has a uid.
#[must_use]
pub fn deny_unread(body: &[u8], problem: String) -> Outcome {
    response::finish(unread(body, problem))
}

fn answer(body: &[u8], conditions: &Conditions<'_>) -> Outcome {
    effort::begin();
    let outcome = match request::text(body).and_then(Review::parse) {
        Ok((_, mut request)) => decide(&mut request, conditions),
        Err(problem) => unread(body, problem),
    };
    finish(outcome, conditions.snapshot.audience)
}

fn decide(request: &mut Request<'_>, conditions: &Conditions<'_>) -> Outcome {
    match Route::of(request, conditions) {
        Route::Namespace => namespace::judge(request, conditions.snapshot),
        Route::PolicyObject => policy_objects::judge(request),
        Route::Connect => connect::decide(request, conditions),
        Route::Pods(kind) => pods::decide(request, &kind, conditions),
        Route::NoPod => Outcome::allow(about(request, None)),
        Route::Unknown(problem) => Outcome::refused(about(request, None), problem),
    }
}

fn unread(body: &[u8], problem: String) -> Outcome {
    Outcome::refused(About { uid: uid(body).unwrap_or_default(), ..About::default() }, problem)
}

fn finish(outcome: Outcome, audience: Audience) -> Outcome {
    let outcome = match effort::end() {
        // Only a part was judged, so the decision about that part counts for nothing.
        Some(end) => Outcome { ended: Some(end), ..Outcome::refused(outcome.about, end.problem().to_owned()) },
        None => outcome,
    };
    let outcome = response::finish(outcome);
    match audience {
        Audience::ApiServer => outcome,
        Audience::Anybody => discreet(outcome),
    }
}
