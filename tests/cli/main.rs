//! The commands, as people and pipelines run them: `check`, `scan`, `rules` and the rest, and the files and reports that
//! they read and write.

#[path = "../common/binary.rs"]
mod binary;
#[path = "../common/image.rs"]
mod built;
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/json_schema.rs"]
mod json_schema;
#[path = "../common/secrets.rs"]
mod planted;
#[path = "../common/repaired.rs"]
mod repaired;
#[path = "../common/xsd.rs"]
mod xsd;

mod addons;
mod agreement;
mod check;
mod commands;
mod completions;
mod examples;
mod exempt;
mod fix;
mod hidden_values;
mod html;
mod image;
mod image_env_files;
mod image_gaps;
mod image_in_pod;
mod image_registry;
mod image_trust;
mod image_usage;
mod manifest;
mod manifests;
mod merged_edit;
mod node;
mod node_disk;
mod node_repairs;
mod node_repairs_files;
mod node_repairs_kubelet;
mod node_secrets;
mod overrides;
mod owasp;
mod passed_over;
mod policies;
mod policy_tests;
mod recorded_answers;
mod report_schema;
mod run;
mod scan;
mod secrets;
mod unreachable;
mod verdicts;
mod waivers;
mod why;
mod why_forged;
mod workloads;
mod worst_first;
mod written_files;
