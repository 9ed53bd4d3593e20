//! Programs that run another program: `env`, `sudo`, `nice` and the like.

/// A program, or a word of a shell, that runs the program after its own options and operands.
#[derive(Debug)]
pub struct Wrapper {
    pub name: &'static str,
    /// How many operands come before the program.
    pub operands: usize,
    /// Options that take the next word as their value.
    pub values: &'static str,
    /// Options whose value is a script.
    pub scripts: &'static str,
    /// Options whose value is the program.
    pub programs: &'static str,
    /// Options with which it runs no program.
    pub never: &'static str,
    /// Options that replace an operand.
    pub instead: &'static str,
}

const fn run(name: &'static str, operands: usize, values: &'static str) -> Wrapper {
    Wrapper { name, operands, values, scripts: "", programs: "", never: "", instead: "" }
}

pub static WRAPPERS: &[Wrapper] = &[
    run("!", 0, ""),
    run(".", 0, ""),
    run("authbind", 0, ""),
    run("busybox", 0, ""),
    run("call", 0, ""),
    Wrapper { scripts: "-c", ..run("capsh", 0, "") },
    run("catatonit", 0, ""),
    run("catchsegv", 0, ""),
    run("chpst", 0, "-u -U -b -e -/ -n -l -L -m -d -o -p -f -c -r -t"),
    run("chroot", 1, "--userspec --groups"),
    run("chrt", 1, "-T -P -D --sched-runtime --sched-period --sched-deadline"),
    Wrapper { never: "-v -V", ..run("command", 0, "") },
    run("daemonize", 0, "-E -a -c -e -o -p -l -u"),
    run("dbus-run-session", 0, "--config-file --dbus-daemon"),
    run("do", 0, ""),
    run("doas", 0, "-u -C"),
    run("dockerize", 0, "-wait -timeout -template -stdout -stderr -wait-http-header -delims -env -wait-retry-interval"),
    run("dropbearmulti", 0, ""),
    run("dumb-init", 0, "-r --rewrite"),
    run("eatmydata", 0, ""),
    run("elif", 0, ""),
    run("else", 0, ""),
    Wrapper { scripts: "-S --split-string", ..run("env", 0, "-u --unset -C --chdir -a --argv0") },
    run("envdir", 1, ""),
    run("eval", 0, ""),
    run("exec", 0, "-a"),
    Wrapper { scripts: "-c", ..run("execlineb", 0, "") },
    run("fakeroot", 0, "-l --lib --faked -s -i -b"),
    Wrapper { scripts: "-c --command", ..run("flock", 1, "-w --timeout -E --conflict-exit-code") },
    run("gosu", 1, ""),
    run("if", 0, ""),
    run("iex", 0, "-command"),
    run("invoke-expression", 0, "-command"),
    run("ionice", 0, "-c --class -n --classdata -p --pid"),
    // ip netns exec NAME program
    run("ip", 3, "-n -netns"),
    run("linux32", 0, ""),
    run("linux64", 0, ""),
    run("nice", 0, "-n --adjustment"),
    run("nohup", 0, ""),
    run("nsenter", 0, "-t --target -S --setuid -G --setgid -N --net-socket"),
    run("numactl", 0, "-i --interleave -p --preferred -m --membind -N --cpunodebind -C --physcpubind"),
    run("pid1", 0, ""),
    run("prlimit", 0, "-p --pid"),
    run("proot", 0, "-r --rootfs -b --bind -m -q --qemu -w --pwd --cwd -k -i -R -S"),
    Wrapper { scripts: "-c --command", instead: "-u --user", ..run("runuser", 1, "-u --user -g -G -s --shell -w") },
    run("s6-applyuidgid", 0, "-u -g -G"),
    run("s6-envdir", 1, ""),
    run("s6-setuidgid", 1, ""),
    run("s6-tcpserver", 2, "-c -C -b"),
    Wrapper { scripts: "-c --command", ..run("script", 0, "-I -O -B -T -m -o -E") },
    run("setarch", 1, ""),
    run(
        "setpriv",
        0,
        "--ambient-caps --inh-caps --bounding-set --ruid --euid --rgid --egid --reuid --regid --groups --securebits \
         --pdeathsig --ptracer --selinux-label --apparmor-profile --landlock-access --landlock-rule --seccomp-filter",
    ),
    run("setsid", 0, ""),
    run("setuidgid", 1, ""),
    run("softlimit", 0, "-a -c -d -f -l -m -o -p -r -s -t"),
    run("source", 0, ""),
    run("start-process", 0, "-workingdirectory -verb -windowstyle -redirectstandardoutput -redirectstandarderror"),
    Wrapper {
        programs: "-x --exec -a --startas",
        never: "-K --stop -T --status",
        ..run(
            "start-stop-daemon",
            1,
            "-p --pidfile -n --name -u --user -g --group -c --chuid -r --chroot -d --chdir -N --nicelevel -s --signal -R --retry -O --output",
        )
    },
    run("stdbuf", 0, "-i --input -o --output -e --error"),
    run("strace", 0, "-a -e -E -I -o -O -p -P -s -S -u -U -X -b"),
    Wrapper { scripts: "-c --command --session-command", ..run("su", 1, "-s --shell -g --group -G -w -T") },
    run("su-exec", 1, ""),
    run(
        "sudo",
        0,
        "-u --user -g --group -h --host -p --prompt -C --close-from -r --role -t --type -T -U -D --chdir -R --chroot",
    ),
    run("systemd-cat", 0, "-t --identifier -p --priority --stderr-priority --level-prefix"),
    run(
        "systemd-run",
        0,
        "-p --property -u --unit --description --slice --uid --gid --nice --working-directory -E --setenv -M --machine -H --host",
    ),
    run("taskset", 1, ""),
    run("tcpserver", 2, "-b -B -c -g -l -t -u -x"),
    run("tcpsvd", 2, "-c -C -b -u -l -i -x -t"),
    run("then", 0, ""),
    run("time", 0, "-f --format -o --output"),
    run("timeout", 1, "-k --kill-after -s --signal"),
    run("tini", 0, "-p -e"),
    run("tini-static", 0, "-p -e"),
    run("toybox", 0, ""),
    run("unbuffer", 0, ""),
    run(
        "unshare",
        0,
        "-R --root -w --wd -S --setuid -G --setgid --propagation --setgroups --map-user --map-group --map-users --map-groups",
    ),
    run("until", 0, ""),
    run("valgrind", 0, ""),
    run("watch", 0, "-n --interval"),
    run("while", 0, ""),
    run("with-contenv", 0, ""),
    run("xargs", 0, "-a --arg-file -d --delimiter -E -I -L --max-lines -n --max-args -P --max-procs -s --max-chars"),
    run("xvfb-run", 0, "-e --error-file -f --auth-file -n --server-num -p --xauth-protocol -s --server-args -w --wait"),
    run("{", 0, ""),
];
