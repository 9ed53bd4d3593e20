//! The document `images:`, which is also a part of the chart's values.

use crate::image::known::{OnUnavailable, OnUnknown, PullSecretScope};
use crate::image::trust::TrustEntry;
use crate::registry::RegistrySettings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What podreeve may read of images, and who must have signed them.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ImagesDocument {
    /// The registries that podreeve reads from. It contacts no other host, whatever a pod names.
    pub registries: Vec<RegistrySettings>,
    /// Who must have signed the images below a prefix. The entry with the longest prefix counts. An image that no entry covers needs no
    /// signature.
    pub trust: Vec<TrustEntry>,
    /// What happens to an image that cannot be judged: no entry of `registries` covers it, or its registry has no such image. It never
    /// does more than the strictest rule about images in the policy. Default: warn; and deny, where a rule that denies must see a signature.
    pub on_unknown: Option<OnUnknown>,
    /// What happens to an image whose registry does not answer, or refuses podreeve's credentials. Default: warn; and allowRunning, where
    /// a rule that denies must see a signature.
    pub on_unavailable: Option<OnUnavailable>,
    /// The `imagePullSecrets` of pods, for images that podreeve itself may not read.
    pub pull_secrets: PullSecrets,
    /// Whether the leader reads the layers, for rules about what they hold.
    pub layers: bool,
    /// Whether the reports of trivy-operator count, for the rule image-vulnerabilities. It needs the rights to list and watch them.
    pub vulnerability_reports: bool,
    /// The kubelet's credential providers, for the registries of clouds.
    pub credential_providers: Option<CredentialProviders>,
}

impl Default for ImagesDocument {
    fn default() -> Self {
        Self {
            registries: Vec::new(),
            trust: Vec::new(),
            on_unknown: None,
            on_unavailable: None,
            pull_secrets: PullSecrets::default(),
            layers: true,
            vulnerability_reports: false,
            credential_providers: None,
        }
    }
}

/// Whether podreeve uses the pull secrets of pods. What a secret shows counts for pods of its own namespace alone.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PullSecrets {
    /// Whether podreeve reads the secrets that pods and their ServiceAccounts name, of the types `kubernetes.io/dockerconfigjson` and
    /// `kubernetes.io/dockercfg`. It needs the right to `get` secrets.
    pub enabled: bool,
    /// The namespaces whose secrets it reads; empty: all.
    pub namespaces: Vec<String>,
}

impl PullSecrets {
    /// The namespaces; none where it is switched off.
    #[must_use]
    pub fn scope(&self) -> Option<PullSecretScope> {
        self.enabled.then(|| PullSecretScope { namespaces: self.namespaces.iter().cloned().collect() })
    }
}

/// Programs that know the credentials for registries, as the kubelet uses them.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CredentialProviders {
    /// The file of the kubelet's option `--image-credential-provider-config`.
    pub config: PathBuf,
    /// The folder with the programs: the kubelet's option `--image-credential-provider-bin-dir`.
    pub bin_dir: PathBuf,
}
