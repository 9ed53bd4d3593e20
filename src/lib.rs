//! podreeve is a Kubernetes admission webhook. The library's API is internal: it serves the `podreeve` program and its tests, and
//! can change with every version.
//!
//! A request takes these steps:
//!
//! 1. [`server`] accepts TCP and TLS, limits sizes and times, and reads the body.
//! 2. [`admit`] does steps 3 to 7 in pure functions. Read this module first.
//! 3. [`review`] reads the envelope of the AdmissionReview and leaves the objects raw.
//! 4. [`workload`] reads the pod: of a Pod, or of any kind that has a pod template.
//! 5. [`rules`] find what is wrong with the pod. [`rule`] says what a rule is.
//! 6. [`policy`] selects the rules and exemptions that apply, and [`decide`] decides the effect of each finding.
//! 7. [`patch`], [`outcome`] and [`review::response`] make the answer.
//! 8. [`observe`] counts and logs the outcome after the answer has been sent.
//!
//! The other modules do not take part in answering. [`cluster`] watches the API server, and [`facts`] keeps what is known about it.
//! [`sources`] loads policies from files, [`manifest`] reads YAML and JSON, and [`dockerfile`] Dockerfiles. [`scan`] judges what exists already, [`report`] prints
//! what `check` and `scan` find, [`policy_test`] tests policies, [`authority`] makes certificates, and [`cli`] has the commands.
//!
//! A module uses only modules of lower layers; `tests/house/layers.rs` has the list and checks it.

// A panic on the request path would deny a pod without judging it.
#![cfg_attr(
    not(test),
    warn(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::todo,
        clippy::dbg_macro
    )
)]

pub mod admit;
pub mod agent;
pub mod authority;
pub mod cli;
pub mod cluster;
pub mod decide;
pub mod dockerfile;
pub mod effort;
pub mod exempt;
pub mod facts;
pub mod host;
pub mod image;
pub mod image_files;
pub mod json;
pub mod manifest;
pub mod node;
pub mod observe;
pub mod outcome;
pub mod patch;
pub mod policy;
pub mod policy_test;
pub mod reference;
pub mod registry;
pub mod repair;
pub mod report;
pub mod review;
pub mod rule;
pub mod rules;
pub mod scan;
mod secret_shapes;
pub mod server;
pub mod shell;
pub mod sources;
pub mod text;
pub mod workload;
