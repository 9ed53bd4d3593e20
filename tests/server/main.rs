//! The server over real TLS on the loopback address.

#[path = "../common/mod.rs"]
mod common;
mod harness;

mod answers;
mod binary;
mod certificates;
mod clients;
mod drain;
mod metrics;
mod policies;
