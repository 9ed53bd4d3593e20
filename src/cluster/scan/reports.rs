//! Reports: one in each namespace with findings, written when its content changes.

mod api;
mod body;
mod remove;
mod write;

pub use api::ReportApi;
pub use remove::{Writer, remove as remove_reports};
pub use write::{ReportWrite, Reports};
