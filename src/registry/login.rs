//! The credentials of the person who types a command: what `docker login`, `podman login` and `skopeo login` wrote.

use super::credentials::Credentials;
use super::keyring::{Keyring, KeyringError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why a file with credentials cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    #[error("{}: {error}", path.display())]
    Read { path: PathBuf, error: io::Error },
    #[error("{}: there is no such file, and REGISTRY_AUTH_FILE names it", path.display())]
    Missing { path: PathBuf },
    #[error("{}: {error}", path.display())]
    Keyring { path: PathBuf, error: KeyringError },
}

impl Credentials {
    /// Reads the files of the tools, in the order of containers/image: `REGISTRY_AUTH_FILE` alone where it is set, else
    /// `$XDG_RUNTIME_DIR/containers/auth.json`, `~/.config/containers/auth.json`, and `config.json` in `DOCKER_CONFIG` or
    /// `~/.docker`. Without `XDG_RUNTIME_DIR`, the first one is in `run`, which is `/run/containers/UID` for podman.
    /// The programs that they name for credentials are
    /// allowed, and may take this long.
    ///
    /// # Errors
    /// When a file is there and cannot be read, or the one of `REGISTRY_AUTH_FILE` is not there.
    pub fn of_logins(
        variable: &dyn Fn(&str) -> Option<PathBuf>,
        run: Option<&Path>,
        longest: Duration,
    ) -> Result<Self, LoginError> {
        let credentials = Self::default().with_helpers(longest);
        if let Some(path) = variable("REGISTRY_AUTH_FILE") {
            let keyring = read(&path)?.ok_or(LoginError::Missing { path })?;
            return Ok(credentials.keyring(keyring));
        }
        let home = variable("HOME");
        let below = |folder: Option<&PathBuf>, rest: &str| folder.map(|folder| folder.join(rest));
        let docker = variable("DOCKER_CONFIG").or_else(|| below(home.as_ref(), ".docker"));
        let config = variable("XDG_CONFIG_HOME").or_else(|| below(home.as_ref(), ".config"));
        let paths = [
            below(variable("XDG_RUNTIME_DIR").as_ref(), "containers/auth.json")
                .or_else(|| Some(run?.join("auth.json"))),
            below(config.as_ref(), "containers/auth.json"),
            below(docker.as_ref(), "config.json"),
        ];
        paths.iter().flatten().try_fold(credentials, |credentials, path| {
            Ok(match read(path)? {
                Some(keyring) => credentials.keyring(keyring),
                None => credentials,
            })
        })
    }
}

fn read(path: &Path) -> Result<Option<Keyring>, LoginError> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(LoginError::Read { path: path.to_owned(), error }),
    };
    let keyring = Keyring::read(&bytes).map_err(|error| LoginError::Keyring { path: path.to_owned(), error })?;
    Ok(Some(keyring.of_file(path)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;
    use std::fs;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test]
    async fn files_of_all_tools_and_the_one_that_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = |path: &str, user: &str| {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, format!(r#"{{"auths": {{"a.example.com": {{"username": "{user}", "password": "p"}}}}}}"#))
                .unwrap();
            path
        };
        file("run/containers/auth.json", "podman");
        file("run/containers/0/auth.json", "podman as root");
        let run = dir.path().join("run/containers/0");
        file(".docker/config.json", "docker");
        let named = file("named.json", "named");
        let mut variables =
            HashMap::from([("HOME", dir.path().to_owned()), ("XDG_RUNTIME_DIR", dir.path().join("run"))]);
        let users = async |variables: &HashMap<&str, PathBuf>| {
            let credentials = Credentials::of_logins(&|name| variables.get(name).cloned(), Some(&run), SECOND).unwrap();
            let found = credentials.find("a.example.com/x").await.unwrap();
            found.iter().map(|credential| credential.name().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(users(&variables).await, ["podman", "docker"]);
        variables.remove("XDG_RUNTIME_DIR");
        assert_eq!(users(&variables).await, ["podman as root", "docker"]);
        variables.insert("REGISTRY_AUTH_FILE", named);
        assert_eq!(users(&variables).await, ["named"]);
        variables.insert("REGISTRY_AUTH_FILE", dir.path().join("none.json"));
        let error = Credentials::of_logins(&|name| variables.get(name).cloned(), Some(&run), SECOND).unwrap_err();
        assert!(error.to_string().contains("none.json"), "{error}");
    }
}
