//! Who signed an image: signatures and attestations, judged by a trust document.
//!
//! 1. [`TrustDocument`] names the authorities of each prefix; [`Trust::compile`] reads their keys and roots once.
//! 2. [`Evidence`] is what a registry or a folder has about an image, not verified.
//! 3. [`verify`] asks each authority about each piece of evidence, and gives a [`Verdict`].
//! 4. The rules take their [`Problem`]s from the verdict.
//!
//! Nothing is fetched here and no clock is read: a key or a policy that changes is judged again with the same evidence.

mod attested;
mod bundle;
pub mod chain;
mod compile;
mod document;
mod dsse;
mod evidence;
mod glob;
mod identity;
mod judge;
pub mod jws;
pub mod key;
mod keyless;
pub mod layout;
mod notation;
mod pem;
mod predicate;
mod requirement;
mod scanned;
mod simple;
mod time;
pub mod timestamp;
mod verify;
mod vex;
mod vulnerabilities;

pub use attested::{Attested, Facts};
pub use compile::{Authority, AuthorityName, Entry, Resolve, Trust, TrustError};
pub use document::{
    Age, AuthorityDocument, CosignKey, Keyless, Log, Notary, Requirement, Signed, Source, TrustDocument, TrustEntry,
};
pub use evidence::{Annotations, Content, Evidence, MAX_BLOB, MAX_EVIDENCE, is_evidence};
pub use judge::Problem;
pub use pem::{PRIVATE_KEY, has_private_key};
pub use predicate::Predicate;
pub use requirement::Required;
pub use scanned::{Reported, ReportedByDigest, ScanLimits};
pub use time::start_of;
pub use verify::{Refusal, Signature, Target, Verdict, verify};
pub use vulnerabilities::{Scan, Vulnerability};
