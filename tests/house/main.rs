//! What holds for all code, all rules and all published files: layers, schemas, wording, and costs that stay linear.

#[path = "../common/binary.rs"]
mod binary;
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/finding.rs"]
mod finding;

mod api;
mod bounds;
mod defaults;
mod fast_path;
mod fields;
mod growth;
mod integrations;
mod layers;
mod newcomer;
mod owasp_coverage;
mod policy_keys;
mod release;
mod schema;
mod wording;
