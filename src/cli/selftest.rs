//! `podreeve selftest`: is podreeve asked, and does it deny?

use super::access::AccessArgs;
use super::{Exit, Failure, output};
use crate::cluster::webhooks::{self, Answer};
use crate::server::duration;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Between two tries: the API server learns of a new certificate a moment later.
const AGAIN: Duration = Duration::from_millis(500);

/// See whether the cluster refuses a privileged pod
///
/// The API server is asked to create one, as a dry run: nothing is created. It needs the right to create pods there.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where to try
    #[arg(short, long, value_name = "NAMESPACE", default_value = "default")]
    namespace: String,

    /// How long to try again, for a webhook that was installed a moment ago
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration::flag)]
    wait: Duration,

    #[command(flatten)]
    access: AccessArgs,
}

/// # Errors
/// When the pod is refused for another reason, or nobody can be asked.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let answer = args.access.ask(async |client| {
        let end = Instant::now() + args.wait;
        loop {
            let answer = webhooks::try_privileged(&client, &args.namespace).await;
            if answer == Answer::Denied || Instant::now() >= end {
                return Ok(answer);
            }
            sleep(AGAIN).await;
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
                    "a privileged pod would be let into namespace {namespace}: look whether the webhook configurations leave \
                 this namespace out, and whether a policy in force denies the rule `privileged`"
                ),
            );
            Ok(Exit::Violations)
        }
        Answer::Failed(why) => {
            Err(Failure::unreadable(format!("a privileged pod in namespace {namespace} was not judged: {why}")))
        }
    }
}
