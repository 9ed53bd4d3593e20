//! `podreeve selftest`: whether the API server calls podreeve, and podreeve does what its mode says.

use super::access::AccessArgs;
use super::exit::{Exit, Failure};
use super::mode::ModeArgs;
use super::output;
use crate::cluster::webhooks::{self, Answer};
use crate::policy::{Cap, HeldBy};
use crate::server::duration;
use kube::Client;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The time between two tries. A new certificate takes a moment to reach the API server.
const RETRY: Duration = Duration::from_millis(500);

/// Check whether the cluster refuses a privileged pod, or warns of it
///
/// Sends a request to create one, as a dry run: nothing is created. This needs the right to create pods in the namespace.
/// The options --mode, --deny-from and --deny-after are those of the podreeve that is tested. In mode audit a user sees nothing of podreeve,
/// so the test also sends an Exemption that podreeve refuses in every mode. This needs the right to create exemptions.podreeve.dev.
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

    #[command(flatten)]
    mode: ModeArgs,
}

/// # Errors
/// If the pod is refused for another reason, or the API server does not answer.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    // The rule `privileged` is critical.
    let cap = args.mode.ceiling().cap_of_unjudged(super::check::today());
    let answer = args.access.with_client(async |client| {
        let end = Instant::now() + args.wait;
        loop {
            let answer = ask(&client, &args.namespace, cap).await;
            if answer == expected(cap) || Instant::now() >= end {
                return Ok(answer);
            }
            sleep(RETRY).await;
        }
    })?;
    report(cap, answer, &args.namespace)
}

async fn ask(client: &Client, namespace: &str, cap: Cap) -> Answer {
    let answer = webhooks::try_privileged(client, namespace).await;
    if (cap, &answer) != (Cap::Audit, &Answer::Admitted) {
        return answer;
    }
    match webhooks::try_invalid_exemption(client, namespace).await {
        Answer::Denied => Answer::Admitted,
        Answer::Admitted | Answer::Warned => {
            let why = "an Exemption with a wrong rule was admitted: the API server does not call podreeve";
            Answer::Failed(why.to_owned())
        }
        failed @ Answer::Failed(_) => failed,
    }
}

const fn expected(cap: Cap) -> Answer {
    match cap {
        Cap::Deny => Answer::Denied,
        Cap::Warn(_) => Answer::Warned,
        Cap::Audit => Answer::Admitted,
    }
}

fn report(cap: Cap, answer: Answer, namespace: &str) -> Result<Exit, Failure> {
    let pod = format!("a privileged pod in namespace {namespace}");
    match (cap, answer) {
        (Cap::Deny, Answer::Denied) => pass(&format!("podreeve denied {pod}, as it should")),
        (Cap::Warn(held), Answer::Warned) => {
            let when = match held {
                HeldBy::Until(last) => format!("up to {last}"),
                HeldBy::Mode | HeldBy::Severity => "in mode warn".to_owned(),
            };
            pass(&format!("podreeve warned of {pod} and admitted it, as it should {when}"))
        }
        (Cap::Audit, Answer::Admitted) => {
            pass(&format!("podreeve is called, and it admitted {pod} without a warning, as it should in mode audit"))
        }
        (_, Answer::Failed(why)) => Err(Failure::input(format!("{pod} was not judged: {why}"))),
        (cap, answer) => Ok(wrong(cap, &answer, &pod)),
    }
}

/// The answer is not the one of this mode.
fn wrong(cap: Cap, answer: &Answer, pod: &str) -> Exit {
    match (cap, answer) {
        (Cap::Warn(_) | Cap::Audit, Answer::Denied) => {
            fail(&format!("{pod} is denied, but --mode says that nothing is: a replica runs in mode deny"))
        }
        (Cap::Audit, Answer::Warned) => {
            fail(&format!("podreeve warns of {pod}, but --mode says that it is silent: a replica runs in mode warn"))
        }
        (Cap::Deny, Answer::Warned) => fail(&format!(
            "{pod} would be admitted with a warning: podreeve runs in mode warn (the chart's value `mode`), or no policy in force \
             denies the rule `privileged`; --mode=warn tests for this"
        )),
        _ => fail(&format!(
            "{pod} would be admitted: `/readyz` of a replica says whether the API server calls podreeve, or why not, and in which mode it \
             runs; check also whether the webhook configurations leave this namespace out, and whether a policy in force denies the \
             rule `privileged`"
        )),
    }
}

fn pass(text: &str) -> Result<Exit, Failure> {
    output::print(&format!("{text}\n"))?;
    Ok(Exit::Clean)
}

fn fail(text: &str) -> Exit {
    output::diagnose("error", text);
    Exit::Violations
}
