//! Command lines that run an SSH server, and command lines that do not.

use super::line::{find, find_in_arguments};
use super::{mentions_server, words};

fn found(words: &[&str]) -> Option<String> {
    find(words, 0)
        .map(|(index, server)| format!("{index} {}{}", server.name, if server.is_service { " service" } else { "" }))
}

fn all_found(lines: &[(&[&str], &str)]) {
    for (words, wanted) in lines {
        assert_eq!(found(words).as_deref(), Some(*wanted), "{words:?}");
    }
}

#[test]
fn wrappers_are_followed_to_their_program() {
    all_found(&[
        (&["gosu", "root", "sshd"], "2 sshd"),
        (&["sudo", "-u", "root", "sshd"], "3 sshd"),
        (&["sudo", "-nu", "root", "-E", "A=b", "sshd"], "5 sshd"),
        (&["sudo", "-uroot", "sshd"], "2 sshd"),
        (&["sudo", "--user=root", "sshd"], "2 sshd"),
        (&["nice", "-n", "5", "sshd"], "3 sshd"),
        (&["nice", "-n5", "sshd"], "2 sshd"),
        (&["ionice", "-c", "2", "-n7", "sshd"], "4 sshd"),
        (&["env", "-u", "HOME", "-i", "A=b", "sshd"], "5 sshd"),
        (&["env", "-S", "A=b sshd -D"], "2 sshd"),
        (&["env", "--split-string=sshd -D"], "1 sshd"),
        (&["timeout", "-s", "KILL", "10s", "dropbear"], "4 dropbear"),
        (&["nohup", "setsid", "-w", "stdbuf", "-oL", "sshd"], "5 sshd"),
        (&["stdbuf", "-o", "L", "sshd"], "3 sshd"),
        (&["setpriv", "--reuid", "0", "--init-groups", "sshd"], "4 sshd"),
        (&["chroot", "--userspec", "0:0", "/mnt", "sshd"], "4 sshd"),
        (&["unshare", "-n", "--root", "/mnt", "sshd"], "4 sshd"),
        (&["nsenter", "-t", "1", "-m", "-u", "sshd"], "5 sshd"),
        (&["ip", "netns", "exec", "blue", "sshd"], "4 sshd"),
        (&["taskset", "-c", "0,1", "sshd"], "3 sshd"),
        (&["chrt", "-f", "1", "sshd"], "3 sshd"),
        (&["xargs", "-n", "1", "-I{}", "sshd"], "4 sshd"),
        (&["watch", "-n", "5", "sshd -D"], "3 sshd"),
        (&["tini", "-g", "-p", "SIGTERM", "--", "sshd"], "5 sshd"),
        (&["dumb-init", "-r", "15:3", "--", "sshd"], "4 sshd"),
        (&["catatonit", "--", "su-exec", "root", "sshd"], "4 sshd"),
        (&["su", "root", "-c", "exec sshd -D"], "3 sshd"),
        (&["su", "-", "root", "-s", "/bin/sh", "-c", "sshd"], "6 sshd"),
        (&["su", "-lc", "sshd"], "2 sshd"),
        (&["su", "--command=sshd -D", "root"], "1 sshd"),
        (&["runuser", "-u", "root", "--", "sshd"], "4 sshd"),
        (&["runuser", "root", "-c", "sshd"], "3 sshd"),
        (&["flock", "-w", "5", "/lock", "sshd"], "4 sshd"),
        (&["exec", "-a", "other", "sshd"], "3 sshd"),
        (&["command", "-p", "sshd"], "2 sshd"),
        (&["start-stop-daemon", "--start", "--pidfile", "/run/x", "--exec", "/usr/sbin/sshd", "--", "-D"], "5 sshd"),
        (&["start-stop-daemon", "-S", "--exec=/usr/sbin/sshd"], "2 sshd"),
        (&["tcpsvd", "-v", "0", "22", "dropbear", "-i"], "4 dropbear"),
        (&["s6-setuidgid", "root", "sshd"], "2 sshd"),
        (&["with-contenv", "sshd"], "1 sshd"),
        (&["busybox", "nohup", "dropbear"], "2 dropbear"),
        (&["dropbearmulti", "dropbear"], "1 dropbear"),
        (&["/USR/SBIN/SSHD"], "0 sshd"),
    ]);
}

#[test]
fn entry_points_run_their_arguments() {
    all_found(&[
        (&["/entrypoint.sh", "/usr/sbin/sshd", "-D"], "1 sshd"),
        (&["/docker-entrypoint", "--debug", "sshd"], "2 sshd"),
        (&["/usr/local/bin/docker_entry_point", "sshd"], "1 sshd"),
        (&["/init", "sshd"], "1 sshd"),
        (&["/sbin/my_init", "--", "sshd"], "2 sshd"),
        (&["wait-for-it.sh", "db:5432", "-t", "10", "--", "sshd"], "5 sshd"),
        (&["dockerize", "-wait", "tcp://db:5432", "-timeout", "5s", "sshd"], "5 sshd"),
        (&["vault-env", "--log", "debug", "--", "tini", "--", "sshd"], "6 sshd"),
        (&[r"C:\start.ps1", "sshd.exe"], "1 sshd"),
    ]);
    let arguments = |words: &[&str]| find_in_arguments(words).map(|(index, _)| index);
    assert_eq!(arguments(&["sshd"]), Some(0));
    assert_eq!(arguments(&["-ec", "mkdir /run/sshd && sshd -D"]), Some(1));
    assert_eq!(arguments(&["--config", "/usr/sbin/sshd"]), None);
}

#[test]
fn scripts_are_split_into_commands_as_shells_do() {
    for (script, server) in [
        ("sshd", "sshd"),
        ("if true; then sshd; fi", "sshd"),
        ("if false; then :; elif true; then sshd; fi", "sshd"),
        ("(sshd)&", "sshd"),
        ("{ sshd -D; }", "sshd"),
        ("true&&sshd", "sshd"),
        ("mkdir -p /run/sshd\n  /usr/sbin/sshd -D -e \"$@\"", "sshd"),
        ("nohup /usr/sbin/sshd -D > /dev/null 2>&1 &", "sshd"),
        ("sshd -D > >(logger) 2>&1", "sshd"),
        (">/dev/null sshd", "sshd"),
        ("while :; do dropbear -F; done", "dropbear"),
        ("echo 'a;b' && exec sshd", "sshd"),
        ("echo \"a \\\" ; b\" || sshd", "sshd"),
        ("A=b B='c d' sshd", "sshd"),
        ("exec \\\n  /usr/sbin/sshd", "sshd"),
        ("exec $(which sshd) -D", "sshd"),
        ("`command -v dropbear` -F", "dropbear"),
        ("\"$(command -v sshd)\" -D", "sshd"),
        ("echo $(sshd)", "sshd"),
        ("f() { sshd; }; f", "sshd"),
        ("case $1 in a) sshd;; esac", "sshd"),
        ("bash <<EOF\nsshd -D\nEOF\n", "sshd"),
        ("cat > /x <<'EOF'\nanything\nEOF\nsshd", "sshd"),
        ("su -c 'A=b \"dropbear\" -F' &", "dropbear"),
        ("bash -c \"sh -c 'sshd -D'\"", "sshd"),
        ("apt-get install -y openssh-server # for people\nservice ssh restart", "ssh"),
        ("sed -i s/a/b/ /etc/ssh/sshd_config; /etc/init.d/ssh start", "ssh"),
        ("eval \"sshd -D\"", "sshd"),
        ("trap : TERM; sshd & wait", "sshd"),
    ] {
        let hit = found(&["sh", "-c", script]);
        let wanted = format!("2 {server}");
        assert_eq!(hit.as_deref().map(|hit| hit.trim_end_matches(" service")), Some(&*wanted), "{script}");
    }
    all_found(&[
        (&["bash", "-e", "-o", "pipefail", "-c", "sshd"], "5 sshd"),
        (&["bash", "--rcfile", "/x", "-lc", "sshd"], "4 sshd"),
        (&["sh", "-c", "exec \"$@\"", "--", "sshd", "-D"], "4 sshd"),
        (&["sh", "-c", "$0 $@", "sshd", "-D"], "3 sshd"),
        (&["sh", "/start.sh", "sshd"], "2 sshd"),
        (&["bash", "/usr/sbin/sshd"], "1 sshd"),
        (&["sshd -D"], "0 sshd"),
    ]);
}

#[test]
fn service_managers_and_init_scripts_start_servers() {
    all_found(&[
        (&["service", "ssh", "start"], "1 ssh service"),
        (&["/usr/sbin/service", "--skip-redirect", "sshd", "restart"], "2 sshd service"),
        (&["systemctl", "enable", "--now", "ssh.socket"], "3 ssh service"),
        (&["systemctl", "-q", "start", "nginx", "sshd@1.service"], "4 sshd service"),
        (&["rc-service", "sshd", "start"], "1 sshd service"),
        (&["rc-update", "add", "dropbear", "default"], "2 dropbear service"),
        (&["invoke-rc.d", "ssh", "start"], "1 ssh service"),
        (&["update-rc.d", "ssh", "defaults"], "1 ssh service"),
        (&["initctl", "start", "ssh"], "2 ssh service"),
        (&["chkconfig", "sshd", "on"], "1 sshd service"),
        (&["sv", "up", "/etc/service/sshd/"], "2 sshd service"),
        (&["runsv", "/etc/service/sshd"], "1 sshd service"),
        (&["s6-supervise", "/run/service/svc-openssh-server"], "1 openssh-server service"),
        (&["s6-svc", "-u", "/run/service/sshd"], "2 sshd service"),
        (&["s6-rc", "-u", "change", "sshd"], "3 sshd service"),
        (&["supervisorctl", "-c", "/x.conf", "start", "ssh:sshd"], "4 sshd service"),
        (&["supervisord", "-n", "-c", "/etc/supervisor/conf.d/sshd.conf"], "3 sshd service"),
        (&["/etc/init.d/ssh", "start"], "0 ssh service"),
        (&["/etc/init.d/sshd", "force-reload"], "0 sshd service"),
        (&["sh", "/etc/rc.d/init.d/sshd", "start"], "1 sshd service"),
        (&["/etc/rc.d/rc.sshd"], "0 sshd service"),
        (&["/etc/rc2.d/S02ssh", "start"], "0 ssh service"),
        (&["rcsshd", "start"], "0 sshd service"),
        (&["busybox", "service", "dropbear", "start"], "2 dropbear service"),
    ]);
}

#[test]
fn windows_has_names_and_shells_of_its_own() {
    all_found(&[
        (&[r"C:\OpenSSH\sshd.exe"], "0 sshd"),
        (&[r"C:\Program Files\OpenSSH-Win64\SSHD.EXE"], "0 sshd"),
        (&["cmd", "/c", r"C:\OpenSSH\sshd.exe"], "2 sshd"),
        (&["cmd.exe", "/S", "/C", "echo a && net start sshd"], "3 sshd service"),
        (&["cmd", "/c", "echo", "a", "&&", "sshd.exe", "-d"], "5 sshd"),
        (&["cmd", "/c", "start", "", "/B", r"C:\OpenSSH\sshd.exe"], "5 sshd"),
        (&["cmd", "/c", "\"C:\\Program Files\\OpenSSH\\sshd.exe\" -d"], "2 sshd"),
        (&["sc.exe", "start", "sshd"], "2 sshd service"),
        (&["net", "start", "OpenSSH SSH Server"], "2 openssh ssh server service"),
        (&["powershell", "-NoProfile", "-Command", "Start-Service sshd; Wait-Event"], "3 sshd service"),
        (&["powershell.exe", "Start-Service", "-Name", "sshd"], "3 sshd service"),
        (&["pwsh", "-ExecutionPolicy", "Bypass", "-c", "& 'C:\\Program Files\\OpenSSH\\sshd.exe' -d"], "4 sshd"),
        (&["powershell", "-Command", "while($true){sshd.exe}"], "2 sshd"),
        (&["powershell", "-Command", "Start-Process -FilePath 'C:\\OpenSSH\\sshd.exe' -Wait"], "2 sshd"),
        (
            &["powershell", "-Command", "Set-Service -Name sshd -StartupType Automatic -Status Running"],
            "2 sshd service",
        ),
        (&["powershell", "-File", r"C:\start.ps1", "sshd"], "3 sshd"),
        (&[r"C:\ServiceMonitor.exe", "sshd"], "1 sshd service"),
    ]);
}

#[test]
fn a_command_line_that_only_mentions_a_server_runs_none() {
    for words in [
        &["grep", "sshd"][..],
        &["gosu", "root", "grep", "sshd"],
        &["sh", "-c", "echo sshd"],
        &["sh", "-c", "echo \"a; sshd\""],
        &["sh", "-c", "echo 'a\nsshd\n'"],
        &["sh", "-c", "# sshd\ntrue # ; sshd"],
        &["sh", "-c", "pkill sshd; command -v sshd; which dropbear && [ -x /usr/sbin/sshd ]"],
        &["sh", "-c", "if ! pgrep sshd; then exit 1; fi"],
        &["sh", "-c", "cat > sshd < sshd 2>sshd"],
        &["sh", "-c", "for i in sshd; do echo $i; done"],
        &["sh", "-c", "case $1 in ssh) a;; sshd) b;; esac"],
        &["sh", "-c", "sshd() { true; }"],
        &["sh", "-c", "A=(sshd dropbear)"],
        &["sh", "-c", "cat > /etc/x <<EOF\nsshd\nEOF"],
        &["sh", "-c", "cat > /etc/x <<-EOF\nsshd\n\tEOF\ntrue"],
        &["sh", "-c", "true", "sshd"],
        &["sh", "-c", "A=sshd; B=$(grep sshd /etc/passwd)"],
        &["service", "ssh", "stop"],
        &["systemctl", "disable", "--now", "ssh"],
        &["s6-svc", "-d", "/run/service/sshd"],
        &["/etc/init.d/ssh", "stop"],
        &["powershell", "-Command", "Set-Service sshd -StartupType Disabled"],
        &["powershell", "-Command", "Start-Process ssh user@host"],
        &["start-stop-daemon", "--stop", "--exec", "/usr/sbin/sshd"],
        &["supervisord", "-c", "/etc/supervisord.conf"],
        &["sudo", "-u", "sshd", "app"],
        &["su", "sshd", "-c", "app"],
        &["env", "A=sshd", "app"],
        &["app", "--user", "sshd"],
        &["kubectl", "exec", "x", "--", "sshd"],
        &["--user", "sshd"],
        &["rclone", "sshd"],
        &["my-sshd"],
        &["ssh", "host", "sshd"],
        &[""],
        &[],
    ] {
        assert_eq!(found(words), None, "{words:?}");
    }
}

/// A pod of a megabyte must not cause an hour of work.
#[test]
fn every_word_is_read_once() {
    for words in
        [&["service", "--"][..], &["x", "--"], &["env", "-u"], &["start.sh", "--"], &["cmd"], &["sh", "-c", "$@"]]
    {
        let line: Vec<&str> = words.iter().copied().cycle().take(100_000).collect();
        assert_eq!(find(&line, 0), None, "{words:?}");
    }
    for part in ["$(", "(", "`", "'", "\"", "<<a\n", "<<a ", "sh -c '", "cmd /c ", ";", "a=(", "case ", ")", "$(which "]
    {
        assert_eq!(find(&["sh", "-c", &part.repeat(50_000)], 0), None, "{part:?}");
    }
}

#[test]
fn every_name_of_a_server_passes_the_first_check() {
    for name in words::SERVERS.iter().chain(&words::SERVICES) {
        assert!(mentions_server(name), "{name}");
    }
}
