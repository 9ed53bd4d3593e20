//! The options of `serve` about the log of decisions.

use crate::observe::DecisionLog;
use crate::observe::syslog::{Address, Facility, Settings, Tls};
use std::path::PathBuf;

/// One of the two streams of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum Stream {
    /// Among the other lines of the log.
    #[default]
    Stderr,
    /// Alone.
    Stdout,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Log of decisions")]
pub struct DecisionLogArgs {
    /// Where lines of decisions are written
    #[arg(long, value_enum, value_name = "STREAM", default_value_t)]
    decision_log: Stream,

    /// Send decisions to this receiver of syslog (RFC 5424) over TLS, too [default port: 6514]
    ///
    /// Each message is the JSON of the decision. While the receiver is away, up to 1 MiB of messages waits. No request waits for it.
    #[arg(long, value_name = "HOST:PORT")]
    syslog: Option<Address>,

    /// The CA of the receiver's certificate, PEM [default: the CAs of the system]
    #[arg(long, value_name = "FILE", requires = "syslog")]
    syslog_ca: Option<PathBuf>,

    /// podreeve's own certificate for the receiver, PEM; read again with each connection
    #[arg(long, value_name = "FILE", requires = "syslog_key")]
    syslog_cert: Option<PathBuf>,

    /// Private key of that certificate, PEM
    #[arg(long, value_name = "FILE", requires_all = ["syslog", "syslog_cert"])]
    syslog_key: Option<PathBuf>,

    /// The facility of the messages
    #[arg(long, value_enum, value_name = "FACILITY", default_value_t, requires = "syslog")]
    syslog_facility: Facility,
}

impl DecisionLogArgs {
    /// What `Log::start` takes.
    pub fn settings(&self) -> DecisionLog {
        let client = self.syslog_cert.clone().zip(self.syslog_key.clone());
        let tls = Tls { ca: self.syslog_ca.clone(), client };
        let syslog = self.syslog.clone().map(|to| Settings { to, tls, facility: self.syslog_facility });
        DecisionLog { to_stdout: self.decision_log == Stream::Stdout, syslog }
    }
}
