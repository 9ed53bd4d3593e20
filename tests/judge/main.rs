//! How objects are judged: the effect of policies, exemptions and updates on a violation. The tests use the pure layers
//! alone, so `make mutants` runs them too; there this file is no crate root, so modules say `super`, not `crate`.

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/finding.rs"]
mod finding;

mod arrival;
mod bad_input;
mod connect;
mod connect_images;
mod contradictions;
mod copies;
mod corners;
mod deciding;
mod discreet;
mod exemptions;
mod facts;
mod image_bases;
mod image_patterns;
mod image_reports;
mod images;
mod images_incomplete;
mod images_own;
mod images_repaired;
mod images_tenants;
mod many_violations;
mod mode;
mod nodes;
mod one_cause;
mod own_objects;
mod quantities;
mod recorded;
mod templates;
mod trust;
mod updates;
mod windows;
mod workloads;
