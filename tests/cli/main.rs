//! The commands, as people and pipelines run them: `check`, `scan`, `rules` and the rest, and the files and reports that
//! they read and write.

#[path = "../common/binary.rs"]
mod binary;
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/json_schema.rs"]
mod json_schema;
#[path = "../common/secrets.rs"]
mod planted;
#[path = "../common/repaired.rs"]
mod repaired;

mod addons;
mod agreement;
mod check;
mod commands;
mod examples;
mod exempt;
mod fix;
mod manifest;
mod manifests;
mod merged_edit;
mod overrides;
mod passed_over;
mod policies;
mod recorded_answers;
mod report_schema;
mod run;
mod scan;
mod secrets;
mod unreachable;
mod waivers;
mod why;
mod workloads;
mod worst_first;
