//! rsyslog on a host: which of its files send logs to another host.

use super::glob::glob;
use super::{Host, text};
use crate::node::rsyslog::{Forwarding, Rsyslog};

const FILE: &str = "/etc/rsyslog.conf";

/// What rsyslog sends to another host. `node` is the host's own name.
pub fn log_forwarding(host: &dyn Host, node: &str) -> Forwarding {
    let main = text(host, FILE);
    let Some(main) = main.is() else { return Forwarding::default() };
    let mut rsyslog = Rsyslog::new(node);
    rsyslog.add(FILE, main, &|pattern| {
        // A pattern finds no hidden file.
        let paths = glob(host, pattern).paths.into_iter().filter(|path| !path.contains("/."));
        paths.filter_map(|path| text(host, &path).is().map(|content| (path, content.clone()))).collect()
    });
    rsyslog.forwarding()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::Fake;

    #[test]
    fn files_that_rsyslog_reads() {
        let of = |text: &str| log_forwarding(&Fake::read(text), "n1").journal;
        let folder = "=== /etc/rsyslog.d/10.conf\n# *.* @@old\n*.* @@logs.example.com:6514\n";
        let includes = "=== /etc/rsyslog.conf\nmodule(load=\"imuxsock\")\n$IncludeConfig /etc/rsyslog.d/*.conf\n";
        assert_eq!(of(&format!("{folder}{includes}")), ["/etc/rsyslog.d/10.conf"]);
        assert!(
            of(folder).is_empty()
                && of(&format!("{folder}=== /etc/rsyslog.conf\n# $IncludeConfig /etc/rsyslog.d/*.conf\n")).is_empty()
        );
        let other = "=== /etc/rsyslog.d/10.conf.bak\n*.* @@logs.example.com\n";
        assert!(of(&format!("{other}{includes}")).is_empty(), "rsyslog does not read it");
        let other =
            "=== /etc/rsyslog.conf\n$IncludeConfig /etc/rsyslog.d/20-*.conf\n$IncludeConfig /etc/rsyslog.d/*.off\n";
        assert!(of(&format!("{folder}{other}")).is_empty(), "no pattern has it");
        let loops = "=== /etc/Own.conf\n*.* @@logs\n$IncludeConfig /etc/Own.conf\n=== /etc/rsyslog.conf\ninclude(file=\"/etc/O*.conf\")\n";
        assert_eq!(of(loops), ["/etc/Own.conf"]);
        assert_eq!(of("=== /etc/rsyslog.conf\n*.* @@logs\n"), ["/etc/rsyslog.conf"]);
    }
}
