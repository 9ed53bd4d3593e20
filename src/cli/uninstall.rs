//! `podreeve uninstall`: no webhook configuration outlives its server.

use super::access::AccessArgs;
use super::reports::Reports;
use super::{Exit, Failure, output};
use crate::cluster::{scan, webhooks};

/// Remove the webhook configurations, so that the server can go
///
/// While a configuration stands that nobody answers, no pod starts. The Helm chart runs this before it deletes anything;
/// without Helm, run it before `kubectl delete`. It is also the way out when podreeve keeps a cluster from healing.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Name of both configurations
    #[arg(long, value_name = "NAME", default_value = "podreeve")]
    webhook_configuration: String,

    /// Remove the reports, too, that `serve --reports` wrote; what cannot be removed is told, and is no failure
    #[arg(long, value_enum, value_name = "API", default_value_t)]
    reports: Reports,

    #[command(flatten)]
    access: AccessArgs,
}

/// # Errors
/// Configurations that could not be removed.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    args.access.ask(async |client| {
        // First: they are what keeps pods from starting.
        let removed = webhooks::remove(&client, &args.webhook_configuration).await;
        if let Ok(done) = &removed {
            output::print(&(done.join("\n") + "\n"))?;
        }
        if let Some(api) = args.reports.api() {
            let reports = scan::remove_reports(&client, api).await;
            output::print(&(reports.done + "\n"))?;
            if let Some(left) = reports.left {
                output::diagnose("note", &left);
            }
        }
        removed.map(|_| Exit::Clean).map_err(|error| Failure::unreadable(error.to_string()))
    })
}
