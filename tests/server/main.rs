//! The server over real TLS on the loopback address.

#[path = "../common/mod.rs"]
mod common;
mod harness;
mod images;
#[path = "../common/secrets.rs"]
mod planted;

mod answers;
mod binary;
mod certificates;
mod clients;
mod disk;
mod drain;
mod limits;
mod metrics;
mod mode;
mod policies;
mod review;
mod rsyslog;
mod secrets;
mod syslog;
