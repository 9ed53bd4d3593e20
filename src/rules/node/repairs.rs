//! Commands that repair a host: one line for a shell of root, or a sentence where no command is sure. Commands of one report can be run one
//! after the other: none undoes what another has done. A command ends where a part of it fails.

mod audit;
mod cgroups;
mod docker;
mod flags;
mod kubelet;
mod packages;
mod places;
mod services;

pub use audit::{reload, watch};
pub use cgroups::systemd_groups;
pub use docker::{Wanted, docker_set};
pub use kubelet::{kubelet_set, renewer};
pub use packages::{audit_system, has_open_rc, remove_member, security_module, upgrade};
pub use places::{place, template};
pub use services::{limit, restart, restart_host};
