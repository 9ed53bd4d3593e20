//! What pipelines take from this repository: the GitHub Action, the pre-commit hook and the template for GitLab. Their scripts run here,
//! with a folder in the place of a release. `make integrations` runs pre-commit itself, and has the published schemas.

use podreeve::manifest;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const BAD: &str =
    "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {hostPID: true, containers: [{name: a, image: a:1}]}\n";
const VERSION: &str = env!("CARGO_PKG_VERSION");

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder with the files of a release, a workplace and a cache.
struct Release(tempfile::TempDir);

impl Release {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let files = dir.path().join(format!("releases/v{VERSION}"));
        fs::create_dir_all(&files).expect("a folder");
        fs::create_dir(dir.path().join("work")).expect("a folder");
        fs::write(dir.path().join("work/bad.yaml"), BAD).expect("written");
        // The program itself is large, so a script is in the archive that runs it.
        let program = format!("#!/bin/sh\nexec '{}' \"$@\"\n", env!("CARGO_BIN_EXE_podreeve"));
        fs::write(dir.path().join("podreeve"), program).expect("written");
        let script = "chmod 755 podreeve; for os in linux darwin; do for arch in amd64 arm64; do \
             tar -czf \"$2/podreeve_$1_${os}_$arch.tar.gz\" podreeve; done; done; \
             cd \"$2\"; if command -v sha256sum >/dev/null; then sha256sum -- *; else shasum -a 256 -- *; fi >sums; mv sums SHA256SUMS";
        let made =
            Command::new("sh").args(["-euc", script, "sh", VERSION]).arg(&files).current_dir(dir.path()).status();
        assert!(made.expect("sh runs").success());
        Self(dir)
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn files(&self) -> PathBuf {
        self.path(&format!("releases/v{VERSION}"))
    }

    fn url(&self) -> String {
        format!("file://{}", self.path("releases").display())
    }

    /// A command in the workplace, with the release and a cache of its own.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.path("work"))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env_remove("PODREEVE_SHA256")
            .env("PODREEVE_RELEASES", self.url());
        command
    }

    fn install(&self) -> Output {
        self.command(&root().join("integrations/install")).output().expect("bash runs")
    }

    fn action(&self, inputs: &[(&str, &str)]) -> Output {
        let mut command = self.command(&root().join("integrations/github-action"));
        command
            .env("INPUT_RELEASES", self.url())
            .env("GITHUB_STEP_SUMMARY", self.path("summary.md"))
            .env("GITHUB_OUTPUT", self.path("output"));
        for (name, value) in inputs {
            command.env(format!("INPUT_{name}"), value);
        }
        command.output().expect("bash runs")
    }
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn the_program_of_a_release_is_installed_once() {
    let release = Release::new();
    let first = release.install();
    assert!(first.status.success(), "{}", err(&first));
    let program = PathBuf::from(out(&first).trim());
    assert!(program.starts_with(release.path("cache")), "{}", program.display());
    let said = Command::new(&program).arg("version").output().expect("it runs");
    assert!(out(&said).contains(VERSION), "{}", out(&said));
    // The second time nothing is downloaded.
    fs::remove_dir_all(release.files()).expect("removed");
    assert_eq!(out(&release.install()), out(&first));
    let left: Vec<_> = fs::read_dir(program.parent().expect("a folder")).expect("a folder").collect();
    assert_eq!(left.len(), 1, "only the program is left: {left:?}");
}

#[test]
fn a_changed_archive_is_not_run() {
    let release = Release::new();
    let sums = fs::read_to_string(release.files().join("SHA256SUMS")).expect("sums");
    let wrong: String = sums.lines().map(|line| format!("{}{}\n", "0".repeat(64), &line[64..])).collect();
    fs::write(release.files().join("SHA256SUMS"), wrong).expect("written");
    let said = release.install();
    assert_eq!((said.status.code(), out(&said).as_str()), (Some(2), ""), "{}", err(&said));
    assert!(err(&said).contains("it was changed on the way, and is not run"), "{}", err(&said));
    // A list without the archive is no proof, and neither is a missing list.
    fs::write(release.files().join("SHA256SUMS"), "").expect("written");
    assert!(err(&release.install()).contains("SHA256SUMS of"), "{}", err(&release.install()));
    fs::remove_file(release.files().join("SHA256SUMS")).expect("removed");
    assert!(err(&release.install()).contains("cannot download"), "{}", err(&release.install()));
    assert!(
        !release
            .path("cache")
            .join("podreeve/bin")
            .read_dir()
            .expect("a folder")
            .any(|folder| { folder.expect("a folder").path().join("podreeve").exists() })
    );
    // A sum of the user's own replaces the list.
    let wrong =
        release.command(&root().join("integrations/install")).env("PODREEVE_SHA256", "0").output().expect("runs");
    assert!(err(&wrong).contains("and not 0; it was changed"), "{}", err(&wrong));
    let wrong = release.command(&root().join("integrations/install")).arg("1.x").output().expect("runs");
    assert!(err(&wrong).contains("`1.x` is no version"), "{}", err(&wrong));
}

#[test]
fn the_action_annotates_and_ends_as_check_does() {
    let release = Release::new();
    let said = release.action(&[("SARIF", "podreeve.sarif"), ("POLICY", "owasp\npss-baseline\n"), ("MODE", "deny")]);
    assert_eq!(said.status.code(), Some(1), "{}", err(&said));
    assert!(out(&said).contains("::error file=./bad.yaml,line=4,"), "{}", out(&said));
    let read = |path: &str| fs::read_to_string(release.path(path)).expect(path);
    assert_eq!(read("output"), "exit-code=1\nsarif=podreeve.sarif\n");
    assert!(read("summary.md").contains("podreeve denies"));
    let sarif: Value = serde_json::from_str(&read("work/podreeve.sarif")).expect("JSON");
    assert_eq!(sarif["version"], "2.1.0");
    let warned = release.action(&[("MODE", "warn"), ("PATHS", "bad.yaml")]);
    assert_eq!(warned.status.code(), Some(0), "{}{}", out(&warned), err(&warned));
    // A path that looks like an option is none, and a text is no command.
    let odd = release.action(&[("SARIF", "none.sarif"), ("PATHS", "--help\n$(touch ran)\n")]);
    assert!(read("output").ends_with("exit-code=2\nsarif=\n"), "{}", read("output"));
    assert_eq!(odd.status.code(), Some(2), "{}", err(&odd));
    assert!(
        err(&odd).contains("--help: there is no such file")
            && err(&odd).contains("$(touch ran): there is no such file")
    );
    assert!(!release.path("work/ran").exists());
    for (fail_on, paths, code) in [
        ("denied", "bad.yaml", 1),
        ("denied", "none.yaml", 0),
        ("never", "bad.yaml\nnone.yaml", 0),
        ("any", "none.yaml", 2),
        ("x", "bad.yaml", 2),
    ] {
        let said = release.action(&[("FAIL_ON", fail_on), ("PATHS", paths)]);
        assert_eq!(said.status.code(), Some(code), "{fail_on} {paths}: {}", err(&said));
    }
}

#[test]
fn the_hook_checks_the_files_that_it_gets() {
    let release = Release::new();
    let said = release.command(&root().join("integrations/pre-commit")).arg("bad.yaml").output().expect("bash runs");
    assert_eq!(said.status.code(), Some(1), "{}", err(&said));
    assert!(out(&said).contains("bad.yaml:4:") && out(&said).contains("host-pid"), "{}", out(&said));
}

/// The document of a YAML file as JSON.
fn yaml(file: &str, document: usize) -> Value {
    let text = fs::read(root().join(file)).expect(file);
    let documents = manifest::parse(&text).expect(file);
    serde_json::from_str(&documents[document].root.to_json()).expect("JSON")
}

/// Each input reaches the script, and the script reads no other.
#[test]
fn the_inputs_of_the_action_are_those_of_its_script() {
    let action = yaml("action.yml", 0);
    let env = &action["runs"]["steps"][0]["env"];
    let script = fs::read_to_string(root().join("integrations/github-action")).expect("the script");
    let mut read: Vec<&str> = script
        .split("INPUT_")
        .skip(1)
        .map(|rest| {
            rest.split(|c: char| !c.is_ascii_uppercase() && !c.is_ascii_digit() && c != '_').next().unwrap_or_default()
        })
        .filter(|name| !name.is_empty())
        .collect();
    read.sort_unstable();
    read.dedup();
    let inputs = action["inputs"].as_object().expect("inputs");
    let mut named: Vec<String> = inputs.keys().map(|name| name.to_uppercase().replace('-', "_")).collect();
    named.sort_unstable();
    assert_eq!(named, read);
    for name in inputs.keys() {
        let variable = format!("INPUT_{}", name.to_uppercase().replace('-', "_"));
        assert_eq!(env[&variable], format!("${{{{ inputs.{name} }}}}"), "{name}");
    }
}

#[test]
fn the_template_of_gitlab_checks_and_leaves_both_reports() {
    let release = Release::new();
    let inputs = yaml("integrations/gitlab.yml", 0)["spec"]["inputs"].clone();
    let job = yaml("integrations/gitlab.yml", 1)["podreeve"].clone();
    let script = job["script"][0].as_str().expect("a script");
    let run = |paths: &str| {
        let mut command = release.command(Path::new("sh"));
        command.args(["-c", script]);
        for (variable, value) in job["variables"].as_object().expect("variables") {
            let input = value
                .as_str()
                .and_then(|value| value.strip_prefix("$[[ inputs."))
                .and_then(|value| value.strip_suffix(" ]]"));
            let input = &inputs[input.expect("an input")];
            command.env(variable, input["default"].as_str().expect("a default"));
        }
        command.env("PODREEVE_RELEASES", release.url()).env("PODREEVE_PATHS", paths).output().expect("sh runs")
    };
    let said = run(". bad.yaml");
    assert_eq!(said.status.code(), Some(1), "{}{}", out(&said), err(&said));
    let reports = &job["artifacts"]["reports"];
    let read = |report: &str| {
        fs::read_to_string(release.path("work").join(reports[report].as_str().expect("a file"))).expect(report)
    };
    assert!(
        serde_json::from_str::<Value>(&read("codequality"))
            .expect("JSON")
            .as_array()
            .is_some_and(|all| !all.is_empty())
    );
    assert!(read("junit").contains("<failure "));
    // A wrong sum, and a list without the archive.
    let sums = fs::read_to_string(release.files().join("SHA256SUMS")).expect("sums");
    let wrong: String = sums.lines().map(|line| format!("{}{}\n", "0".repeat(64), &line[64..])).collect();
    for sums in [wrong.as_str(), "0000  other.tar.gz\n"] {
        fs::write(release.files().join("SHA256SUMS"), sums).expect("written");
        let said = run(".");
        assert!(!said.status.success() && !out(&said).contains("denied"), "{}", out(&said));
    }
}

/// The YAML that docs/pipelines.md shows under this name.
fn shown(name: &str) -> Value {
    let page = fs::read_to_string(root().join("docs/pipelines.md")).expect("the page");
    let block = page.split(&format!("```yaml file={name} ")).nth(1).expect(name);
    let text = block.split_once('\n').and_then(|(_, rest)| rest.split_once("```")).expect("a block").0;
    let documents = manifest::parse(text.as_bytes()).expect("YAML");
    serde_json::from_str(&documents[0].root.to_json()).expect("JSON")
}

#[test]
fn the_page_shows_inputs_and_hooks_that_there_are() {
    let inputs = yaml("integrations/gitlab.yml", 0)["spec"]["inputs"].clone();
    let include = &shown(".gitlab-ci.yml")["include"][0];
    assert!(include["remote"].as_str().is_some_and(|url| url.ends_with("/integrations/gitlab.yml")), "{include}");
    for name in include["inputs"].as_object().expect("inputs").keys() {
        assert!(inputs.get(name).is_some(), "the template has no input {name}");
    }
    let hooks = yaml(".pre-commit-hooks.yaml", 0);
    let ids: Vec<&Value> = hooks.as_array().expect("hooks").iter().map(|hook| &hook["id"]).collect();
    let config = shown(".pre-commit-config.yaml");
    assert!(ids.contains(&&config["repos"][0]["hooks"][0]["id"]), "{ids:?}");
    let page = fs::read_to_string(root().join("docs/pipelines.md")).expect("the page");
    for id in ids {
        let id = id.as_str().expect("an id");
        assert!(page.contains(id), "docs/pipelines.md says nothing of the hook {id}");
    }
    for hook in hooks.as_array().expect("hooks") {
        let entry = hook["entry"].as_str().expect("an entry");
        let is_there = hook["language"] != "script" || root().join(entry).is_file();
        assert!(is_there && ["script", "system"].contains(&hook["language"].as_str().expect("a language")), "{hook}");
    }
}
