//! Files of container daemons: who may read and change them.

use crate::node::account::Accounts;
use crate::node::expected::{self, Expected};
use crate::node::mode::{Excess, FileFacts, FileKind, shell};
use crate::node::{Node, Read};
use crate::rule::{
    About, Evidence, Judges, NoParams, NodeCheck, NodeExample, NodeRule, Results, Rule, Severity, node_without_params,
    params,
};
use std::collections::BTreeSet;

pub static RULE: Rule = Rule {
    id: "node-files",
    title: "Only root can change the files of container daemons, and read their keys",
    docs: "Units, settings, certificates, keys and sockets of docker, containerd, cri-o, podman and the kubelet. A user who can write one \
of them, or put another file in its place, is root on the node: the daemon runs what they say. A user who can read a key can speak to the \
daemon.\n\n\
Modes are compared bit by bit: 0604 is no milder than 0640. A link counts as the file that it leads to, an ACL as much as the mode, and \
all folders above must be closed for others. So must be the folders in which daemons and systemd look for more files, such as drop-ins. A file \
of registries with a private key in it counts as a key, whatever it is called. A socket that does not exist yet counts as systemd's unit will \
make it: without `SocketMode`, every user may connect. A user's socket of podman must be in a folder that only this user enters.",
    why: "a user who can change these files, or read the keys, controls every container of the node",
    owasp: &[37, 38, 39, 40, 41, 42, 43, 44, 51, 52, 86, 87, 88, 89, 90, 91, 92, 93],
    severity: Severity::High,
    params: params::<NoParams>,
    judges: Judges::Node(NodeRule {
        compile: node_without_params::<NodeFiles>,
        instead: "give the files to root, and take the rights of others away",
        examples: &[
            NodeExample {
                name: "all as docker.io installs it",
                params: "",
                host: "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd -H fd://\n\
=== /usr/lib/systemd/system/docker.socket\n[Socket]\nListenStream=/run/docker.sock\nSocketMode=0660\n\
=== /etc/docker/daemon.json\n{}\n=== /run/docker.sock 0:101 0660 socket\n=== /etc/group\ndocker:x:101:\n=== /etc/passwd\nroot:x:0:0::/root:/bin/sh\n",
                results: &[
                    "pass /usr/lib/systemd/system/docker.service",
                    "pass /usr/lib/systemd/system/docker.socket",
                    "pass /etc/docker",
                    "pass /run/docker.sock",
                    "pass /etc/docker/daemon.json",
                ],
            },
            NodeExample {
                name: "settings that others may change, by the mode, the owner, and the folder of a link",
                params: "",
                host: "=== /usr/lib/systemd/system/docker.service 1000:0\n[Service]\nExecStart=/usr/bin/dockerd\n\
=== /data 0777 folder\n=== /data/daemon.json\n{}\n=== /etc/docker/daemon.json link /data/daemon.json\n=== /run/docker.sock 0666 socket\n\
=== /var/run link /run\n=== /etc/default/docker 0602\n",
                results: &[
                    "fail /usr/lib/systemd/system/docker.service",
                    "fail /var/run/docker.sock",
                    "fail /etc/docker/daemon.json",
                    "fail /etc/default/docker",
                ],
            },
            NodeExample {
                name: "a key that the group reads",
                params: "",
                host: "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd --tlsverify --tlskey=/k.pem --tlscert=/c.pem \
--tlscacert=/ca.pem -H tcp://0.0.0.0:2376\n=== /k.pem 0440\n=== /c.pem 0444\n=== /ca.pem 0444\n",
                results: &["fail /k.pem", "pass /c.pem", "pass /ca.pem"],
            },
            NodeExample {
                name: "folders into which others may put a drop-in, settings, or the certificate of a registry",
                params: "",
                host: "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd\nEnvironmentFile=-/opt/env\n=== /opt/env 0666\n\
=== /usr/lib/systemd/system/containerd.service\n[Service]\nExecStart=/usr/bin/containerd --config=/srv/c/config.toml\n\
=== /srv/c 0777 folder\n=== /etc/systemd/system 0777 folder\n=== /etc/systemd/system/docker.service.d 0777 folder\n=== /etc/default 0777 folder\n\
=== /etc/docker/certs.d 0777 folder\n",
                results: &[
                    "fail /opt/env",
                    "fail /srv/c",
                    "fail /etc/systemd/system",
                    "fail /etc/systemd/system/docker.service.d",
                    "fail /etc/default/docker",
                    "fail /etc/docker/certs.d",
                ],
            },
            NodeExample {
                name: "folders of imports, of cri-o, podman and static pods",
                params: "",
                host: "=== /usr/lib/systemd/system/containerd.service\n[Service]\nExecStart=/usr/bin/containerd\n=== /etc/containerd/config.toml\n\
version = 3\nimports = [\"conf.d/*.toml\", \"/opt/c/*.toml\"]\n=== /etc/containerd/conf.d 0777 folder\n=== /opt/c 1000:1000 folder\n\
=== /usr/lib/systemd/system/crio.service\n[Service]\nExecStart=/usr/bin/crio\n=== /etc/crio/crio.conf.d 0777 folder\n\
=== /usr/bin/podman\n=== /etc/containers/containers.conf.d 0777 folder\n=== /etc/containers/registries.conf.d folder\n\
=== /proc/9/status\nName: kubelet\n=== /proc/9/cmdline\nkubelet --config=/c.yaml\n=== /c.yaml 0600\nstaticPodPath: /pods\n=== /pods 0777 folder\n",
                results: &[
                    "pass /etc/containerd/config.toml",
                    "fail /etc/containerd/conf.d",
                    "fail /opt/c",
                    "fail /etc/crio/crio.conf.d",
                    "fail /etc/containers/containers.conf.d",
                    "pass /etc/containers/registries.conf.d",
                    "fail /pods",
                ],
            },
            NodeExample {
                name: "keys of registries by other names, and by what is in them",
                params: "",
                host: "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd\n\
=== /etc/docker/certs.d/r.example.com/CLIENT.KEY\n=== /etc/docker/certs.d/r.example.com/client.key.pem\n\
=== /etc/docker/certs.d/r.example.com/client.cert 0444\n-----BEGIN CERTIFICATE-----\n-----BEGIN EC PRIVATE KEY-----\n\
=== /etc/docker/certs.d/r.example.com/ca.crt 0444\n-----BEGIN CERTIFICATE-----\n=== /etc/docker/certs.d/r.example.com/notes.txt\n",
                results: &[
                    "fail /etc/docker/certs.d/r.example.com/CLIENT.KEY",
                    "fail /etc/docker/certs.d/r.example.com/client.key.pem",
                    "fail /etc/docker/certs.d/r.example.com/client.cert",
                    "pass /etc/docker/certs.d/r.example.com/ca.crt",
                    "pass /etc/docker/certs.d/r.example.com/notes.txt",
                ],
            },
            NodeExample {
                name: "sockets of podman: another one of root, and those of users in a closed folder and in an open one",
                params: "",
                host: "=== /usr/bin/podman\n=== /usr/lib/systemd/system/podman.socket\n[Socket]\nListenStream=/srv/podman.sock\n=== /srv/podman.sock 0666 socket\n\
=== /etc/passwd\nann:x:1000:1000::/home/ann:\nbob:x:1001:1001::/home/bob:\n=== /etc/group\nann:x:1000:\nbob:x:1001:\n\
=== /run/user/1000 1000:1000 0700 folder\n=== /run/user/1000/podman 1000:1000 folder\n=== /run/user/1000/podman/podman.sock 1000:1000 0660 socket\n\
=== /home/bob 1001:1001 folder\n=== /home/bob/podman.sock 1001:1001 0660 socket\n=== /proc/1/net/unix\nh\n\
0: 00000002 00000000 00010000 0001 01 99 /run/user/1000/podman/podman.sock\n0: 00000002 00000000 00010000 0001 01 98 /home/bob/podman.sock\n",
                results: &[
                    "fail /srv/podman.sock",
                    "pass /run/user/1000/podman/podman.sock",
                    "fail /home/bob/podman.sock",
                ],
            },
            NodeExample {
                name: "no daemon",
                params: "",
                host: "=== /etc/passwd\nroot:x:0:0::/root:/bin/sh\n",
                results: &["notApplicable container daemons"],
            },
            NodeExample {
                name: "folders that cannot be read",
                params: "",
                host: "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd\n=== /etc/docker/certs.d denied\n\
=== /proc/9/status\nName: kubelet\n=== /proc/9/cmdline\nkubelet\n=== /var/lib/kubelet/pki denied\n",
                results: &["unknown /etc/docker/certs.d", "unknown /var/lib/kubelet/pki"],
            },
            NodeExample {
                name: "a link in a folder that others may change, a folder with an ACL, and a registry's file of another name",
                params: "",
                host: "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd --config-file=/open/daemon.json\n\
=== /open 0777 folder\n=== /open/daemon.json link /srv/docker/daemon.json\n=== /srv/docker 0775 folder acl user:1000:rwx\n=== /srv/docker/daemon.json\n{}\n\
=== /etc/docker/certs.d/r.example.com/client.key.bak 1000:1000 0644\nx\n",
                results: &["fail /open/daemon.json", "fail /etc/docker/certs.d/r.example.com/client.key.bak"],
            },
        ],
    }),
};

/// The check of `node-files`.
#[derive(Default)]
struct NodeFiles;

impl NodeCheck for NodeFiles {
    fn check(&self, node: &Node, results: &mut Results) {
        let expected = expected::files(node);
        if expected.is_empty() {
            let about = About::new("container daemons", &[]);
            results.not_applicable(
                about,
                "no unit and no process of docker, containerd, cri-o, podman or the kubelet is there",
            );
        }
        let of_kubelets = node.kubelet.iter().map(|kubelet| (&kubelet.name, &kubelet.config));
        let of_dockers = node.docker.iter().map(|docker| (&docker.name, &docker.config));
        let others = node.containerd.iter().chain(&node.crio).chain(&node.podman);
        let of_others = others.map(|daemon| (&daemon.name, &daemon.config));
        for (name, config) in of_kubelets.chain(of_dockers).chain(of_others) {
            // Its settings may name other files than those below.
            results.doubtful(About::new(name, &[]), config);
        }
        // The files in them may be anybody's.
        let unread = node.folders.iter().filter_map(|(folder, read)| Some((folder, read.unknown()?)));
        for (folder, why) in unread {
            results.unknown(About::new(folder, &[]), format!("the folder {why}"));
        }
        let names: BTreeSet<&str> = expected.iter().map(|file| file.path.as_str()).collect();
        for file in &expected {
            judge(node, file, &names, results);
        }
    }
}

fn judge(node: &Node, file: &Expected, names: &BTreeSet<&str>, results: &mut Results) {
    let about = About { subject: &file.path, owasp: file.owasp, cis: file.cis };
    let planned = node.planned_sockets.get(&file.path);
    let facts = match node.file(&file.path) {
        None | Some(Read::Absent) => match planned {
            Some(planned) => &planned.facts,
            None => return absent(node, file, names, results),
        },
        Some(Read::Is(facts)) => facts,
        Some(other) => return results.unknown(about, format!("{} {}", file.what, other.unknown().unwrap_or_default())),
    };
    if !node.host_ids {
        return results.unknown(about, "podreeve runs in a user namespace, in which owners are not those of the host");
    }
    let source = planned.map_or(&facts.path, |planned| &planned.source);
    let accounts = node.accounts.is().cloned().unwrap_or_default();
    let all = excess(file, facts, &accounts);
    let Some(worst) = all.iter().max_by_key(|excess| excess.grave) else {
        let unread = node.private_keys.get(&file.path).filter(|_| !file.is_key).and_then(Read::unknown);
        if let Some(why) = unread {
            return results.unknown(about, format!("it may have a key in it, and {why}"));
        }
        let hidden =
            facts.hidden_by(&file.max).map(|folder| format!(", hidden by {}", folder.path)).unwrap_or_default();
        let (user, group) = (accounts.user(facts.access.uid), accounts.group(facts.access.gid));
        let found = format!("{user}:{group} {:04o}{hidden}", facts.access.mode);
        return results.pass(about, Evidence::new(found, source));
    };
    let found: Vec<&str> = all.iter().map(|excess| excess.found.as_str()).collect();
    let wanted: Vec<&str> = all.iter().map(|excess| excess.wanted.as_str()).collect();
    let fix = repair(node, file, facts, &all);
    let severity = if worst.grave { Severity::High } else { Severity::Low };
    // The benchmarks have one item for the owner and one for the mode.
    let (owner, mode) = (all.iter().any(|excess| excess.is_owner), all.iter().any(|excess| !excess.is_owner));
    let cis = match file.cis {
        [of_owner, _] if owner && !mode => std::slice::from_ref(of_owner),
        [_, of_mode] if mode && !owner => std::slice::from_ref(of_mode),
        both => both,
    };
    let about = About { cis, ..about };
    results.fail(about, severity, Evidence::new(found.join(", "), source), wanted.join(", "), fix);
}

/// All ways in which others may do more with a file than they should.
fn excess(file: &Expected, facts: &FileFacts, accounts: &Accounts) -> Vec<Excess> {
    let mut all = if file.is_place {
        facts.place_excess(file.max.uid, accounts)
    } else {
        facts.excess(&file.max, accounts, file.is_key)
    };
    if file.what == expected::USER_SOCKET && !facts.is_in_closed_folder(file.max.uid) {
        all.push(Excess {
            found: "no folder above is closed to others".to_owned(),
            wanted: "a folder of mode 0700 above".to_owned(),
            grave: true,
            is_owner: false,
            repair: format!("chmod 0700 {}", shell(expected::above(&facts.path).next().unwrap_or("/"))),
            moved: None,
        });
    }
    all
}

fn repair(node: &Node, file: &Expected, facts: &FileFacts, all: &[Excess]) -> String {
    let moved = all.iter().find_map(|excess| excess.moved.clone());
    match (moved, node.planned_sockets.get(&file.path)) {
        (_, Some(planned)) => expected::planned_repair(planned, &file.max),
        _ if facts.read_only => "the file system is read-only: change the image of the host".to_owned(),
        (Some(moved), None) => moved,
        (None, None) => {
            let commands: Vec<&str> = all.iter().map(|excess| excess.repair.as_str()).collect();
            expected::lasting(node, file, &commands.join(" && "))
        }
    }
}

/// A file that is not there: only its owner may put one in its place.
fn absent(node: &Node, file: &Expected, names: &BTreeSet<&str>, results: &mut Results) {
    let about = About { subject: &file.path, owasp: file.owasp, cis: file.cis };
    let nearest = expected::above(&file.path)
        .find_map(|folder| node.file(folder).and_then(Read::is).map(|facts| (folder, facts)));
    // A folder that is in the list itself has a result of its own.
    let judged =
        nearest.filter(|(folder, facts)| node.host_ids && !names.contains(folder) && facts.kind == FileKind::Folder);
    let accounts = node.accounts.is().cloned().unwrap_or_default();
    let all = judged.map(|(_, facts)| facts.place_excess(file.max.uid, &accounts)).unwrap_or_default();
    if let (Some(excess), Some((_, facts))) = (all.first(), judged) {
        let found = format!("{} does not exist, and {}", file.what, excess.found);
        let fix = if facts.read_only {
            "the file system is read-only: change the image of the host".to_owned()
        } else {
            excess.moved.clone().unwrap_or_else(|| excess.repair.clone())
        };
        results.fail(about, Severity::High, Evidence::new(found, &facts.path), excess.wanted.clone(), fix);
    } else if !file.is_place {
        results.not_applicable(about, format!("{} does not exist", file.what));
    }
}
