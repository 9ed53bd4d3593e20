//! The harness: replays every example of every rule in all container lists and workload kinds.
//! `RULE=host-ports` runs one rule, `RULE=host-ports,host-pid` two.

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/repaired.rs"]
mod repaired;

mod cases;
mod connections;
mod dockerfiles;
mod examples;
mod images;
mod merged;
mod nodes;
mod official_images;
mod repairs;
mod table;
mod updates;
