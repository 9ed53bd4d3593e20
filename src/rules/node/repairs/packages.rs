//! What differs between distributions: how packages are installed, and how users leave groups.

use crate::node::Node;
use crate::node::account::Accounts;
use crate::node::mode::shell;

/// What installs packages.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Packages {
    Apt,
    Dnf,
    Zypper,
    Apk,
    Pacman,
    /// The host is an image, which has no packages of its own.
    Image,
    Unknown,
}

fn packages(node: &Node) -> Packages {
    let Some(os) = node.os.is() else { return Packages::Unknown };
    let of = |id: &str| match id {
        "talos" | "bottlerocket" | "cos" | "flatcar" | "rhcos" | "nixos" | "sle-micro" | "sl-micro"
        | "opensuse-microos" => Some(Packages::Image),
        "debian" | "ubuntu" => Some(Packages::Apt),
        "rhel" | "fedora" | "centos" | "rocky" | "almalinux" | "ol" | "amzn" => Some(Packages::Dnf),
        "sles" | "suse" | "opensuse" | "opensuse-leap" | "opensuse-tumbleweed" => Some(Packages::Zypper),
        "alpine" => Some(Packages::Apk),
        "arch" => Some(Packages::Pacman),
        _ => None,
    };
    // Its own name first, and then those that it is like.
    let like = os.id_like.split_ascii_whitespace();
    [os.id.as_str()].into_iter().chain(like).find_map(of).unwrap_or(Packages::Unknown)
}

/// Whether OpenRC starts the services.
pub fn has_open_rc(node: &Node) -> bool {
    packages(node) == Packages::Apk
}

/// The command that upgrades the package of a program.
pub fn upgrade(node: &Node, product: &str, program: Option<&str>) -> String {
    let path = program.filter(|path| path.starts_with('/')).map(shell);
    match (packages(node), path) {
        // The package has another name in each repository, such as docker.io and docker-ce.
        (Packages::Apt, Some(path)) => format!("apt-get install --only-upgrade \"$(dpkg -S {path} | cut -d: -f1)\""),
        (Packages::Dnf, Some(path)) => format!("dnf upgrade \"$(rpm -qf --qf '%{{NAME}}' {path})\""),
        (Packages::Zypper, Some(path)) => format!("zypper update \"$(rpm -qf --qf '%{{NAME}}' {path})\""),
        (Packages::Pacman, _) => "pacman -Syu".to_owned(),
        (Packages::Apk, _) => format!("apk upgrade {}", if product == "crio" { "cri-o" } else { product }),
        (Packages::Image, _) => format!("update the image of the host, which has {product} in it"),
        _ => format!("upgrade the package of {product}"),
    }
}

/// The command that installs and starts the audit system, or that starts it.
pub fn audit_system(node: &Node) -> String {
    let start = "systemctl enable --now auditd";
    let is_there = node.units.contains_key("auditd.service");
    match packages(node) {
        Packages::Apk => "apk add audit && rc-update add auditd && rc-service auditd start".to_owned(),
        _ if is_there => start.to_owned(),
        Packages::Apt => format!("apt-get install -y auditd && {start}"),
        Packages::Dnf => format!("dnf install -y audit && {start}"),
        Packages::Zypper => format!("zypper --non-interactive install audit && {start}"),
        Packages::Pacman => format!("pacman -S --noconfirm audit && {start}"),
        Packages::Image => "the host is an image without auditd: record changes with falco or tetragon, and name it in the parameter `monitor`".to_owned(),
        Packages::Unknown => "install auditd, and start it".to_owned(),
    }
}

/// Whether the host is an image, which has no packages of its own.
pub fn is_image(node: &Node) -> bool {
    packages(node) == Packages::Image
}

/// How a security module is switched on, which no single command does.
pub fn security_module(node: &Node) -> String {
    let has = |argument: &str| node.kernel.arguments.split_ascii_whitespace().any(|own| own == argument);
    if let Some(off) = ["apparmor=0", "selinux=0"].into_iter().find(|off| has(off)) {
        return format!("remove {off} from the kernel's arguments, and restart the host");
    }
    let apparmor = |install: &str| {
        format!(
            "{install}, add apparmor=1 security=apparmor to the kernel's arguments, and restart the host; the kernel needs CONFIG_SECURITY_APPARMOR"
        )
    };
    match packages(node) {
        Packages::Apt => apparmor("apt-get install apparmor"),
        Packages::Zypper => apparmor("zypper install -t pattern apparmor"),
        Packages::Apk => apparmor("apk add apparmor"),
        Packages::Pacman => apparmor("pacman -S apparmor"),
        Packages::Dnf => "dnf install selinux-policy-targeted, set SELINUX=permissive in /etc/selinux/config, run fixfiles -F onboot, and \
restart the host; set SELINUX=enforcing once its log has no more denials"
            .to_owned(),
        Packages::Image => "use an image of the host whose kernel has AppArmor or SELinux switched on".to_owned(),
        Packages::Unknown => "install AppArmor or SELinux, switch it on in the kernel's arguments, and restart the host".to_owned(),
    }
}

/// The command that takes a user out of a group, by its name or number. A primary group is exchanged for another.
pub fn remove_member(node: &Node, accounts: &Accounts, user: &str, group: &str) -> Vec<String> {
    let is_it = |found: &&crate::node::account::Group| found.name == group || group.parse() == Ok(found.gid);
    let Some(gid) = accounts.groups.iter().find(is_it).map(|found| found.gid) else { return Vec::new() };
    let quoted = shell(user);
    let mut commands = Vec::new();
    if accounts.users.iter().any(|found| found.name == user && found.gid == gid) {
        let other = |name: &str| accounts.groups.iter().any(|found| found.name == name && found.gid != gid);
        commands.push(match () {
            () if other(user) => format!("usermod -g {quoted} {quoted}"),
            () if packages(node) == Packages::Apk => format!("addgroup -S {quoted} && usermod -g {quoted} {quoted}"),
            () => format!("groupadd {quoted} && usermod -g {quoted} {quoted}"),
        });
    }
    // Two groups may have one number.
    let listed =
        accounts.groups.iter().filter(|found| found.gid == gid && found.members.iter().any(|name| name == user));
    commands.extend(listed.map(|found| match packages(node) {
        Packages::Apk => format!("delgroup {quoted} {}", shell(&found.name)),
        _ => format!("gpasswd -d {quoted} {}", shell(&found.name)),
    }));
    commands
}
