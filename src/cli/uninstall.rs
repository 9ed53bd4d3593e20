//! `podreeve uninstall`: no webhook configuration outlives its server.

use super::access::AccessArgs;
use super::{Exit, Failure, output};
use crate::cluster::webhooks;

/// Remove the webhook configurations, so that the server can go
///
/// While a configuration stands that nobody answers, no pod starts. The Helm chart runs this before it deletes anything;
/// without Helm, run it before `kubectl delete`. It is also the way out when podreeve keeps a cluster from healing.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Name of both configurations
    #[arg(long, value_name = "NAME", default_value = "podreeve")]
    webhook_configuration: String,

    #[command(flatten)]
    access: AccessArgs,
}

/// # Errors
/// Configurations that could not be removed.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let done = args.access.ask(async |client| {
        webhooks::remove(&client, &args.webhook_configuration).await.map_err(Failure::unreadable)
    })?;
    output::print(&(done.join("\n") + "\n"))?;
    Ok(Exit::Clean)
}
