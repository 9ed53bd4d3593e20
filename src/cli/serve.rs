//! `podreeve serve`: the webhook.

mod cluster;
mod decision_log;
pub mod images;
mod last_good;

use super::exit::{Exit, Failure};
use super::mode::ModeArgs;
use super::output;
use crate::cluster::ClusterSettings;
use crate::observe::{Format, Log};
use crate::server::certs::{Certificates, SelfSigned};
use crate::server::policies::Policies;
use crate::server::{Config, DRAIN_DELAY_MAX, EXIT_WITHIN, Limits, Server, duration};
use crate::sources::{NONE, Sources};
use cluster::ClusterArgs;
use decision_log::DecisionLogArgs;
use images::{ImageArgs, ImageSource};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::level_filters::LevelFilter;

/// Serve the admission webhook over HTTPS
///
/// AdmissionReviews go to /validate and /mutate. /livez, /readyz and /metrics are on the admin port, over plain HTTP.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Address for the API server
    ///
    /// [::] is every address, of IPv6 and IPv4. Where the kernel has no IPv6 it is every IPv4 address, and the log says so.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "[::]:8443")]
    listen: SocketAddr,

    /// Address for /livez, /readyz and /metrics
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "[::]:8080")]
    admin_listen: SocketAddr,

    /// Serving certificate with its chain, PEM; read again when it changes
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,

    /// Private key of the serving certificate, PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,

    /// Create a certificate at start, and write the CA that clients must trust to DIR/ca.crt
    #[arg(long, value_name = "DIR", conflicts_with_all = ["tls_cert", "tls_key"])]
    self_signed: Option<PathBuf>,

    /// Another DNS name or IP address for the self-signed certificate, in addition to localhost, 127.0.0.1 and ::1
    #[arg(long, value_name = "NAME", requires = "self_signed")]
    self_signed_name: Vec<String>,

    /// Serve only clients with a certificate from this CA, PEM
    ///
    /// The API server presents one when its admission configuration names a kubeconfig for this webhook.
    #[arg(long, value_name = "FILE")]
    client_ca: Option<PathBuf>,

    /// Give clients without a certificate full answers; use it only if no one but the API server can reach the port
    ///
    /// Without it, and without --client-ca, answers leave out facts about the cluster: levels of Pod Security, names of pods,
    /// and what a connection to a pod finds there. The log has them.
    #[arg(long, conflicts_with = "client_ca")]
    full_answers: bool,

    /// Policy to enforce: the name of a built-in one, a file, or a directory; may be repeated [default: owasp]
    ///
    /// Files are read again when they change. The log and /readyz report what does not load; it changes nothing.
    /// With --cluster, `none` enforces the Policy objects of the cluster alone.
    #[arg(long, value_name = "POLICY", value_parser = super::suggested::POLICY, hide_possible_values = true)]
    policy: Vec<String>,

    /// Who decides about exemptions: an address, a channel or a URL that denials name, unless the policy has its own
    #[arg(long, value_name = "TEXT")]
    contact: Option<String>,

    /// Where each rule has a page, such as https://example.com/podreeve/rules: denials put the id of the rule behind it
    #[arg(long, value_name = "URL")]
    docs: Option<String>,

    /// How long to keep serving after SIGTERM, so that the API server notices
    #[arg(long, value_name = "DURATION", default_value = "12s", value_parser = drain_delay)]
    drain_delay: Duration,

    /// The format of log lines on stderr
    #[arg(long, value_enum, default_value_t)]
    log_format: Format,

    /// The least important log lines to write; decisions are info
    #[arg(long, value_name = "LEVEL", default_value = "info", value_parser = ["off", "error", "warn", "info", "debug", "trace"])]
    log_level: String,

    /// The most connections at one time
    #[arg(long, value_name = "N", default_value_t = Limits::default().connections)]
    max_connections: usize,

    /// The largest AdmissionReview; larger ones are denied
    #[arg(long, value_name = "SIZE", default_value = "32MiB", value_parser = size)]
    max_body: usize,

    /// The memory for all bodies at one time; above it, clients get an answer to try again
    #[arg(long, value_name = "SIZE", default_value = "128MiB", value_parser = size)]
    memory_budget: usize,

    /// How often to check certificate and policy files for changes
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration::flag, hide = true)]
    poll: Duration,

    #[command(flatten)]
    mode: ModeArgs,

    #[command(flatten)]
    decision_log: DecisionLogArgs,

    #[command(flatten)]
    cluster: ClusterArgs,

    #[command(flatten)]
    images: ImageArgs,
}

/// Serves until a signal ends it.
#[must_use]
pub fn run(args: Args) -> ExitCode {
    output::exit_code(start(args))
}

fn start(args: Args) -> Result<Exit, Failure> {
    let level = args.log_level.parse().unwrap_or(LevelFilter::INFO);
    let log = Log::start(args.log_format, level, args.decision_log.settings())
        .map_err(|error| Failure::input(format!("the log cannot be started: {error}")))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(16)
        .build()
        .map_err(|error| Failure::internal(format!("the runtime cannot be started: {error}")))?;
    let served = runtime.block_on(serve(args, &log));
    // Requests that are still being judged have no connection left to answer.
    runtime.shutdown_background();
    served.map(|()| Exit::Clean).map_err(Failure::input)
}

fn sources(values: &[String], in_cluster: bool) -> Result<Sources, String> {
    if !values.iter().any(|value| value == NONE) {
        return Ok(Sources::new(values));
    }
    if values.len() > 1 {
        return Err(
            "--policy none means no policy but those of the cluster; leave it out, or leave out the others".to_owned()
        );
    }
    if !in_cluster {
        return Err(
            "--policy none enforces the Policy objects of the cluster alone, and without --cluster there are none; \
                    add --cluster, or name a policy"
                .to_owned(),
        );
    }
    Ok(Sources::none())
}

async fn serve(args: Args, log: &Log) -> Result<(), String> {
    let mut signals = Signals::new().map_err(|error| format!("signals cannot be received: {error}"))?;
    let (certificates, ceiling) = (certificates(&args)?, args.mode.ceiling());
    let cluster = args.cluster.settings(args.tls_cert.as_deref(), ceiling);
    let (image_sharing, images) = (args.images.sharing(), args.images.source());
    let kept_images = images.as_ref().and_then(ImageSource::to_keep);
    let cluster = cluster.map(|settings| ClusterSettings { kept_images, image_sharing, ..settings });
    if let Some(images) = &images {
        images.find_kept(cluster.as_ref()).await;
    }
    let sources = sources(&args.policy, cluster.is_some())?.with_help(args.contact, args.docs);
    let sources = if cluster.is_some() { sources.in_cluster() } else { sources };
    let last_good = match &cluster {
        Some(settings) => last_good::find(&sources, &args.cluster, &settings.access).await,
        None => None,
    };
    let policies = Policies::from_sources(sources).with_last_good(last_good);
    let config = Config {
        listen: args.listen,
        admin_listen: args.admin_listen,
        certificates,
        limits: Limits {
            connections: args.max_connections,
            body: args.max_body,
            memory: args.memory_budget,
            ..Limits::default()
        },
        drain_delay: args.drain_delay,
        exit_within: EXIT_WITHIN,
        poll: args.poll,
        ceiling,
        cluster,
        images: images.map(ImageSource::into_loader),
        full_answers: args.full_answers,
    };
    let server = Server::bind(config, policies, log.decisions()).map_err(|e| e.to_string())?;
    let addresses = server.address().and_then(|address| Ok((address, server.admin_address()?)));
    let (address, admin) = addresses.map_err(|error| format!("the server does not listen: {error}"))?;
    tracing::info!(listen = %address, admin = %admin, version = env!("CARGO_PKG_VERSION"), mode = %ceiling, "serving");
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let mut serving = std::pin::pin!(server.run(async {
        let _ = stopped.await;
    }));
    tokio::select! {
        () = &mut serving => {}
        () = signals.next() => {}
    }
    let _ = stop.send(());
    tokio::select! {
        () = serving => tracing::info!("drained"),
        () = signals.next() => tracing::warn!("second signal: ended at once"),
    }
    Ok(())
}

fn certificates(args: &Args) -> Result<Certificates, String> {
    if let Some(managed) = args.cluster.managed_certificates() {
        if args.tls_cert.is_some() || args.self_signed.is_some() {
            return Err(
                "--tls-secret keeps the certificate in the cluster; leave out --tls-cert and --self-signed".into()
            );
        }
        // No client trusts it. It is served until the Secret has been read.
        let stand_in = SelfSigned::make(&managed.names(args.cluster.namespace())).map_err(|error| error.to_string())?;
        return Certificates::from_cluster(stand_in, args.client_ca.clone()).map_err(|error| error.to_string());
    }
    match (&args.tls_cert, &args.tls_key, &args.self_signed) {
        (Some(cert), Some(key), _) => Certificates::from_files(cert.clone(), key.clone(), args.client_ca.clone())
            .map_err(|error| error.to_string()),
        (_, _, Some(dir)) => {
            let made = SelfSigned::make(&args.self_signed_name).map_err(|error| error.to_string())?;
            Certificates::from_self_signed(made, Some(dir.clone()), args.client_ca.clone())
                .map_err(|error| error.to_string())
        }
        _ => Err("a webhook needs a certificate: name one with --tls-cert FILE --tls-key FILE, or let podreeve create one with \
                  --self-signed DIR, or in a cluster with --tls-secret NAME"
            .to_owned()),
    }
}

/// SIGTERM from Kubernetes, SIGINT from a terminal.
struct Signals {
    term: Signal,
    int: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self { term: signal(SignalKind::terminate())?, int: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.term.recv() => {}
            _ = self.int.recv() => {}
        }
    }
}

fn drain_delay(text: &str) -> Result<Duration, String> {
    let delay = duration::flag(text).map_err(|error| error.to_string())?;
    if delay > DRAIN_DELAY_MAX {
        return Err(format!(
            "{text} is too long; the whole shutdown takes at most 45s, of which {DRAIN_DELAY_MAX:?} can be this"
        ));
    }
    Ok(delay)
}

/// Bytes, or with Ki, Mi or Gi.
fn size(text: &str) -> Result<usize, String> {
    let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let shift = match unit {
        "" | "B" => Some(0),
        "Ki" | "KiB" => Some(10),
        "Mi" | "MiB" => Some(20),
        "Gi" | "GiB" => Some(30),
        _ => None,
    };
    let size = shift.and_then(|shift| digits.parse::<usize>().ok()?.checked_mul(1 << shift));
    size.filter(|size| *size > 0)
        .ok_or_else(|| format!("`{text}` is not a size; write bytes, or a number with Ki, Mi or Gi, as in 32Mi"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(size("32MiB"), Ok(32 << 20));
        assert_eq!(size("1Gi"), Ok(1 << 30));
        assert_eq!(size("512"), Ok(512));
        for bad in ["", "MiB", "0", "-1", "1.5Gi", "1 MiB", "99999999999999999999", "99999999999Gi"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }
}
