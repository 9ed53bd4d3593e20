//! An image in a registry, read with the logins of the person who types the command.

use crate::cli::exit::Failure;
use crate::image::trust::Evidence;
use crate::image::{Descriptor, Digest, ImageError, Root, Source, Visit};
use crate::registry::{
    CaSource, Client, Credentials, Limits, RegistryError, RegistrySettings, Settings, SettingsError, TlsProblem,
    WITHOUT_TLS,
};
use crate::server::duration;
use crate::workload::image::ImageRef;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};

/// How the registry is contacted.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Registry")]
pub struct RegistryArgs {
    /// The registry speaks HTTP without TLS
    #[arg(long)]
    plain_http: bool,

    /// The authority that signs the registry's certificate, in PEM, in addition to those of the system
    #[arg(long, value_name = "FILE", conflicts_with = "plain_http", value_hint = clap::ValueHint::FilePath)]
    ca: Option<PathBuf>,

    /// The longest time to read from the registry, all layers and signatures together; 0 for any [default: 15m]
    #[arg(long, value_name = "DURATION", value_parser = duration::flag)]
    timeout: Option<Duration>,
}

/// The longest time where the user says nothing.
const TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// When reading ends, however fast the registry sends.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    /// None: never.
    end: Option<Instant>,
    timeout: Duration,
}

impl RegistryArgs {
    /// The end of what begins now.
    pub fn deadline(&self) -> Deadline {
        let timeout = self.timeout.unwrap_or(TIMEOUT);
        let end = Some(timeout).filter(|timeout| !timeout.is_zero()).and_then(|all| Instant::now().checked_add(all));
        Deadline { end, timeout }
    }

    /// The first of these options that the user wrote.
    pub fn first(&self) -> Option<&'static str> {
        let all =
            [("--plain-http", self.plain_http), ("--ca", self.ca.is_some()), ("--timeout", self.timeout.is_some())];
        all.into_iter().find(|(_, is_there)| *is_there).map(|(option, _)| option)
    }
}

/// Why the registry gave nothing.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error(transparent)]
    Registry(#[from] RegistryError),
    #[error(
        "reading from the registry took longer than {0:?}; try again when it answers faster, or give it more time, such as --timeout 1h"
    )]
    TimedOut(Duration),
}

impl Deadline {
    /// The longest time for a program that knows a login, so that its silence is not taken for one of the registry.
    fn of_helper(self) -> Duration {
        if self.timeout.is_zero() { Duration::MAX } else { self.timeout / 2 }
    }

    async fn of<T>(self, work: impl Future<Output = Result<T, RegistryError>>) -> Result<T, ReadError> {
        let Some(end) = self.end else { return Ok(work.await?) };
        let done = tokio::time::timeout_at(end.into(), work).await;
        Ok(done.map_err(|_| ReadError::TimedOut(self.timeout))??)
    }
}

/// A repository.
pub struct Repository {
    runtime: Runtime,
    deadline: Deadline,
    client: Client,
    image: ImageRef<'static>,
    name: String,
    plain_http: bool,
}

impl Repository {
    /// # Errors
    /// The reference is none, or the logins cannot be read.
    pub fn new(reference: &str, args: &RegistryArgs, deadline: Deadline) -> Result<Self, Failure> {
        let image = ImageRef::parse(reference).into_owned();
        let settings = Settings {
            registries: vec![RegistrySettings {
                prefix: image.registry.clone().into_owned(),
                plain_http: args.plain_http,
                ca: args.ca.clone().map(CaSource::File),
                ..RegistrySettings::default()
            }],
            any_host: false,
        };
        let fail = |why: String| Failure::input(format!("{reference}: {why}"));
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let credentials = Credentials::of_logins(&variable, run_folder().as_deref(), deadline.of_helper())
            .map_err(|error| fail(error.to_string()))?;
        let client = Client::new(&settings, credentials, Limits::default());
        let client = client.map_err(|error| match (&error, &args.ca) {
            (SettingsError::Field { field: "ca", why, .. }, Some(file)) => {
                let why = why.strip_prefix(&format!("{}: ", file.display())).unwrap_or(why);
                Failure::input(format!("--ca {}: {why}", file.display()))
            }
            // The user wrote a reference, and no settings.
            (SettingsError::Field { field: "prefix", why, .. }, _) => fail(format!("its registry {why}")),
            _ => fail(error.to_string()),
        })?;
        // One thread drives the connections, while this one reads.
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|error| Failure::internal(format!("no thread can be started: {error}")))?;
        Ok(Self { runtime, deadline, client, image, name: reference.to_owned(), plain_http: args.plain_http })
    }
}

/// The variable that names a proxy. Other tools read it, and podreeve does not.
fn proxy_variable() -> Option<&'static str> {
    let names = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    names.into_iter().find(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// Where podman and skopeo keep logins without `XDG_RUNTIME_DIR`, as for root.
fn run_folder() -> Option<PathBuf> {
    let user = std::fs::metadata("/proc/self").ok()?.uid();
    Some(Path::new("/run/containers").join(user.to_string()))
}

/// What was meant by a name that leads to Docker Hub by mistake: a file with a tag, or a registry alone.
fn meant(reference: &str) -> Option<String> {
    let (before, tag) = reference.split_once(':')?;
    let path = Path::new(before);
    if path.exists() {
        let transport = if path.is_dir() { "oci" } else { "oci-archive" };
        return Some(format!("{before} is on this machine, too: to read it, write {transport}:{reference}"));
    }
    let is_port = tag.parse::<u16>().is_ok() && (before == "localhost" || before.contains('.'));
    (is_port && !before.contains('/'))
        .then(|| format!("{reference} is a registry alone: write the image behind it, such as {reference}/shop/web:1"))
}

impl Repository {
    /// The signatures and attestations that are attached to these digests.
    ///
    /// # Errors
    /// The registry does not say what is attached.
    pub fn evidence(&self, digests: &[&str]) -> Result<Vec<Evidence>, Failure> {
        let digests: Vec<Digest> = digests.iter().filter_map(|digest| Digest::parse(digest)).collect();
        let found = self.wait(self.client.evidence(&self.image, &digests));
        found.map_err(|error| Failure::input(format!("{}: {}", self.name, self.advised(&error))))
    }

    fn wait<T>(&self, work: impl Future<Output = Result<T, RegistryError>>) -> Result<T, ReadError> {
        self.runtime.block_on(self.deadline.of(work))
    }

    /// The error, and what the person who types the command can do about it.
    fn advised(&self, error: &ReadError) -> String {
        let ReadError::Registry(error) = error else { return error.to_string() };
        let advice = match error {
            RegistryError::Tls { problem: TlsProblem::None | TlsProblem::Closed, .. } => {
                "; if it speaks HTTP alone, add --plain-http"
            }
            RegistryError::Tls { problem: TlsProblem::UnknownAuthority, .. } => "; name the authority with --ca FILE",
            RegistryError::Tls { problem: TlsProblem::OfAuthority, .. } => "; name this certificate with --ca FILE",
            RegistryError::Tls { problem: TlsProblem::OtherName, .. } => {
                "; it must have the name of the reference as a subjectAltName, and its common name (CN) does not count"
            }
            RegistryError::Tls { problem: TlsProblem::Wanted, .. } => "; if it speaks TLS, leave out --plain-http",
            // Servers in Go and nginx answer so. To others than `HEAD` they say why.
            RegistryError::Status { status: 400, .. } if self.plain_http => {
                "; if it speaks TLS, leave out --plain-http"
            }
            RegistryError::Connect { .. } | RegistryError::TimedOut { .. } if proxy_variable().is_some() => {
                return format!(
                    "{}; podreeve uses no proxy, so {} does not count: save the image to a file first, such as with `skopeo copy`",
                    crate::text::with_causes(error),
                    proxy_variable().unwrap_or_default()
                );
            }
            RegistryError::Connect { .. } | RegistryError::NotFound { .. } | RegistryError::Refused { .. }
                if self.image.registry == "docker.io" && meant(&self.name).is_some() =>
            {
                let meant = meant(&self.name).unwrap_or_default();
                return format!("{}; {meant}", crate::text::with_causes(error));
            }
            // A user who means an image of this machine is led to Docker Hub.
            RegistryError::Connect { .. } | RegistryError::NotFound { .. } | RegistryError::Refused { .. }
                if self.image.registry == "docker.io" && !self.name.contains("docker.io/") =>
            {
                "; a name without a registry is one of Docker Hub, so write the registry in front of it, or save an image of this machine \
                 to a file first (`docker save`)"
            }
            RegistryError::Refused { credential, .. } if credential.ends_with(WITHOUT_TLS) => {
                "; a login is sent without TLS to a loopback address alone, so give the registry TLS, or save the image to a file first"
            }
            RegistryError::Refused { .. } => "; log in with `docker login`, `podman login` or `skopeo login`",
            _ => "",
        };
        format!("{}{advice}", crate::text::with_causes(error))
    }

    /// Waits as a source does. The errors of a registry say what they are about.
    fn wait_as_source<T>(&self, work: impl Future<Output = Result<T, RegistryError>>) -> Result<T, ImageError> {
        self.wait(work).map_err(|error| ImageError::Source(self.advised(&error)))
    }
}

impl Source for Repository {
    fn roots(&mut self) -> Result<Vec<Root>, ImageError> {
        let digest = self.wait_as_source(self.client.digest(&self.image))?;
        Ok(vec![Root { name: Some(self.name.clone()), descriptor: Descriptor::new("", digest, 0) }])
    }

    fn each(&mut self, wanted: &[&Descriptor], visit: Visit<'_>) -> Result<(), ImageError> {
        for (index, descriptor) in wanted.iter().enumerate() {
            let digest = &descriptor.digest;
            if descriptor.is_manifest() {
                let manifest = self.wait_as_source(self.client.manifest(&self.image, digest))?;
                visit(index, &mut manifest.bytes.as_slice())?;
                continue;
            }
            let size = if descriptor.size == 0 { crate::image::limits::LAYER } else { descriptor.size };
            let blob = self.wait_as_source(self.client.blob(&self.image, digest, size))?;
            visit(index, &mut blob.read_by(|blob| Ok(self.wait_as_source(blob.next())?)))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_by_a_name_of_docker_hub() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = |name: &str| dir.path().join(name).display().to_string();
        std::fs::create_dir(path("web")).expect("a folder");
        std::fs::write(path("saved"), "").expect("a file");
        let says = |reference: &str| meant(reference).unwrap_or_default();
        assert!(says(&format!("{}:1", path("web"))).ends_with(&format!("write oci:{}:1", path("web"))));
        assert!(says(&format!("{}:1", path("saved"))).contains("write oci-archive:"));
        for registry in ["localhost:5443", "registry.example.com:443"] {
            assert!(says(registry).starts_with(&format!("{registry} is a registry alone")), "{registry}");
        }
        for image in ["nginx:1", "nginx", "shop/web:1", "my.app:latest", "my.app:1.2"] {
            assert_eq!(meant(image), None, "{image}");
        }
    }
}
