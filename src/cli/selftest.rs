//! `podreeve selftest`: whether the API server calls podreeve, and podreeve denies.

use super::access::AccessArgs;
use super::exit::{Exit, Failure};
use super::output;
use crate::cluster::webhooks::{self, Answer};
use crate::server::duration;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The time between two tries. A new certificate takes a moment to reach the API server.
const RETRY: Duration = Duration::from_millis(500);

/// Check whether the cluster refuses a privileged pod
///
/// Sends a request to create one, as a dry run: nothing is created. This needs the right to create pods in the namespace.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where to try
    #[arg(short, long, value_name = "NAMESPACE", default_value = "default")]
    namespace: String,

    /// How long to keep trying, for a webhook that was installed a moment ago
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration::flag)]
    wait: Duration,

    #[command(flatten)]
    access: AccessArgs,
}

/// # Errors
/// If the pod is refused for another reason, or the API server does not answer.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let answer = args.access.with_client(async |client| {
        let end = Instant::now() + args.wait;
        loop {
            let answer = webhooks::try_privileged(&client, &args.namespace).await;
            if answer == Answer::Denied || Instant::now() >= end {
                return Ok(answer);
            }
            sleep(RETRY).await;
        }
    })?;
    let namespace = &args.namespace;
    match answer {
        Answer::Denied => {
            output::print(&format!("podreeve denied a privileged pod in namespace {namespace}, as it should\n"))?;
            Ok(Exit::Clean)
        }
        Answer::Admitted => {
            output::diagnose(
                "error",
                &format!(
                    "a privileged pod would be admitted to namespace {namespace}: check whether the webhook configurations leave \
                 this namespace out, and whether a policy in force denies the rule `privileged`"
                ),
            );
            Ok(Exit::Violations)
        }
        Answer::Failed(why) => {
            Err(Failure::input(format!("a privileged pod in namespace {namespace} was not judged: {why}")))
        }
    }
}
