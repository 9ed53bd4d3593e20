//! Repairs of audit rules and of modes keep what is there, and outlast an upgrade.

use super::binary::Dir;
use super::node_disk::Disk;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

const PROGRAM: &str = "usr/bin/dockerd";
const AUDITD: &str = "usr/lib/systemd/system/auditd.service";
const FILE: &str = "etc/audit/audit.rules";
const AUGENRULES: &str = "[Service]\nExecStart=/sbin/auditd\nExecStartPost=-/sbin/augenrules --load\n";
const AUDITCTL: &str = "[Service]\nExecStart=/sbin/auditd\nExecStartPost=-/sbin/auditctl -R /etc/audit/audit.rules\n";

fn disk(name: &str, files: &[(&str, &str)]) -> Disk {
    Disk::new(&format!("repairs-audit-{name}"), &[&[(PROGRAM, "")], files].concat())
}

/// The rules of a file. Empty lines are none.
fn rules(disk: &Disk, path: &str) -> Vec<String> {
    disk.read(path).lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[test]
fn one_file_of_audit_rules_keeps_its_rules() {
    let locked = disk("locked", &[(AUDITD, AUDITCTL), (FILE, "-w /etc/passwd -p wa\n-w /etc/shadow -p wa\n-e 2\n")]);
    let fix = locked.fix("/usr/bin/dockerd");
    assert!(
        fix.ends_with(" # then restart the host: /etc/audit/audit.rules:3 locks the rules that are loaded (-e 2)"),
        "{fix}"
    );
    locked.repair(&["/usr/bin/dockerd"]);
    let wanted = "-w /etc/passwd -p wa\n-w /etc/shadow -p wa\n-w /usr/bin/dockerd -p wa -k containers\n-e 2\n";
    assert_eq!((locked.read(FILE).as_str(), locked.calls().as_str()), (wanted, ""), "nothing can be loaded");
    assert!(!locked.0.0.join("root/etc/audit/rules.d").exists(), "augenrules would make the file of what is in it");

    // The last line of a file may have no end.
    let open = disk("one-file", &[(AUDITD, AUDITCTL), (FILE, "-w /etc/passwd -p wa")]);
    open.repair(&["/usr/bin/dockerd"]);
    assert_eq!(rules(&open, FILE), ["-w /etc/passwd -p wa", "-w /usr/bin/dockerd -p wa -k containers"]);
    assert_eq!(open.calls(), "auditctl -w /usr/bin/dockerd -p wa -k containers\n");

    let no_folder = disk("no-folder", &[(AUDITD, AUGENRULES), (FILE, "-w /etc/passwd -p wa\n")]);
    no_folder.repair(&["/usr/bin/dockerd"]);
    assert!(
        !no_folder.0.0.join("root/etc/audit/rules.d").exists(),
        "without it augenrules loads the file as it stands"
    );
}

#[test]
fn a_folder_of_audit_rules_gets_one_more() {
    let own = "etc/audit/rules.d/a.rules";
    let added = ["-w /usr/bin/dockerd -p wa -k containers"];
    let disk_of = |name: &str, files: &[(&str, &str)]| disk(name, &[&[(AUDITD, AUGENRULES)], files].concat());
    let folder = disk_of("folder", &[(own, "-w /etc/passwd -p wa\n")]);
    folder.repair(&["/usr/bin/dockerd"]);
    assert_eq!(rules(&folder, "etc/audit/rules.d/containers.rules"), added);
    assert_eq!(folder.calls(), "augenrules --load\n");

    let locked = disk_of("folder-locked", &[(own, "-w /etc/passwd -p wa\n-e 2\n")]);
    let fix = locked.fix("/usr/bin/dockerd");
    assert!(fix.contains("&& augenrules # then restart the host: /etc/audit/rules.d/a.rules:2 locks"), "{fix}");
    locked.repair(&["/usr/bin/dockerd"]);

    // What stands in the file alone is lost when it is made again.
    let files = [(own, "-w /etc/passwd -p wa\n"), (FILE, "-w /etc/passwd -p wa\n-w /etc/shadow -p wa\n")];
    let by_hand = disk_of("handwritten", &files);
    let fix = by_hand.fix("/usr/bin/dockerd");
    assert!(fix.ends_with("there (/etc/audit/audit.rules:2) is in /etc/audit/audit.rules.by-hand"), "{fix}");
    by_hand.run(&fix);
    assert_eq!(by_hand.read("etc/audit/audit.rules.by-hand"), "-w /etc/passwd -p wa\n-w /etc/shadow -p wa\n");
    let empty = disk_of("empty", &[("etc/audit/rules.d/README", ""), (FILE, "-w /etc/shadow -p wa\n")]);
    let fix = empty.fix("/usr/bin/dockerd");
    empty.run(&fix);
    empty.run(&fix);
    assert_eq!(empty.read("etc/audit/rules.d/audit.rules"), "-w /etc/shadow -p wa\n");
    assert_eq!(rules(&empty, "etc/audit/rules.d/containers.rules"), added, "auditctl stops at a rule that is there");
}

#[test]
fn rules_for_an_audit_system_that_comes_later() {
    let host = disk("later", &[("proc/1/status", "Name:\tinit\n")]);
    let order: Vec<String> = host.results().iter().filter_map(|one| Some(one["fix"].as_str()?.to_owned())).collect();
    let at = |text: &str| order.iter().position(|fix| fix.contains(text)).expect("a repair");
    assert!(at("apt-get install -y auditd") < at("rules.d/containers.rules"), "{order:#?}");
    host.repair(&["/usr/bin/dockerd"]);
    assert_eq!(rules(&host, "etc/audit/rules.d/containers.rules"), ["-w /usr/bin/dockerd -p wa -k containers"]);
    let old = disk("later-file", &[(FILE, "-w /etc/shadow -p wa\n")]);
    old.run(&old.fix("/usr/bin/dockerd"));
    assert_eq!(old.read("etc/audit/rules.d/audit.rules"), "-w /etc/shadow -p wa\n");
}

#[test]
fn one_file_with_two_paths_gets_one_rule() {
    let host = disk("two-paths", &[("usr/sbin/runc", "")]);
    std::os::unix::fs::symlink("/usr/sbin/runc", host.0.0.join("root/usr/bin/runc")).expect("a link");
    let fixes = ["/usr/bin/runc", "/usr/sbin/runc"].map(|path| host.fix(path));
    assert_eq!(fixes.iter().filter(|fix| fix.contains("\\n' '-w /usr/sbin/runc ")).count(), 1, "{fixes:#?}");
    assert!(fixes.iter().any(|fix| fix.starts_with("# the watch of /usr/sbin/runc")), "{fixes:#?}");
}

/// With the real dpkg: it takes both spellings, and only the one of the package counts when it is unpacked.
#[test]
fn dpkg_knows_a_file_by_the_spelling_of_its_package() {
    if Command::new("dpkg-statoverride").arg("--version").output().is_err() {
        return eprintln!("dpkg is not installed: the spelling of its files is not tested");
    }
    let unit = "usr/lib/systemd/system/docker.service";
    let disk = Disk::new("repairs-statoverride", &[(unit, "[Service]\nExecStart=/usr/bin/dockerd\n")]);
    std::fs::set_permissions(disk.0.0.join("root").join(unit), PermissionsExt::from_mode(0o666)).expect("a mode");
    let fix = disk.fix("/usr/lib/systemd/system/docker.service");
    let (_, overrides) = fix.split_once(" && ").expect("two commands");
    let status = "Package: docker.io\nStatus: install ok installed\nMaintainer: a <a@example.com>\nArchitecture: all\nVersion: 1\nDescription: x\n\n";
    for (listed, expected) in [
        ("/lib/systemd/system/docker.service", "root root 644 /lib/systemd/system/docker.service\n"),
        ("/usr/lib/systemd/system/docker.service", "root root 644 /usr/lib/systemd/system/docker.service\n"),
        ("/usr/lib/systemd/system/other.service", ""),
    ] {
        let database =
            Dir::new("repairs-dpkg", &[("status", status), ("info/docker.io.list", &format!("/.\n{listed}\n"))]);
        let ran =
            Command::new("sh").args(["-c", overrides]).env("DPKG_ADMINDIR", &database.0).output().expect("a shell");
        assert!(ran.status.success(), "{overrides}: {ran:?}");
        let found = std::fs::read_to_string(database.0.join("statoverride")).unwrap_or_default();
        assert_eq!(found, expected, "{overrides}");
    }
}
