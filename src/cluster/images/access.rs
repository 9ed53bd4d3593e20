//! With whose credentials an image is read: podreeve's own, or those of the pull secrets of one namespace.
//!
//! Each has a client of its own, which shares no token with another one. Their failures are apart, too: wrong secrets keep no other reader
//! from an image.

use super::documents::ReadError;
use super::hot::Key;
use super::pull_secrets::is_label;
use super::service::ImageService;
use super::setup::Setup;
use super::tenants::tag_of_seen;
use crate::facts::ImageQuery;
use crate::image::Digest;
use crate::image::known::{ImageAnswer, Reader, UnknownImage, UnknownKind};
use crate::reference::ImageRef;
use crate::registry::{Client, Credentials};
use jiff::Timestamp;
use std::sync::Arc;

/// The secrets that pods of one namespace may use: those that they name, or those of their ServiceAccounts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Login {
    pub namespace: String,
    pub secrets: Vec<String>,
    pub accounts: Vec<String>,
}

/// Who reads an image.
pub struct Access<'s> {
    own: &'s Client,
    tenant: Option<Tenant>,
}

/// A namespace, with a client that has the credentials of its secrets.
pub struct Tenant {
    pub namespace: String,
    /// The names of the secrets that have credentials.
    pub secrets: Vec<String>,
    client: Client,
}

impl<'s> Access<'s> {
    pub const fn own(setup: &'s Setup) -> Self {
        Self { own: &setup.client, tenant: None }
    }

    pub fn client(&self) -> &Client {
        self.tenant.as_ref().map_or(self.own, |tenant| &tenant.client)
    }

    pub const fn tenant(&self) -> Option<&Tenant> {
        self.tenant.as_ref()
    }

    pub fn namespace(&self) -> Option<&str> {
        self.tenant.as_ref().map(|tenant| tenant.namespace.as_str())
    }

    /// The name of a failure of this reader.
    pub fn key(&self, key: &str) -> String {
        match &self.tenant {
            None => key.to_owned(),
            Some(tenant) => {
                // A pod may name many secrets with long names.
                let secrets = Digest::sha256(tenant.secrets.join("\n").as_bytes());
                format!("{key} for {} with secrets {}", tenant.namespace, secrets.short())
            }
        }
    }

    /// The name of a tag in the store.
    pub fn tag(&self, image: &ImageRef<'_>) -> String {
        tag_of_seen(self.namespace(), image)
    }
}

/// For which namespaces what a reader sees is an answer.
pub fn reader(namespace: Option<&str>) -> Reader {
    namespace.map_or(Reader::Podreeve, |namespace| Reader::Namespaces(Arc::new([namespace.into()])))
}

/// What podreeve's own credentials and those of a pod bring together. Where both know nothing, the pod's secrets change the reason and not
/// the kind: its author must not choose which setting counts.
pub fn more_exact(own: ImageAnswer, theirs: ImageAnswer) -> ImageAnswer {
    match (own, theirs) {
        (ImageAnswer::Unknown(own), ImageAnswer::Unknown(theirs)) if own.kind == UnknownKind::Refused => {
            ImageAnswer::Unknown(Arc::new(UnknownImage { why: theirs.why.clone(), ..(*own).clone() }))
        }
        (own @ ImageAnswer::Unknown(_), ImageAnswer::Unknown(_)) => own,
        (_, theirs) => theirs,
    }
}

impl ImageService {
    /// Whether the settings in force let the pull secrets of the namespace be tried. Its name becomes a part of a path of the API.
    fn may_use_secrets(&self, query: &ImageQuery, own: &ImageAnswer) -> bool {
        let setup = self.setup.load();
        let scope = setup.as_ref().and_then(|setup| setup.pull_secrets.as_ref());
        is_label(&query.namespace) && scope.is_some_and(|scope| scope.may_show(&query.namespace, own))
    }

    /// The secrets to try for an image, if podreeve itself may not read it.
    pub(super) fn login(&self, query: &ImageQuery, own: &ImageAnswer) -> Option<Arc<Login>> {
        let names_any = !query.pull_secrets.is_empty() || !query.accounts.is_empty();
        (names_any && self.may_use_secrets(query, own)).then(|| {
            let ImageQuery { namespace, pull_secrets: secrets, accounts, .. } = query.clone();
            Arc::new(Login { namespace, secrets, accounts })
        })
    }

    /// What other pods of the namespace have shown of an image, for one that names no secret.
    pub(super) fn seen_before(&self, query: &ImageQuery, reference: &str, own: ImageAnswer) -> ImageAnswer {
        let Some(setup) = self.setup.load_full().filter(|_| self.may_use_secrets(query, &own)) else { return own };
        let key = Key { reference: reference.to_owned(), namespace: Some(query.namespace.clone()) };
        self.stored(&setup, &key, self.now()).map_or(own, |image| ImageAnswer::Known(Arc::new(image)))
    }

    /// Reads the secrets.
    ///
    /// # Errors
    /// None of them has credentials for the registry, or the API server does not give them.
    pub(super) async fn open<'s>(
        &self,
        setup: &'s Setup,
        login: &Login,
        image: &ImageRef<'_>,
        now: Timestamp,
    ) -> Result<Access<'s>, ReadError> {
        let found = self.pull_secrets.read(login, now).await?;
        let (mut credentials, mut secrets) = (Credentials::default(), Vec::new());
        for (name, keyring) in found {
            credentials = credentials.keyring((*keyring).clone());
            secrets.push(name);
        }
        let client = setup.client.with_credentials(credentials);
        if !client.has_login(image) {
            return Err(ReadError::NoSecret);
        }
        let tenant = Tenant { namespace: login.namespace.clone(), secrets, client };
        Ok(Access { own: &setup.client, tenant: Some(tenant) })
    }
}
