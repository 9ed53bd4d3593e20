//! The registry client against a registry in this process, which also does what a hostile or broken one does.

mod fake;

mod addresses;
mod authentication;
mod bodies;
mod credentials;
mod mirrors;
mod outages;
mod referrers;
mod tls;
