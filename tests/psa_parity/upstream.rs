//! Upstream's verdicts: the Go program of tests/psa, built once into the cache, and its pipes.

use crate::checks::GROUPS;
use serde::Deserialize;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::{env, fmt, fs};

/// A level and version of the Pod Security Standards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub level: &'static str,
    /// The minor version; none for `latest`.
    pub minor: Option<u16>,
}

impl Target {
    pub fn version(&self) -> String {
        self.minor.map_or_else(|| "latest".to_owned(), |minor| format!("v1.{minor}"))
    }

    /// The built-in policy that follows it.
    pub fn policy(&self) -> String {
        format!("pss-{}@{}", self.level, self.version())
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.level, self.version())
    }
}

/// Both levels at each of these versions.
pub fn targets(minors: &[Option<u16>]) -> Vec<Target> {
    let at = |level| minors.iter().map(move |minor| Target { level, minor: *minor });
    at("baseline").chain(at("restricted")).collect()
}

/// What upstream compares by.
#[derive(Debug, Deserialize)]
pub struct About {
    pub module: String,
    pub version: String,
    /// The bits of a verdict, in this order.
    pub checks: Vec<Check>,
}

#[derive(Debug, Deserialize)]
pub struct Check {
    pub id: String,
    pub level: String,
    pub versions: Vec<Since>,
}

#[derive(Debug, Deserialize)]
pub struct Since {
    pub since: String,
    #[serde(default)]
    pub overrides: Vec<String>,
}

impl Since {
    pub fn minor(&self) -> u16 {
        self.since.strip_prefix("v1.").and_then(|minor| minor.parse().ok()).expect("upstream's versions are 1.x")
    }
}

impl About {
    /// Minor versions at which a check came or changed.
    pub fn changes(&self) -> Vec<u16> {
        let mut minors: Vec<u16> = self.checks.iter().flat_map(|check| &check.versions).map(Since::minor).collect();
        minors.sort_unstable();
        minors.dedup();
        minors
    }

    /// Each change, the minor version before it, and `latest`: between two of these nothing changes upstream.
    pub fn edges(&self) -> Vec<Option<u16>> {
        let mut minors = self.changes();
        minors.extend(self.changes().iter().filter_map(|minor| minor.checked_sub(1)));
        minors.sort_unstable();
        minors.dedup();
        minors.into_iter().map(Some).chain([None]).collect()
    }

    /// Whether upstream runs the check at this level and version: it is there, and no other stands in for it.
    pub fn runs(&self, check: &Check, target: &Target) -> bool {
        let is_there = |check: &Check| target.minor.is_none_or(|minor| check.versions[0].minor() <= minor);
        let restricted = target.level == "restricted";
        let stands_in = |other: &Check| {
            let now = other.versions.iter().rev().find(|v| target.minor.is_none_or(|minor| v.minor() <= minor));
            now.is_some_and(|version| version.overrides.contains(&check.id))
        };
        match check.level.as_str() {
            "baseline" => is_there(check) && !(restricted && self.checks.iter().any(stands_in)),
            _ => restricted && is_there(check),
        }
    }
}

/// One pod of upstream's test data.
#[derive(Debug, Deserialize)]
pub struct Fixture {
    pub file: String,
    pub level: String,
    pub version: String,
    pub pass: bool,
    pub yaml: String,
    pub pod: serde_json::Value,
}

#[derive(Debug, Deserialize)]
struct Refusal {
    check: String,
    reason: String,
    #[serde(default)]
    detail: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}: {})", self.check, self.reason, self.detail)
    }
}

/// The Go program.
pub struct Upstream {
    program: PathBuf,
    pub about: About,
}

const NEEDED: &str = "the comparison with upstream's Pod Security evaluator needs Go 1.26 or newer on PATH (and the \
                      Go module proxy, the first time)";

/// Past the test harness, which keeps what passing tests print.
fn say(text: &str) {
    drop(writeln!(std::io::stderr(), "podreeve: {text}"));
}

impl Upstream {
    /// The program, built when it is not in the cache; none where there is no Go or nothing is to be compared,
    /// which is said.
    pub fn get() -> Option<&'static Self> {
        static UPSTREAM: OnceLock<Option<Upstream>> = OnceLock::new();
        UPSTREAM
            .get_or_init(|| {
                if env::var("PODREEVE_PARITY_PODS").as_deref() == Ok("0") {
                    say("skipped the comparison with upstream's Pod Security evaluator (PODREEVE_PARITY_PODS=0)");
                    return None;
                }
                let Some(go) = go_version() else {
                    assert_ne!(env::var("CI").as_deref(), Ok("true"), "{NEEDED}; under CI=true it is not skipped");
                    say(&format!("skipped: {NEEDED}"));
                    return None;
                };
                let program = build(&go);
                let about = output(&program, &["about"]);
                let about = serde_json::from_slice(&about).expect("tests/psa tells about itself in JSON");
                Some(Self { program, about })
            })
            .as_ref()
    }

    pub fn fixtures(&self) -> Vec<Fixture> {
        let lines = output(&self.program, &["fixtures"]);
        let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).expect("a fixture is JSON")).collect()
    }

    /// A judge of pods, each at all targets.
    pub fn judge(&self, targets: &[Target]) -> Judge {
        self.start(&["judge"], targets)
    }

    /// A judge of updates, each at all targets.
    pub fn judge_updates(&self, targets: &[Target]) -> Judge {
        let groups: Vec<String> = GROUPS.iter().map(|group| group.checks.join(",")).collect();
        self.start(&["updates", &groups.join(";")], targets)
    }

    /// The results of upstream's checks for one pod, in words.
    pub fn explain(&self, target: &Target, pod: &str) -> String {
        let answer = self.start(&["explain"], std::slice::from_ref(target)).ask(pod);
        match serde_json::from_str::<Vec<Option<Vec<Refusal>>>>(&answer) {
            Ok(verdicts) => match verdicts.into_iter().flatten().flatten().map(|r| r.to_string()).collect::<Vec<_>>() {
                none if none.is_empty() => "allow".to_owned(),
                refusals => format!("deny {}", refusals.join("; ")),
            },
            Err(_) => answer,
        }
    }

    fn start(&self, command: &[&str], targets: &[Target]) -> Judge {
        let mut child = Command::new(&self.program)
            .args(command)
            .args(targets.iter().map(ToString::to_string))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program was just built");
        let stdin = child.stdin.take().expect("a pipe");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        Judge { child, stdin: Some(stdin), stdout }
    }
}

/// A running judge. One line goes in for each pod, one line comes out.
pub struct Judge {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Judge {
    /// For another thread to write pods to, while this one reads answers.
    pub fn input(&mut self) -> ChildStdin {
        self.stdin.take().expect("taken once")
    }

    pub fn answer(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("upstream's verdict can be read");
        assert!(line.ends_with('\n'), "tests/psa ended in the middle; its last words are above");
        line.pop();
        line
    }

    pub fn ask(&mut self, pod: &str) -> String {
        let stdin = self.stdin.as_mut().expect("not taken");
        writeln!(stdin, "{pod}").expect("tests/psa reads pods");
        self.answer()
    }
}

impl Drop for Judge {
    fn drop(&mut self) {
        // It ends with its input.
        self.stdin = None;
        if std::thread::panicking() {
            drop(self.child.kill());
        }
        drop(self.child.wait());
    }
}

/// The checks that refuse a pod at each target, a bit for each check.
///
/// # Errors
/// Why the API server could not read the pod.
pub fn verdicts(line: &str) -> Result<Vec<u64>, String> {
    if let Some(message) = line.strip_prefix("unreadable ") {
        return Err(message.to_owned());
    }
    Ok(line.split(' ').map(|mask| u64::from_str_radix(mask, 16).expect("a hexadecimal number")).collect())
}

fn module() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/psa"))
}

/// The version of Go. `None` without a Go that can build the module.
fn go_version() -> Option<String> {
    let output = Command::new("go").arg("version").current_dir(module()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn cache() -> PathBuf {
    let named = |variable| env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || named("HOME").unwrap_or_else(env::temp_dir).join(".cache");
    named("PODREEVE_CACHE").unwrap_or_else(|| named("XDG_CACHE_HOME").unwrap_or_else(home).join("podreeve"))
}

/// The program in the cache, under a key of all that it is made from: an old one is never taken for it.
fn build(go: &str) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    go.hash(&mut hasher);
    let mut files: Vec<PathBuf> =
        fs::read_dir(module()).expect("tests/psa is there").map(|entry| entry.expect("readable").path()).collect();
    files.sort();
    for file in &files {
        (file.file_name(), fs::read(file).expect("readable")).hash(&mut hasher);
    }
    let dir = cache().join("psa").join(format!("{:016x}", hasher.finish()));
    let program = dir.join(format!("psa{}", env::consts::EXE_SUFFIX));
    if program.exists() {
        return program;
    }
    fs::create_dir_all(&dir).unwrap_or_else(|e| {
        panic!("{} cannot be made: {e}; PODREEVE_CACHE names another folder", dir.display());
    });
    // Renamed when whole, so that two at once do not disturb each other.
    let partial = dir.join(format!("psa.{}.partial", std::process::id()));
    say("building upstream's Pod Security evaluator (a minute the first time)");
    let built = Command::new("go")
        .args(["build", "-o"])
        .arg(&partial)
        .arg(".")
        .current_dir(module())
        // As e2e/run has it, so that what both need is compiled once.
        .env("CGO_ENABLED", "0")
        .env("GOFLAGS", "-trimpath -gcflags=all=-dwarf=false")
        .output()
        .expect("go was there a moment ago");
    let complaint = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "go build in tests/psa (PODREEVE_PARITY_PODS=0 does without): {complaint}");
    fs::rename(&partial, &program).expect("the program moves within its folder");
    program
}

fn output(program: &Path, args: &[&str]) -> Vec<u8> {
    let output = Command::new(program).args(args).current_dir(module()).output().expect("the program starts");
    assert!(output.status.success(), "psa {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}
