//! Files of daemons whose settings are TOML.

use super::instances::Instance;
use super::{Host, text};
use crate::node::Read;
use crate::node::config::Config;
use crate::node::toml_tree::{self, Merge};

/// Puts a file over the settings. Nothing is known of the settings if it cannot be read, and less if it is newer than the daemon.
pub fn add(host: &dyn Host, instance: &Instance<'_>, config: &mut Config, path: &str, how: Merge) {
    match text(host, path) {
        Read::Is(content) => match toml_tree::read(path, &content) {
            Ok(later) => toml_tree::merge(config, later, how),
            Err(why) => config.doubt(format!("{why}: the file is no TOML, so the daemon does not start with it")),
        },
        Read::Absent => {}
        other => config.doubt(format!("{path} {}", other.unknown().unwrap_or_default())),
    }
    instance.compare_age(host, config, path, "the daemon");
}
