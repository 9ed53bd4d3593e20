use super::*;

fn list(text: &str) -> List {
    load("f", &lines("f", text), &|path| !path.starts_with("/none"))
}

fn merge(files: &[(&str, &str)]) -> List {
    let files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    load("d", &merged(files), &|_| true)
}

fn is_covered(text: &str) -> bool {
    matches!(list(text).coverage("/x"), Coverage::Watched(_))
}

fn is_unsure(text: &str) -> bool {
    matches!(list(text).coverage("/x"), Coverage::Unsure(_))
}

#[test]
fn both_forms_of_watches() {
    let text = "## docker\n-D\n-w /usr/bin/dockerd -p wa -k docker\n  -w /etc/docker/ -k docker\n-a always,exit -F path=/etc/default/docker -F perm=wa -k d\n\
-a exit,always -S all -F dir=/var/lib/docker -F perm=r\n-w /run/x.sock -p r\n";
    let list = list(text);
    let source = |path| match list.coverage(path) {
        Coverage::Watched(entry) => entry.source.clone(),
        other => format!("{other:?}"),
    };
    assert_eq!(source("/usr/bin/dockerd"), "f:3");
    assert_eq!(source("/etc/docker/certs.d/x"), "f:4");
    assert_eq!(source("/etc/default/docker"), "f:5");
    for path in ["/etc/dockerish", "/var/lib/docker", "/run/x.sock", "/usr/bin/dockerd-x"] {
        assert_eq!(list.coverage(path), Coverage::Not(None), "{path}");
    }
}

#[test]
fn what_records_a_part_of_the_changes() {
    assert!(
        is_covered("-a always,exit -S all -F path=/x")
            && is_covered("-a always,exit -F path=/x -F perm=wa -F success=1")
    );
    let limits = [
        "-S unlink -F perm=wa",
        "-F arch=b64 -S unlink",
        "-F success=0",
        "-F exit=-EACCES",
        "-F auid>=1000",
        "-F auid!=unset",
        "-C uid!=auid",
        "-F perm=w",
    ];
    for limit in limits {
        assert!(!is_covered(&format!("-a always,exit -F path=/x {limit}")), "{limit}");
    }
    let of = |arch: &str| format!("-a always,exit -F arch={arch} -F path=/x -F perm=wa\n");
    assert!(!is_covered(&of("b32")) && !is_covered(&of("b64")), "programs of the other kind are not seen");
    assert!(is_covered(&format!("{}{}", of("b64"), of("b32"))));
}

#[test]
fn what_comes_before_and_after_a_watch() {
    for other in [
        "-w /x\n-D\n",
        "-w /x\n-W /x\n",
        "-w /x -p wa -k a\n-d exit,always -F path=/x -F perm=wa\n",
        "-a never,exit -F dir=/\n-w /x\n",
        "-w /x\n-A exit,never -F path=/x\n",
        "-w /x\n-a never,task\n",
        "-w /x\n-e 0\n",
        "-a never,exit\n-w /x\n",
        "-w /x -k a\n-D -k a\n",
    ] {
        assert!(!is_covered(other) && !is_unsure(other), "{other}");
    }
    for other in [
        "-w /x\n-a never,exit -F path=/x\n",
        "-D\n-w /x\n-D -k other\n",
        "-w /x\n-e 2\n",
        "-a never,exit -F path=/x -F perm=rx\n-w /x\n",
        "-a never,exit -F arch=b64 -S adjtimex -F auid=unset\n-w /x\n",
        "-a never,exclude -F msgtype=CWD\n-w /x\n",
        "-a never,user\n-w /x\n",
        "-a never,task\n-D\n-w /x\n",
        "-a never,filesystem -F fstype=tracefs\n-w /x\n",
    ] {
        assert!(is_covered(other), "{other}");
    }
    for other in [
        "-a never,exit -F exe=/bin/a\n-w /x\n",
        "-a never,exit -F path=/x/below\n-w /x\n",
        "-a always,exclude -F msgtype=PATH\n-w /x\n",
        "-a never,task -F uid=1\n-w /x\n",
        "-a never,filesystem -F fstype=0x01021994\n-w /x\n",
        "-a never,exclude -F uid=0\n-w /x\n",
    ] {
        assert!(is_unsure(other), "{other}");
    }
}

#[test]
fn a_line_that_is_refused_stops_the_others() {
    for line in [
        "-w x",
        "-w",
        "-w /none/x",
        "-a always,exit -F dir=/none",
        "garbage",
        "-a always exit",
        "-z",
        "-w \"/a\"",
        "-w\t/a",
        "-w /",
        "-F path=/a",
        "-a always,exit -F path=/a -k key",
        "-a possible,exit -F path=/a",
        "-W /a",
        "-R /a",
        "-w /b -p wq",
        "-w /c\n-w /c",
        "-e 2",
    ] {
        assert!(is_unsure(&format!("{line}\n-w /x\n")), "{line}");
        assert!(is_covered(&format!("-w /x\n{line}\n")), "{line}");
    }
    assert!(is_covered("-i\ngarbage\n-w /x\n") && is_covered("-c\n-w /none/x\n-w /x\n"));
    assert!(is_covered("--loginuid-immutable\n--backlog_wait_time 60000\n-b 8192\n-f 1\n-r 0\n-w /x\n"));
    assert!(matches!(list(&"-w /x\n".repeat(20_000)).coverage("/x"), Coverage::Unsure(_)));
}

#[test]
fn files_as_augenrules_merges_them() {
    let is_covered = |files: &[(&str, &str)]| matches!(merge(files).coverage("/x"), Coverage::Watched(_));
    assert!(is_covered(&[("a.rules", "-w /x\n"), ("b.rules", "  -D\n")]), "-D comes first");
    assert!(!is_covered(&[("a.rules", "-w /x\n"), ("b.rules", "-e 0\n")]));
    assert!(is_covered(&[("a.rules", "-e 0\n"), ("b.rules", "-e 2\n-w /x\n")]), "the last one counts, at the end");
    let never = "-a never,exit -F path=/x\n";
    assert!(is_covered(&[("9.rules", "-w /x\n"), ("10.rules", never)]), "9 is before 10");
    assert!(!is_covered(&[("10.rules", "-w /x\n"), ("9.rules", never)]));
    assert!(!is_covered(&[("30-a.rules", "-w /x\n"), ("30.rules", never)]));
}
