//! What stands before the text of a message: `<PRI>1 TIME HOST podreeve PID MSGID - `.

use crate::observe::stamp::stamp;
use jiff::Timestamp;
use std::fmt::Write;

/// Longest host name that RFC 5424 allows, in bytes.
const HOST_MAX: usize = 255;

/// Which part of a system a message comes from. Receivers sort by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Facility {
    User,
    Daemon,
    Auth,
    Authpriv,
    Audit,
    #[default]
    Local0,
    Local1,
    Local2,
    Local3,
    Local4,
    Local5,
    Local6,
    Local7,
}

impl Facility {
    const fn number(self) -> u8 {
        match self {
            Self::User => 1,
            Self::Daemon => 3,
            Self::Auth => 4,
            Self::Authpriv => 10,
            Self::Audit => 13,
            Self::Local0 => 16,
            Self::Local1 => 17,
            Self::Local2 => 18,
            Self::Local3 => 19,
            Self::Local4 => 20,
            Self::Local5 => 21,
            Self::Local6 => 22,
            Self::Local7 => 23,
        }
    }
}

/// How bad it is, in the words of syslog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Something was denied.
    Warning = 4,
    /// Something was repaired, or its author was warned.
    Notice = 5,
    Info = 6,
}

/// What is the same in all messages.
#[derive(Debug)]
pub struct Head {
    facility: u8,
    /// ` HOST podreeve PID `.
    sender: String,
}

impl Head {
    pub fn new(facility: Facility) -> Self {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        Self::of(facility, &host, std::process::id())
    }

    fn of(facility: Facility, host: &str, pid: u32) -> Self {
        // RFC 5424: printable ASCII without blanks, and a hyphen where nothing is known.
        let host: String = host.chars().filter(char::is_ascii_graphic).take(HOST_MAX).collect();
        let host = if host.is_empty() { "-" } else { &host };
        Self { facility: facility.number(), sender: format!(" {host} podreeve {pid} ") }
    }

    pub fn write(&self, out: &mut String, timestamp: Timestamp, level: Level, id: &str) {
        let _ = write!(out, "<{}>1 ", self.facility * 8 + level as u8);
        stamp(out, timestamp);
        out.push_str(&self.sender);
        out.push_str(id);
        out.push_str(" - ");
    }

    /// The message about messages that were lost.
    pub fn lost(&self, timestamp: Timestamp, lost: u64) -> String {
        let mut out = String::new();
        self.write(&mut out, timestamp, Level::Warning, "lost");
        let _ = writeln!(
            out,
            "{{\"message\":\"{lost} messages were lost, because the receiver was away or too slow\",\"lost\":{lost}}}"
        );
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_as_rfc_5424_has_it() {
        let at: Timestamp = "2026-01-02T03:04:05.000678901Z".parse().unwrap();
        let head = |host: &str| {
            let mut out = String::new();
            Head::of(Facility::Local0, host, 7).write(&mut out, at, Level::Warning, "decision");
            out
        };
        assert_eq!(head("a-1\n"), "<132>1 2026-01-02T03:04:05.000678Z a-1 podreeve 7 decision - ");
        assert_eq!(head(""), "<132>1 2026-01-02T03:04:05.000678Z - podreeve 7 decision - ");
        assert_eq!(head("a é b"), "<132>1 2026-01-02T03:04:05.000678Z ab podreeve 7 decision - ");
        assert_eq!(head(&"x".repeat(300)).len(), head("").len() - 1 + HOST_MAX);
        let lost = Head::of(Facility::Authpriv, "a", 7).lost(at, 3);
        assert!(
            lost.starts_with("<84>1 2026-01-02T03:04:05.000678Z a podreeve 7 lost - {\"message\":\"3 messages"),
            "{lost}"
        );
        assert!(lost.ends_with("\"lost\":3}\n"), "{lost}");
    }
}
