//! `podreeve uninstall`: removes the webhook configurations before the server goes.

use super::access::AccessArgs;
use super::exit::{Exit, Failure};
use super::output;
use super::reports::Reports;
use crate::cluster::{scan, webhooks};

/// Remove the webhook configurations, so that the server can go
///
/// While there is a configuration and no server that answers, no pod starts. The Helm chart runs this before it deletes
/// anything; without Helm, run it before `kubectl delete`. Run it also if podreeve keeps a cluster from recovering.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Name of both configurations
    #[arg(long, value_name = "NAME", default_value = "podreeve")]
    webhook_configuration: String,

    /// Also remove the reports that `serve --reports` wrote; what cannot be removed is reported, and is no failure
    #[arg(long, value_enum, value_name = "API", default_value_t)]
    reports: Reports,

    #[command(flatten)]
    access: AccessArgs,
}

/// # Errors
/// Configurations that could not be removed.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    args.access.with_client(async |client| {
        // The configurations come first, because they keep pods from starting.
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
        removed.map(|_| Exit::Clean).map_err(|error| Failure::input(error.to_string()))
    })
}
