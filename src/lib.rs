//! podreeve decides about pods: the way of a request, in the order in which it happens.
//!
//! 1. [`server`] accepts TCP and TLS, bounds sizes and times, and reads the body.
//! 2. [`admit`] does the rest in pure functions; start reading there:
//! 3. [`review`] reads the envelope and leaves the objects raw,
//! 4. [`workload`] reads the pod out of a Pod or of any kind that holds a template,
//! 5. [`rules`] say what is wrong with it,
//! 6. [`policy`] and [`decide`] say what becomes of that,
//! 7. [`patch`], [`outcome`] and [`review::response`] make the answer,
//! 8. [`observe`] counts and logs it after it has been sent.
//!
//! Beside that way: [`cluster`] watches the API server, [`manifest`] reads YAML and JSON files, [`sources`] loads policies, [`report`]
//! prints what `check` found, [`scan`] judges what exists, [`cli`] are the commands. Lower layers never use higher ones;
//! `tests/house/layers.rs` holds them to it.

// A panic on the request path denies a pod that nobody judged.
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
pub mod authority;
pub mod cli;
pub mod cluster;
pub mod decide;
pub mod effort;
pub mod facts;
pub mod json;
pub mod manifest;
pub mod observe;
pub mod outcome;
pub mod patch;
pub mod policy;
pub mod report;
pub mod review;
pub mod rule;
pub mod rules;
pub mod scan;
pub mod server;
pub mod sources;
pub mod text;
pub mod workload;
