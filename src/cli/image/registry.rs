//! An image in a registry, read with the logins of the person who types the command.

use crate::cli::exit::Failure;
use crate::image::trust::{Annotations, Content, Evidence, is_evidence};
use crate::image::{Descriptor, Digest, ImageError, Root, Source, Visit};
use crate::registry::{self, CaSource, Client, Credentials, Limits, RegistrySettings, Settings};
use crate::workload::image::ImageRef;
use std::io::Read;
use std::path::PathBuf;
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
}

/// A repository.
pub struct Repository {
    runtime: Runtime,
    client: Client,
    image: ImageRef<'static>,
    name: String,
}

impl Repository {
    /// # Errors
    /// The reference is none, or the logins cannot be read.
    pub fn new(reference: &str, args: &RegistryArgs) -> Result<Self, Failure> {
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
        let credentials = Credentials::of_logins(&variable).map_err(|error| fail(error.to_string()))?;
        let client = Client::new(&settings, credentials, Limits::default()).map_err(|error| fail(error.to_string()))?;
        // One thread drives the connections, while this one reads.
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|error| Failure::internal(format!("no thread can be started: {error}")))?;
        Ok(Self { runtime, client, image, name: reference.to_owned() })
    }
}

impl Repository {
    /// The signatures and attestations that are attached to these digests.
    ///
    /// # Errors
    /// The registry does not say what is attached.
    pub fn evidence(&self, digests: &[&str]) -> Result<Vec<Evidence>, Failure> {
        let mut found = Vec::new();
        for subject in digests {
            let Some(digest) = registry::Digest::parse(subject) else { continue };
            let attached = self.runtime.block_on(self.client.referrers(&self.image, &digest, &is_evidence));
            let attached = attached
                .map_err(|error| Failure::input(format!("{}: {}", self.name, crate::text::with_causes(&error))))?;
            let new = |name: String, content| Evidence { subject: (*subject).to_owned(), name, content };
            for one in attached.attached {
                let annotations = Annotations::from_layer(|name| one.annotations.get(name).map(String::as_str));
                let content = Content::of_layer(&one.media_type, one.bytes, annotations);
                found.extend(content.map(|content| new(one.digest.to_string(), content)));
            }
            let unread = attached.unread.into_iter();
            found.extend(unread.map(|(name, error)| new(name, Content::Missing(crate::text::with_causes(&error)))));
        }
        Ok(found)
    }
}

/// The digest in the words of the other module; both have the same form.
fn for_registry(digest: &Digest) -> Result<registry::Digest, ImageError> {
    let missing = || ImageError::Missing { what: format!("the blob {digest}") };
    registry::Digest::parse(digest.as_str()).ok_or_else(missing)
}

fn failed(what: &Digest, error: impl std::error::Error + Send + Sync + 'static) -> ImageError {
    ImageError::read(what.as_str(), std::io::Error::other(error))
}

impl Source for Repository {
    fn roots(&mut self) -> Result<Vec<Root>, ImageError> {
        let digest = self.runtime.block_on(self.client.digest(&self.image));
        let digest = digest.map_err(|error| ImageError::Choice(crate::text::with_causes(&error)))?;
        let digest = Digest::try_from(digest.as_str().to_owned()).map_err(ImageError::Choice)?;
        Ok(vec![Root { name: Some(self.name.clone()), descriptor: Descriptor::new("", digest, 0) }])
    }

    fn each(&mut self, wanted: &[&Descriptor], visit: Visit<'_>) -> Result<(), ImageError> {
        for (index, descriptor) in wanted.iter().enumerate() {
            let digest = for_registry(&descriptor.digest)?;
            if descriptor.is_manifest() {
                let manifest = self.runtime.block_on(self.client.manifest(&self.image, &digest));
                let manifest = manifest.map_err(|error| failed(&descriptor.digest, error))?;
                visit(index, &mut manifest.bytes.as_slice())?;
                continue;
            }
            let size = if descriptor.size == 0 { crate::image::limits::LAYER } else { descriptor.size };
            let blob = self.runtime.block_on(self.client.blob(&self.image, &digest, size));
            let blob = blob.map_err(|error| failed(&descriptor.digest, error))?;
            let mut reader: Box<dyn Read> = Box::new(blob.blocking(self.runtime.handle().clone()));
            visit(index, &mut *reader)?;
        }
        Ok(())
    }
}
