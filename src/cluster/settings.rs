//! What `serve` knows of the cluster from its options.

use super::arming::ArmingSettings;
use super::certificates::ManagedCertificates;
use super::client::Access;
use super::images::ImageSharing;
use super::last_good::KeptImages;
use super::nodes::KubeletAccess;
use super::scan::ScanSettings;
use crate::policy::Ceiling;

#[derive(Debug, Clone, Default)]
pub struct ClusterSettings {
    pub access: Access,
    /// The namespace that podreeve runs in.
    pub namespace: String,
    /// The name of this replica in the Lease: that of its pod.
    pub identity: String,
    pub kubelets: KubeletAccess,
    /// The namespaces in which `Exemption` objects count.
    pub exemption_namespaces: Vec<String>,
    /// The name of the Lease that the leader holds.
    pub lease: String,
    /// None where the certificate comes from files.
    pub certificates: Option<ManagedCertificates>,
    /// The name of both webhook configurations, which Kubernetes is to delete together with the namespace.
    pub configuration: Option<String>,
    /// None where the webhook configurations already have their lists of webhooks.
    pub arming: Option<ArmingSettings>,
    /// What the policies can do at most.
    pub ceiling: Ceiling,
    /// The ConfigMap in which the leader keeps the policy files that loaded last; none where it does not.
    pub last_good: Option<String>,
    /// None where the settings of images that loaded last are not kept.
    pub kept_images: Option<KeptImages>,
    /// None where what is known of images is not shared.
    pub image_sharing: Option<ImageSharing>,
    /// Whether agents on the nodes write reports.
    pub node_reports: bool,
    /// None where nothing is scanned.
    pub scan: Option<ScanSettings>,
}
