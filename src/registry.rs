//! A client for image registries (the OCI distribution specification), which reads and never writes.
//!
//! [`Client`] is the way in. An image reference is user input, so the client contacts only the hosts in its [`Settings`],
//! never a link-local address, and sends credentials to no other host. All it returns was compared with its digest.

mod address;
mod auth;
mod backoff;
mod blob;
mod challenge;
mod client;
mod credentials;
mod error;
mod evidence;
mod fetch;
mod go_duration;
mod helper;
mod host_pattern;
mod keyring;
mod limits;
mod login;
mod manifest;
mod place;
mod provider;
mod redirect;
mod referrers;
mod settings;
mod transport;
mod verifier;

pub use blob::Blob;
pub use client::Client;
pub use credentials::{Credential, Credentials};
pub use error::{RegistryError, TlsProblem};
pub use fetch::WITHOUT_TLS;
pub use keyring::{Keyring, KeyringError};
pub use limits::Limits;
pub use login::LoginError;
pub use manifest::Manifest;
pub use provider::{Provider, ProviderError, Providers};
pub use referrers::{Attached, Referrers};
pub use settings::{CaSource, Fault, FaultOf, RegistrySettings, Settings, SettingsError};
