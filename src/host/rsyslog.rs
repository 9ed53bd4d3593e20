//! rsyslog on a host: which of its files send logs to another host.

use super::{Host, text};
use crate::node::has_extension;
use crate::node::rsyslog::{Rsyslog, includes_folder};

const FILE: &str = "/etc/rsyslog.conf";
const FOLDER: &str = "/etc/rsyslog.d";

/// Files of rsyslog with an action that sends all logs to another host.
pub fn log_forwarding(host: &dyn Host) -> Vec<String> {
    let main = text(host, FILE);
    let names = host.list(FOLDER);
    let Some(main) = main.is() else { return Vec::new() };
    let mut rsyslog = Rsyslog::default();
    // Debian includes the folder before its own rules.
    if includes_folder(main) {
        for name in names.is().into_iter().flatten().filter(|name| has_extension(name, &["conf"])) {
            let path = format!("{FOLDER}/{name}");
            if let Some(content) = text(host, &path).is() {
                rsyslog.add(&path, content);
            }
        }
    }
    rsyslog.add(FILE, main);
    rsyslog.sending()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::Fake;

    #[test]
    fn files_that_rsyslog_reads() {
        let of = |text: &str| log_forwarding(&Fake::read(text));
        let folder = "=== /etc/rsyslog.d/10.conf\n# *.* @@old\n*.* @@logs.example.com:6514\n";
        let includes = "=== /etc/rsyslog.conf\nmodule(load=\"imuxsock\")\n$IncludeConfig /etc/rsyslog.d/*.conf\n";
        assert_eq!(of(&format!("{folder}{includes}")), ["/etc/rsyslog.d/10.conf"]);
        assert!(
            of(folder).is_empty()
                && of(&format!("{folder}=== /etc/rsyslog.conf\n# $IncludeConfig /etc/rsyslog.d/*.conf\n")).is_empty()
        );
        let other = "=== /etc/rsyslog.d/10.conf.bak\n*.* @@logs.example.com\n";
        assert!(of(&format!("{other}{includes}")).is_empty(), "rsyslog does not read it");
        assert_eq!(of("=== /etc/rsyslog.conf\n*.* @@logs\n"), ["/etc/rsyslog.conf"]);
    }
}
