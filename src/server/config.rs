//! How to serve: addresses, certificate, limits and times.

use super::certs::Certificates;
use super::limits::Limits;
use crate::cluster::ClusterSettings;
use crate::cluster::images::Setup;
use crate::policy::Ceiling;
use std::net::SocketAddr;
use std::time::Duration;

pub struct Config {
    pub listen: SocketAddr,
    pub admin_listen: SocketAddr,
    pub certificates: Certificates,
    pub limits: Limits,
    /// How long the server still takes requests after the first signal: the API server goes on sending.
    pub drain_delay: Duration,
    /// Longest time from the signal to the end.
    pub exit_within: Duration,
    /// Between two reads of certificate and policy files.
    pub poll: Duration,
    /// What the policies can do at most.
    pub ceiling: Ceiling,
    /// None without a cluster.
    pub cluster: Option<ClusterSettings>,
    /// Loads the settings of images; none where nothing is known of images.
    pub images: Option<LoadImages>,
    /// Answers contain facts of the cluster though clients show no certificate: only the API server reaches the port.
    pub full_answers: bool,
}

/// Loads the settings of images; none when they have not changed since the last call. An error says where and what to do.
pub type LoadImages = Box<dyn FnMut() -> Result<Option<LoadedImages>, String> + Send>;

/// Settings of images that can be served.
#[derive(Debug)]
pub struct LoadedImages {
    pub setup: Setup,
    /// What of them cannot be used, where, and what that means.
    pub faults: Vec<String>,
    /// Why newer ones do not load, in place of which these are in force.
    pub error: Option<String>,
    /// When the leader kept them in the cluster; none if this replica loaded them itself.
    pub kept_at: Option<String>,
}

/// The longest `drain_delay`. The rest of [`EXIT_WITHIN`] is for requests that have begun.
pub const DRAIN_DELAY_MAX: Duration = Duration::from_secs(35);
/// The usual [`Config::exit_within`]: the API server waits up to 30 s for an answer, and the delay comes on top.
pub const EXIT_WITHIN: Duration = Duration::from_secs(44);
