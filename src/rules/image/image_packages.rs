//! Packages that a program does not need to run.

use crate::image::{ImageFacts, Part, Parts, Place};
use crate::rule::{
    Finding, ImageCheck, ImageExample, ImageFindings, ImageRule, Judges, Rule, Severity, compile_image, params,
};
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "image-packages",
    title: "Images have only the packages that their program needs",
    docs: "Every package can have vulnerabilities, and an intruder uses what is there. The rule reports packages on a list (`deny`): \
servers for remote shells, `sudo`, and programs that scan networks and read the memory of others; SSH servers, also where no \
package manager installed them; package managers, with which an intruder installs the rest; and more than `max` packages.\n\n\
Packages of dpkg, apk and rpm (in SQLite) are read, also where the package manager itself is gone. A database that \
podreeve cannot read (rpm's Berkeley DB and ndb) is reported as a warning, since its packages are unknown.\n\n\
Begin with a small base, such as one without a distribution; in a build with stages, copy only the program into the last one. \
`managers: false` allows package managers.",
    why: "each package that is not needed brings vulnerabilities, and an intruder uses its programs",
    owasp: &[2, 54, 61],
    severity: Severity::Medium,
    params: params::<ImagePackages>,
    judges: Judges::Image(ImageRule {
        compile: compile_image::<ImagePackages>,
        instead: "leave the package out of the last stage of the build, or begin that stage with a smaller base",
        examples: &[
            ImageExample::bad(
                "sudo and a scanner of networks",
                r#"{"content":{"packages":[{"name":"libc6","version":"2"},{"name":"nmap","version":"7"},{"name":"sudo","version":"1"}]}}"#,
                &["packages[nmap]", "packages[sudo]"],
            ),
            ImageExample::bad(
                "a package manager",
                r#"{"content":{"packageManagers":[{"name":"apt-get","path":"usr/bin/apt-get","layer":0}]}}"#,
                &["layers[0]/usr/bin/apt-get"],
            ),
            ImageExample::bad(
                "an SSH server",
                r#"{"content":{"sshServers":[{"name":"sshd","path":"usr/sbin/sshd","layer":1}]}}"#,
                &["layers[1]/usr/sbin/sshd"],
            ),
            ImageExample::bad(
                "too many packages",
                r#"{"content":{"packages":[{"name":"a","version":"1"},{"name":"b","version":"1"}]}}"#,
                &["image"],
            )
            .params(r#"{"max":1}"#),
            ImageExample::bad(
                "a package on a list of one's own",
                r#"{"content":{"packages":[{"name":"sudo","version":"1"},{"name":"perl","version":"5"}]}}"#,
                &["packages[perl]"],
            )
            .params(r#"{"deny":["perl"]}"#),
            ImageExample::good("only what is needed", "{}").params(r#"{"max":1}"#),
            ImageExample::good(
                "an allowed package manager",
                r#"{"content":{"packageManagers":[{"name":"apk","path":"sbin/apk","layer":0}]}}"#,
            )
            .params(r#"{"managers":false}"#),
            ImageExample::good("layers that are not read", r#"{"content":null}"#).params(r#"{"max":0}"#),
        ],
    }),
};

/// The packages that no program needs to run, under the names of Debian, Alpine and Red Hat.
const DENY: &[&str] = &[
    "dropbear",
    "dropbear-bin",
    "dropbear-ssh",
    "doas",
    "gdb",
    "hydra",
    "inetutils-telnetd",
    "ncat",
    "netcat-openbsd",
    "netcat-traditional",
    "nmap",
    "nmap-ncat",
    "openssh-server",
    "rsh-redone-server",
    "rsh-server",
    "socat",
    "strace",
    "sudo",
    "tcpdump",
    "telnet-server",
    "telnetd",
    "tshark",
    "wireshark-cli",
];

/// Those of them that are SSH servers.
const SSH: &[&str] = &["dropbear", "dropbear-bin", "dropbear-ssh", "openssh-server"];
/// The items of what is no SSH server.
const WITHOUT_SSH: &[u8] = &[2, 54];

/// Parameters of `image-packages`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct ImagePackages {
    /// Names of packages that are reported. Default: remote shells, `sudo`, and programs that scan, trace and listen.
    deny: Option<Vec<String>>,
    /// The most packages. Default: any number.
    max: Option<usize>,
    /// Whether package managers are reported. Default: true.
    managers: bool,
}

impl Default for ImagePackages {
    fn default() -> Self {
        Self { deny: None, max: None, managers: true }
    }
}

impl ImagePackages {
    fn denies(&self, name: &str) -> bool {
        match &self.deny {
            Some(names) => names.iter().any(|denied| denied == name),
            None => DENY.contains(&name),
        }
    }
}

impl ImageCheck for ImagePackages {
    fn parts(&self) -> Parts {
        // Programs that are SSH servers are always reported.
        let packages = self.max.is_some() || self.deny.as_ref().is_none_or(|names| !names.is_empty());
        Parts::of(if packages { &[Part::Packages, Part::Programs] } else { &[Part::Programs] })
    }

    fn check<'i>(&self, image: &'i ImageFacts, _: Date, findings: &mut ImageFindings<'i>) {
        let Some(content) = &image.content else { return };
        if let Some(max) = self.max.filter(|max| content.packages.len() > *max) {
            let found = format!("{} packages", content.packages.len());
            findings.push(Finding::new(Place::Image, found, format!("at most {max}")).items(WITHOUT_SSH));
        }
        for package in content.packages.iter().filter(|package| self.denies(&package.name)) {
            let found = format!("{} {}", package.name, package.version);
            let finding = Finding::new(Place::Package(&package.name), found, "an image without this package");
            let is_ssh = SSH.contains(&package.name.as_str());
            findings.push(if is_ssh { finding } else { finding.items(WITHOUT_SSH) });
        }
        let servers = content.ssh_servers.iter().map(|tool| (tool, "an SSH server", Severity::High));
        let managers = content.package_managers.iter().filter(|_| self.managers);
        let managers = managers.map(|tool| (tool, "a package manager", RULE.severity));
        for (tool, what, severity) in servers.chain(managers) {
            let at = Place::File { layer: tool.layer, path: &tool.path };
            let finding = Finding::new(at, format!("{}, {what}", tool.name), format!("an image without {what}"));
            let finding = finding.severity(severity);
            findings.push(if severity == Severity::High { finding } else { finding.items(WITHOUT_SSH) });
        }
    }
}
