//! `podreeve uninstall`: removes the webhook configurations before the server goes.

use super::access::AccessArgs;
use super::exit::{Exit, Failure};
use super::output;
use super::reports::Reports;
use crate::cluster::scan::{self, Writer};
use crate::cluster::{ApiError, deployment, webhooks};
use kube::Client;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long a Deployment must be missing. Manifests that are applied together may create the job first.
const GONE_FOR: Duration = Duration::from_secs(10);
/// Between two looks at the Deployment.
const RETRY: Duration = Duration::from_secs(1);

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

    /// Also remove the reports that agents wrote about their nodes (chart: nodes.enabled); what cannot be removed is no failure
    #[arg(long)]
    node_reports: bool,

    /// Also remove what this installation learnt of images (chart: images.enabled); what cannot be removed is no failure
    ///
    /// It has the label podreeve.dev/installation with the name of the configurations.
    #[arg(long)]
    image_facts: bool,

    /// podreeve's own Deployment: nothing is removed unless it is being deleted, or is gone
    ///
    /// The job of the Helm chart has this, so that it does nothing where it is applied as a plain manifest.
    #[arg(long, value_name = "NAME")]
    deployment: Option<String>,

    /// The namespace of this Deployment
    #[arg(short, long, value_name = "NAMESPACE", env = "POD_NAMESPACE", default_value = "podreeve")]
    namespace: String,

    #[command(flatten)]
    access: AccessArgs,
}

/// # Errors
/// Configurations that could not be removed.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    args.access.with_client(async |client| {
        if let Some(stays) = args.stays(&client).await? {
            output::print(&stays)?;
            return Ok(Exit::Clean);
        }
        // The configurations come first, because they keep pods from starting.
        let removed = webhooks::remove(&client, &args.webhook_configuration).await;
        if let Ok(done) = &removed {
            output::print(&(done.join("\n") + "\n"))?;
        }
        let of_agents = args.node_reports.then_some(Writer::Agents);
        let of_images = args.image_facts.then_some(Writer::Images { installation: &args.webhook_configuration });
        for writer in args.reports.api().map(Writer::Scan).into_iter().chain(of_agents).chain(of_images) {
            let objects = scan::remove_reports(&client, writer).await;
            output::print(&(objects.done + "\n"))?;
            if let Some(left) = objects.left {
                output::diagnose("note", &left);
            }
        }
        removed.map(|_| Exit::Clean).map_err(|error| Failure::input(error.to_string()))
    })
}

impl Args {
    /// What to print where podreeve stays; none where it is being uninstalled, or where no Deployment was named.
    async fn stays(&self, client: &Client) -> Result<Option<String>, Failure> {
        let Some(name) = &self.deployment else { return Ok(None) };
        let namespace = &self.namespace;
        let missing_since = Instant::now();
        loop {
            match deployment::state(client, namespace, name).await {
                Ok(deployment::State::There) => {
                    return Ok(Some(format!(
                        "nothing is removed: Deployment {namespace}/{name} is there and is not being deleted\n"
                    )));
                }
                Ok(deployment::State::Missing) if missing_since.elapsed() < GONE_FOR => sleep(RETRY).await,
                Ok(_) => return Ok(None),
                Err(error) => return Err(unreadable(namespace, name, &error)),
            }
        }
    }
}

fn unreadable(namespace: &str, name: &str, error: &ApiError) -> Failure {
    Failure::input(format!(
        "Deployment {namespace}/{name} cannot be read, so nothing is removed: {error}; without --deployment everything is"
    ))
}
