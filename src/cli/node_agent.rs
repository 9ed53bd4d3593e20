//! `podreeve node-agent`: audits the node of its pod again and again.

use super::check::unusable;
use super::exit::{Exit, Failure};
use super::suggested::POLICY;
use crate::agent::safety::{self, Powers};
use crate::agent::{self, Settings};
use crate::cluster::Access;
use crate::observe::{DecisionLog, Format, Log};
use crate::server::duration;
use crate::sources::Sources;
use std::path::PathBuf;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tracing::level_filters::LevelFilter;

/// Audit the node of this pod at intervals, and keep its report in the cluster
///
/// The chart runs it on every node with nodes.enabled. It reads the host through a mount that is read-only, and refuses to run where it could do
/// more than read. On a host, use `podreeve node`.
#[derive(Debug, clap::Args)]
#[command(after_help = super::exit::HELP)]
pub struct Args {
    /// The mount of the host's /
    #[arg(long, value_name = "DIR", default_value = "/host")]
    root: PathBuf,

    /// The name of the node in the cluster
    #[arg(long, value_name = "NAME", env = "NODE_NAME")]
    node_name: String,

    /// How often to audit
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = interval)]
    interval: Duration,

    /// Policy to judge by, in place of those in force in the cluster; may be repeated
    #[arg(long, value_name = "POLICY", value_parser = POLICY, hide_possible_values = true)]
    policy: Vec<String>,

    /// How to reach the API server from outside of the cluster
    #[arg(long, value_name = "FILE", hide = true)]
    kubeconfig: Option<PathBuf>,

    /// The format of log lines on stderr
    #[arg(long, value_enum, default_value_t)]
    log_format: Format,

    /// The least important log lines to write
    #[arg(long, value_name = "LEVEL", default_value = "info", value_parser = ["off", "error", "warn", "info", "debug", "trace"])]
    log_level: String,
}

/// A second is for tests; the API server and the disks want minutes.
fn interval(text: &str) -> Result<Duration, String> {
    let interval = duration::flag(text).map_err(|error| error.to_string())?;
    if interval < Duration::from_secs(1) {
        return Err(format!("{text} is too short; write 1s or more, as in 1h"));
    }
    Ok(interval)
}

/// # Errors
/// Policies that do not load, and a pod that could do more than read.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let powers =
        Powers::read(&args.root).map_err(|error| Failure::internal(format!("/proc/self cannot be read: {error}")))?;
    if let Some(refusal) = powers.refusal(&args.root) {
        return Err(Failure::input(format!("the agent does not run where it could change the node: {refusal}")));
    }
    // Before threads start, because a capability is one of a thread.
    let raised = safety::raise();
    let policies = Sources::new(&args.policy).in_cluster().load(1, usize::MAX).map_err(unusable)?;
    let level = args.log_level.parse().unwrap_or(LevelFilter::INFO);
    let log = Log::start(args.log_format, level, DecisionLog::default())
        .map_err(|error| Failure::internal(format!("the log cannot be started: {error}")))?;
    if !raised {
        tracing::warn!("DAC_READ_SEARCH is missing: what this user may not read is unknown in the report");
    }
    if let Some(first) = powers.writable.first() {
        tracing::warn!(
            mount = first,
            "not all mounts are read-only: the kernel or the runtime has no recursiveReadOnly"
        );
    }
    let settings = Settings {
        root: args.root.clone(),
        node: args.node_name.clone(),
        interval: args.interval,
        access: Access { kubeconfig: args.kubeconfig.clone(), ..Access::default() },
        policies,
        follows_cluster: args.policy.is_empty(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(1)
        .build()
        .map_err(|error| Failure::internal(format!("the runtime cannot be started: {error}")))?;
    runtime.block_on(until_a_signal(settings))?;
    // An audit that still reads has nothing left to write to.
    runtime.shutdown_background();
    drop(log);
    Ok(Exit::Clean)
}

async fn until_a_signal(settings: Settings) -> Result<(), Failure> {
    let fail = |error: std::io::Error| Failure::internal(format!("signals cannot be received: {error}"));
    let mut term = signal(SignalKind::terminate()).map_err(fail)?;
    let mut int = signal(SignalKind::interrupt()).map_err(fail)?;
    tracing::info!(node = settings.node, interval = ?settings.interval, version = env!("CARGO_PKG_VERSION"), "auditing");
    tokio::select! {
        () = agent::run(settings) => {}
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    Ok(())
}
