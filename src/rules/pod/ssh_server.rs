//! SSH servers in containers: port 22, or the program itself.

mod image;
mod line;
mod script;
mod server;
mod services;
#[cfg(test)]
mod tests;
mod words;

use crate::rule::{
    Check, Example, Finding, Findings, Fix, Judges, Location, NoParams, PodRule, Rule, Severity, params, without_params,
};
use crate::workload::{Container, Pod, PodFeatures, Text};
pub use image::started as started_by_image;
use server::{Hit, Server};

pub static RULE: Rule = Rule {
    id: "ssh-server",
    title: "No SSH server runs in a container",
    docs: "An SSH server is a second way into the container, with users, keys and logs of its own that the cluster \
does not know. A container must not declare port 22 (`containerPort` or `hostPort`) nor probe it, nor run `sshd`, \
`dropbear` or another SSH server in its `command`, `args`, probes or lifecycle handlers: as the program, under any \
path and in any multi-call binary; behind entry points and wrappers such as `tini`, `env`, `nice` or `sudo`; in the \
scripts of `sh -c`, `cmd /c` and `powershell -Command`; as an init script (`/etc/init.d/ssh start`) or as a service \
(`service ssh start`, `systemctl`, `rc-service`, `s6-svc`, `Start-Service` and the like).\n\n\
Where podreeve knows the image, its `ENTRYPOINT` and `CMD` count, unless the pod has its own, and so does `EXPOSE 22`. An SSH server \
that lies in the image is audited.\n\n\
The rule does not see what a script computes while it runs. So it catches \
mistakes, not attackers: it does not see a renamed binary, a script inside the image or an encoded command. To keep \
logins out, use NetworkPolicies, and images without an SSH server.\n\n\
Instead, use `kubectl exec`, `kubectl debug` or `kubectl cp`, which RBAC and the audit log cover.",
    why: "an SSH server lets people in past the cluster's authentication, RBAC and audit log",
    owasp: &[61],
    severity: Severity::High,
    params: params::<NoParams>,
    judges: Judges::Pod(PodRule {
        judges_image: true,
        instead: "take the SSH server out of the command, and use `kubectl exec`, `kubectl debug` or `kubectl cp`",
        compile: without_params::<SshServer>,
        examples: &[
            Example::bad(
                "port 22 and a good one",
                r#"{"ports":[{"name":"http","containerPort":8080},{"containerPort":22}]}"#,
                &["ports[1].containerPort"],
            )
            .no_debug(),
            Example::bad(
                "port 22 of the node",
                r#"{"ports":[{"name":"http","containerPort":8080},{"containerPort":2222,"hostPort":22}]}"#,
                &["ports[1].hostPort"],
            )
            .no_debug(),
            Example::bad("as the command", r#"{"command":["/usr/sbin/sshd","-D"]}"#, &["command[0]"]),
            Example::bad("as the first argument", r#"{"args":["dropbear","-F","-p","2222"]}"#, &["args[0]"]),
            Example::bad("behind an entry point", r#"{"command":["/entrypoint.sh"],"args":["sshd"]}"#, &["args[0]"]),
            Example::bad(
                "behind wrappers",
                r#"{"command":["/sbin/tini","-g","--","env","A=b"],"args":["nice","-n","5","/usr/sbin/sshd"]}"#,
                &["args[3]"],
            ),
            Example::bad(
                "in a script",
                r#"{"command":["/bin/sh","-ec"],"args":["mkdir -p /run/sshd && exec /usr/sbin/sshd -D"]}"#,
                &["args[0]"],
            ),
            Example::bad(
                "in a script in a script",
                r#"{"command":["bash","-c","nginx\nsu -c 'A=b \"dropbear\" -F' &"]}"#,
                &["command[2]"],
            ),
            Example::bad(
                "in lifecycle handlers",
                r#"{"lifecycle":{"postStart":{"exec":{"command":["sshd"]}},"preStop":{"exec":{"command":["sh","-c","/usr/sbin/sshd"]}}}}"#,
                &["lifecycle.postStart.exec.command[0]", "lifecycle.preStop.exec.command[2]"],
            )
            .no_debug(),
            Example::bad(
                "behind an entry point, in one list",
                r#"{"command":["/entrypoint.sh","/usr/sbin/sshd","-D"]}"#,
                &["command[1]"],
            ),
            Example::bad(
                "an init script",
                r#"{"command":["sh","-c","/etc/init.d/ssh start; tail -f /dev/null"]}"#,
                &["command[2]"],
            ),
            Example::bad(
                "as a service",
                r#"{"command":["sh","-c"],"args":["service ssh start && sleep infinity"]}"#,
                &["args[0]"],
            ),
            Example::bad("in a multi-call binary", r#"{"command":["dropbearmulti","dropbear","-F"]}"#, &["command[1]"]),
            Example::bad("on Windows", r#"{"command":["cmd","/c","C:\\OpenSSH\\sshd.exe"]}"#, &["command[2]"])
                .spec(r#"{"os":{"name":"windows"}}"#),
            Example::bad(
                "in probes, and a probe of its port",
                r#"{"livenessProbe":{"httpGet":null,"exec":{"command":["sh","-c","pgrep sshd || /usr/sbin/sshd"]}},"readinessProbe":{"httpGet":null,"tcpSocket":{"port":22}},"startupProbe":{"exec":{"command":["service","ssh","start"]}}}"#,
                &["livenessProbe.exec.command[2]", "readinessProbe.tcpSocket.port", "startupProbe.exec.command[1]"],
            )
            .no_debug(),
            Example::good(
                "the word, and not the program",
                r#"{"command":["/bin/sh","-c","pkill sshd; grep sshd /etc/passwd; ssh-keygen -A # sshd"],"args":["sshd"]}"#,
            ),
            Example::good("other programs", r#"{"command":["/bin/ssh-agent"],"args":["--user","sshd","mysshd"]}"#),
            Example::good(
                "other ports",
                r#"{"ports":[{"name":"http","containerPort":2222},{"containerPort":8022,"hostPort":0}]}"#,
            )
            .no_debug(),
            Example::good(
                "a service that is stopped, and probes of other things",
                r#"{"command":["sh","-c","service ssh stop; systemctl disable ssh; exec app"],"livenessProbe":{"httpGet":null,"tcpSocket":{"port":2222}},"readinessProbe":{"httpGet":null,"exec":{"command":["pgrep","sshd"]}}}"#,
            )
            .no_debug(),
            Example::good("no command and no ports", r#"{"command":null,"args":null,"ports":null,"lifecycle":null}"#),
        ],
        ..PodRule::DEFAULT
    }),
};

/// The rule has no parameters.
#[derive(Default)]
struct SshServer;

impl Check for SshServer {
    fn requires(&self) -> PodFeatures {
        PodFeatures::PORTS | PodFeatures::COMMANDS | PodFeatures::LIFECYCLE | PodFeatures::PROBES | PodFeatures::IMAGES
    }

    fn check<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        findings.of_each(pod.all_containers(), |container, findings| {
            let at = Location::container(container);
            ports(container.container, at, findings);
            if let Some(traits) = pod.traits_of(container) {
                image::check(container, traits, findings);
            }
            if let Some((index, server)) = started(container.container) {
                let command = container.command.len();
                let (field, index) = if index < command { ("command", index) } else { ("args", index - command) };
                findings.add(finding(at.key(field, true).index(index), server));
            }
            let probes = container.container.probes().map(|(field, probe)| (at.key(field, true), probe));
            let lifecycle = at.key("lifecycle", true);
            let handlers = container.container.lifecycle_handlers();
            let handlers = handlers.map(|(field, handler)| (lifecycle.key(field, true), handler));
            for (at, handler) in probes.chain(handlers) {
                if let Some((index, server)) = handler.exec.as_ref().and_then(|exec| run(&exec.command)) {
                    findings.add(finding(at.key("exec", true).key("command", true).index(index), server));
                }
                let Some(socket) = &handler.tcp_socket else { continue };
                // The port of another host is not the container's; the rule `host-probes` judges such a probe.
                let elsewhere = socket.host.as_deref().is_some_and(|host| !host.is_empty());
                if socket.port.as_ref().is_some_and(|port| port.text == "22") && !elsewhere {
                    let at = at.key("tcpSocket", true).key("port", true);
                    findings.add(Finding::new(at, "a connection to port 22", "another port, and no SSH server"));
                }
            }
        });
    }

    fn suggest(&self, _pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix) -> bool {
        let (Some(container), at) = (finding.container(), &finding.at) else { return false };
        let here = Location::container(container);
        if let (Some(index), true) = (at.list_index(), at.has_key("ports")) {
            fix.remove(&here.key("ports", true).index(index));
            // A probe by the name of the port would call nothing.
            let name = container.container.ports.get(index).and_then(|port| port.name.as_deref());
            for (field, handler) in container.container.probes() {
                let requests = [&handler.http_get, &handler.tcp_socket, &handler.grpc];
                let ports = requests.into_iter().flatten().filter_map(|request| request.port.as_ref());
                if ports.into_iter().any(|port| Some(&*port.text) == name) {
                    fix.remove(&here.key(field, true));
                }
            }
            return true;
        }
        let probes = ["livenessProbe", "readinessProbe", "startupProbe"].into_iter();
        let handlers = ["postStart", "preStop"].into_iter();
        if let Some(field) = probes.into_iter().find(|field| at.has_key(field)) {
            fix.remove(&here.key(field, true));
        } else if let Some(field) = handlers.into_iter().find(|field| at.has_key(field)) {
            fix.remove(&here.key("lifecycle", true).key(field, true));
        } else {
            return false;
        }
        true
    }
}

fn ports<'p>(container: &Container<'p>, at: Location<'p>, findings: &mut Findings<'p>) {
    for (index, port) in container.ports.iter().enumerate() {
        for (field, value) in [("containerPort", port.container_port), ("hostPort", port.host_port)] {
            if value == Some(22) {
                let at = at.key("ports", true).index(index).key(field, true);
                findings.add(Finding::new(at, format!("{field} 22"), "another port, and no SSH server"));
            }
        }
    }
}

fn finding(at: Location<'_>, server: Server) -> Finding<'_> {
    Finding::new(at, server.to_string(), "no SSH server")
}

/// The word of the container's command line (`command`, then `args`) that runs an SSH server.
fn started(container: &Container<'_>) -> Option<Hit> {
    let (command, args) = (&container.command, &container.args);
    if !command.iter().chain(args).any(|word| mentions_server(word)) {
        return None;
    }
    let words: Vec<&str> = command.iter().chain(args).map(|word| &**word).collect();
    let (command, args) = words.split_at_checked(command.len())?;
    if command.is_empty() {
        return line::find_in_arguments(args);
    }
    // The arguments continue the command, or an entry point may run them.
    line::find(&words, 0).or_else(|| {
        let (index, server) = line::find_in_arguments(args).filter(|_| !line::takes_no_program(command))?;
        Some((command.len() + index, server))
    })
}

/// The word of a handler's command line that runs an SSH server.
fn run(command: &[Text<'_>]) -> Option<Hit> {
    if !command.iter().any(|word| mentions_server(word)) {
        return None;
    }
    line::find(&command.iter().map(|word| &**word).collect::<Vec<_>>(), 0)
}

/// Whether a text contains the name of a server at all. Most texts do not, so this check comes first.
fn mentions_server(text: &str) -> bool {
    let has = |word: &str| text.as_bytes().windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes()));
    ["ssh", "dropbear", "lshd"].into_iter().any(has)
}
