//! The words by which a command line is followed to the program that it runs. All are in lower case and without `.exe`.

/// Programs that are SSH servers.
pub const SERVERS: [&str; 5] = ["sshd", "dropbear", "tinysshd", "lshd", "wolfsshd"];

/// Names of services that run an SSH server.
pub const SERVICES: [&str; 9] = [
    "ssh",
    "sshd",
    "openssh",
    "openssh-server",
    "openssh-daemon",
    "openssh-sshd",
    "openssh ssh server",
    "dropbear",
    "tinysshd",
];

/// Programs that run the text after `-c` as a script.
pub const SHELLS: [&str; 9] = ["ash", "bash", "dash", "fish", "ksh", "mksh", "rbash", "sh", "zsh"];

/// Programs that run the text after `/c`, or the whole line, as a script of Windows.
pub const WINDOWS_SHELLS: [&str; 3] = ["cmd", "powershell", "pwsh"];

/// Names of entry points, which run their arguments. Scripts (`.sh` and the like) do so as well.
pub const ENTRIES: [&str; 9] =
    ["boot", "init", "launch", "my_init", "run", "s6-init", "start", "wait-for", "wait-for-it"];

/// Programs that may mention `sshd` in their arguments without running it.
pub static READERS: &[&str] = &[
    "[",
    "[[",
    "addgroup",
    "adduser",
    "apk",
    "apt",
    "apt-get",
    "awk",
    "basename",
    "cat",
    "cd",
    "chgrp",
    "chmod",
    "chown",
    "cp",
    "curl",
    "dirname",
    "dnf",
    "docker",
    "dpkg",
    "echo",
    "egrep",
    "export",
    "fgrep",
    "file",
    "find",
    "getcap",
    "getent",
    "git",
    "grep",
    "groupadd",
    "hash",
    "head",
    "id",
    "install",
    "kill",
    "killall",
    "kubectl",
    "ldd",
    "less",
    "ln",
    "ls",
    "man",
    "microdnf",
    "mkdir",
    "mv",
    "pgrep",
    "pidof",
    "pkill",
    "podman",
    "printf",
    "ps",
    "readlink",
    "realpath",
    "rm",
    "rmdir",
    "rpm",
    "scp",
    "sed",
    "setcap",
    "sftp",
    "sha256sum",
    "ssh",
    "stat",
    "strings",
    "tail",
    "tar",
    "test",
    "touch",
    "type",
    "useradd",
    "userdel",
    "usermod",
    "wget",
    "whereis",
    "which",
    "yum",
    "zypper",
];

/// How a service manager is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// `systemctl start ssh`
    VerbThenName,
    /// `service ssh start`
    NameThenVerb,
    /// `Start-Service sshd`, `runsv /etc/service/sshd`
    Name,
    /// `s6-svc -u /run/service/sshd`: the name, and an option with one of these letters.
    Option(&'static str),
    /// `Start-Process sshd.exe`: the program, anywhere in the line.
    Program,
}

pub static MANAGERS: &[(&str, Order)] = &[
    ("chkconfig", Order::NameThenVerb),
    ("initctl", Order::VerbThenName),
    ("invoke-rc.d", Order::NameThenVerb),
    ("monit", Order::VerbThenName),
    ("net", Order::VerbThenName),
    ("pm2", Order::VerbThenName),
    ("rc-service", Order::NameThenVerb),
    ("rc-update", Order::VerbThenName),
    ("restart-service", Order::Name),
    ("runsv", Order::Name),
    ("s6-rc", Order::Option("u")),
    ("s6-supervise", Order::Name),
    ("s6-svc", Order::Option("uortT")),
    ("saps", Order::Program),
    ("sasv", Order::Name),
    ("sc", Order::VerbThenName),
    ("service", Order::NameThenVerb),
    ("servicemonitor", Order::Name),
    ("set-service", Order::Name),
    ("start", Order::Program),
    ("start-process", Order::Program),
    ("start-service", Order::Name),
    ("supervise", Order::Name),
    ("supervisorctl", Order::VerbThenName),
    ("supervisord", Order::Name),
    ("sv", Order::VerbThenName),
    ("svc", Order::Option("uot")),
    ("systemctl", Order::VerbThenName),
    ("update-rc.d", Order::NameThenVerb),
];

/// Verbs that start a service, now or at the next start.
pub const STARTS: [&str; 18] = [
    "add",
    "condrestart",
    "defaults",
    "enable",
    "force-reload",
    "forcestart",
    "on",
    "once",
    "onerestart",
    "onestart",
    "reenable",
    "reload",
    "reload-or-restart",
    "restart",
    "start",
    "try-restart",
    "try-reload-or-restart",
    "up",
];

/// Verbs that do not start a service.
pub const STOPS: [&str; 6] = ["disable", "disabled", "down", "status", "stop", "stopped"];
