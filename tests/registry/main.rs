//! The registry client against a registry in this process, which also does what a hostile or broken one does.

#[path = "../common/image.rs"]
mod built;
mod fake;

mod addresses;
mod authentication;
mod bodies;
mod credentials;
mod hostile;
mod images;
mod layers;
mod measured;
mod mirrors;
mod names;
mod outages;
mod referrers;
mod rollback;
mod tenants;
mod tls;
mod unusable;
