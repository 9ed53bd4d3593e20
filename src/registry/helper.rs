//! Programs that know credentials: how one is run, and Docker's protocol for them.

use super::credentials::Credential;
use serde::Deserialize;
use std::ffi::OsStr;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

/// The kubelet gives a provider a minute. A person or a replica waits for this one.
pub const LONGEST: Duration = Duration::from_secs(20);

/// Credentials are short. More than this is no answer.
const LARGEST: u64 = 1 << 20;

/// Why a program gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    #[error("it cannot be started: {0}")]
    Start(std::io::Error),
    #[error("it ended with {status}{}", match .says { text if text.is_empty() => String::new(), text => format!(": {text}") })]
    Failed {
        status: std::process::ExitStatus,
        says: String,
        /// By Docker's protocol, an exit code and this answer mean that it has no credentials.
        knows_none: bool,
    },
    #[error("it gave no answer in {0:?}")]
    TimedOut(Duration),
    #[error("its answer has more than {LARGEST} bytes")]
    TooMuch,
    #[error("its answer cannot be read: {0}")]
    Io(std::io::Error),
}

/// Runs a program with `input` and returns what it writes. It is killed when it takes too long.
///
/// # Errors
/// When it cannot be started, fails, or takes too long.
pub async fn run(
    program: &OsStr,
    args: &[String],
    env: &[(String, String)],
    input: &[u8],
    longest: Duration,
) -> Result<Vec<u8>, ProgramError> {
    let mut child = Command::new(program)
        .args(args)
        .envs(env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(ProgramError::Start)?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let talking = async {
        let write = async {
            if let Some(mut stdin) = stdin {
                // A program that needs no input closes its end early, which is no failure.
                let _ = stdin.write_all(input).await;
            }
        };
        let read = async |from: Option<tokio::process::ChildStdout>| {
            let mut bytes = Vec::new();
            if let Some(from) = from {
                from.take(LARGEST + 1).read_to_end(&mut bytes).await?;
            }
            Ok::<_, std::io::Error>(bytes)
        };
        let errors = async {
            let mut bytes = Vec::new();
            if let Some(from) = stderr {
                let _ = from.take(4096).read_to_end(&mut bytes).await;
            }
            bytes
        };
        let ((), bytes, errors) = tokio::join!(write, read(stdout), errors);
        let status = child.wait().await.map_err(ProgramError::Io)?;
        let bytes = bytes.map_err(ProgramError::Io)?;
        match status.success() {
            _ if bytes.len() as u64 > LARGEST => Err(ProgramError::TooMuch),
            true => Ok(bytes),
            false => {
                let knows_none = memchr::memmem::find(&bytes, b"credentials not found").is_some();
                Err(ProgramError::Failed { status, says: first_line(&errors), knows_none })
            }
        }
    };
    tokio::time::timeout(longest, talking).await.unwrap_or(Err(ProgramError::TimedOut(longest)))
}

/// The first line that says something, without control characters.
fn first_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("");
    line.chars().filter(|c| !c.is_control()).take(200).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

/// Asks `docker-credential-NAME` for the credentials of a registry.
///
/// # Errors
/// When the program is not there or fails, or its answer cannot be read: the rest of a sentence that begins with its name.
pub async fn ask(name: &str, registry: &str, longest: Duration) -> Result<Option<Credential>, String> {
    let program = format!("docker-credential-{name}");
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')) {
        return Err("is no name of a program".to_owned());
    }
    let server = if registry == "docker.io" { "https://index.docker.io/v1/" } else { registry };
    match run(OsStr::new(&program), &["get".to_owned()], &[], server.as_bytes(), longest).await {
        Ok(json) => match serde_json::from_slice::<Answer>(&json) {
            Ok(answer) if answer.secret.is_empty() => Ok(None),
            Ok(answer) => Ok(Some(Credential::basic(answer.username, answer.secret))),
            Err(_) => Err("gave an answer without Username and Secret".to_owned()),
        },
        Err(ProgramError::Failed { knows_none: true, .. }) => Ok(None),
        Err(error) => Err(format!("gave none: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn shell(script: &str, input: &[u8]) -> Result<Vec<u8>, ProgramError> {
        run(OsStr::new("sh"), &["-c".to_owned(), script.to_owned()], &[], input, LONGEST).await
    }

    #[tokio::test]
    async fn what_a_program_writes_and_how_it_fails() {
        assert_eq!(shell("cat", b"hello").await.unwrap(), b"hello");
        let failed = shell("echo 'no login' >&2; exit 3", b"").await.unwrap_err().to_string();
        assert!(failed.contains("exit status: 3: no login"), "{failed}");
        assert!(matches!(shell("yes", b"").await, Err(ProgramError::Failed { .. } | ProgramError::TooMuch)));
        let missing = run(OsStr::new("/no/such/program"), &[], &[], b"", LONGEST).await;
        assert!(matches!(missing, Err(ProgramError::Start(_))));
    }

    #[tokio::test]
    async fn a_helper_is_a_name_and_no_path() {
        let error = ask("../../tmp/x", "registry.example.com", LONGEST).await.unwrap_err();
        assert!(error.contains("no name of a program"), "{error}");
    }
}
