//! How a request is answered. All of it is pure: bytes, policies and facts in, an outcome out.

mod connect;
mod context;
mod images;
mod in_pods;
mod lookups;
mod namespace;
mod pod_security;
mod pods;
mod policy_objects;
mod reasons;
mod repairs;
mod route;
mod snapshot;
mod unjudged;
mod update;

use crate::effort;
use crate::outcome::{About, Outcome};
use crate::policy::Ceiling;
use crate::review::{Request, Review, discreet::discreet, request, request::uid, response};
use jiff::civil::Date;
pub use lookups::{Lookup, MayNeedFact, judge_with_lookups};
use repairs::Repairs;
pub use repairs::ReportedRepairs;
use route::{Route, about};
pub use snapshot::{Audience, Hook, Snapshot};
use snapshot::{Conditions, Moment};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Answers one AdmissionReview.
///
/// `today` (UTC) decides which exemptions still hold. The outcome has a reply, unless no uid could be read: then
/// [`Outcome::reply`] is empty and [`Outcome::problem`] says why.
#[must_use]
pub fn admit(body: &[u8], hook: Hook, snapshot: &Snapshot, today: Date) -> Outcome {
    let repairs = if hook == Hook::Validate { Repairs::Denials } else { Repairs::None };
    answer(body, &Conditions { hook, moment: Moment::Request, repairs, snapshot, today })
}

/// As [`admit`] at [`Hook::Validate`]. [`Outcome::repair`] then has the merged edit for all that a report shows, and as a JSON
/// Patch, too.
#[must_use]
pub fn admit_for_report(body: &[u8], snapshot: &Snapshot, today: Date, wanted: ReportedRepairs) -> Outcome {
    let repairs = Repairs::Reported(wanted);
    answer(body, &Conditions { hook: Hook::Validate, moment: Moment::Request, repairs, snapshot, today })
}

/// Answers as the validating webhook will answer for the pods that are made from the object. The labels of a namespace only
/// warn about a template when it arrives, but they deny its pods.
#[must_use]
pub fn admit_as_created(body: &[u8], snapshot: &Snapshot, today: Date) -> Outcome {
    let (moment, repairs) = (Moment::PodCreation, Repairs::None);
    answer(body, &Conditions { hook: Hook::Validate, moment, repairs, snapshot, today })
}

/// As [`admit`]. After a panic in a rule this request is unjudged, and nothing else ends.
///
/// # Errors
/// The answer after a panic.
pub fn admit_guarded(body: &[u8], hook: Hook, snapshot: &Snapshot, today: Date) -> Result<Outcome, Box<Outcome>> {
    catch_unwind(AssertUnwindSafe(|| admit(body, hook, snapshot, today))).map_err(|_| {
        let problem = "podreeve failed while judging it; its log says where".to_owned();
        Box::new(unjudged(body, problem, snapshot.ceiling, today))
    })
}

/// The answer to a body that could not be judged. In mode deny it is a denial, if the body has a uid.
#[must_use]
pub fn unjudged(body: &[u8], problem: String, ceiling: Ceiling, today: Date) -> Outcome {
    response::finish(unjudged::within(ceiling, today, unread(body, problem)))
}

fn answer(body: &[u8], conditions: &Conditions<'_>) -> Outcome {
    effort::begin();
    let outcome = match request::text(body).and_then(Review::parse) {
        Ok((_, mut request)) => decide(&mut request, conditions),
        Err(problem) => unread(body, problem),
    };
    finish(outcome, conditions)
}

fn decide(request: &mut Request<'_>, conditions: &Conditions<'_>) -> Outcome {
    match Route::of(request, conditions) {
        Route::Namespace => namespace::judge(request, conditions),
        Route::PolicyObject => policy_objects::judge(request, &conditions.snapshot.policies),
        Route::Connect => connect::decide(request, conditions),
        Route::Pods(kind) => pods::decide(request, &kind, conditions),
        Route::NoPod => Outcome::allow(about(request, None)),
        Route::Unknown(problem) => Outcome::refused(about(request, None), problem),
    }
}

fn unread(body: &[u8], problem: String) -> Outcome {
    Outcome::refused(About { uid: uid(body).unwrap_or_default(), ..About::default() }, problem)
}

fn finish(outcome: Outcome, conditions: &Conditions<'_>) -> Outcome {
    let Conditions { snapshot, today, .. } = *conditions;
    let outcome = match effort::end() {
        // Only a part of the object was judged, so the decision about that part does not count.
        Some(end) => Outcome { ended: Some(end), ..Outcome::refused(outcome.about, end.problem().to_owned()) },
        None => outcome,
    };
    let outcome = unjudged::within(snapshot.ceiling, today, outcome);
    match snapshot.audience {
        Audience::ApiServer => response::finish(outcome),
        Audience::AnyClient => discreet(outcome),
    }
}
