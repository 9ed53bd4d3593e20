//! The options of `serve` about the cluster.

use crate::cli::reports::Reports;
use crate::cluster::certificates::ManagedCertificates;
use crate::cluster::{Access, ArmingSettings, CaSource, ClusterSettings, DirectAccess, KubeletAccess, scan};
use crate::policy::Ceiling;
use crate::server::duration;
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Cluster")]
pub struct ClusterArgs {
    /// Read policies and facts from the API server, in addition to --policy
    ///
    /// Without --kubeconfig and --context, the pod's own service account is used. While the API server cannot be
    /// reached, the policies in force stay in force.
    #[arg(long)]
    cluster: bool,

    /// How to reach the API server from outside of the cluster
    #[arg(long, value_name = "FILE", requires = "cluster")]
    kubeconfig: Option<PathBuf>,

    /// The kubeconfig's context [default: its current one]
    #[arg(long, value_name = "NAME", requires = "cluster")]
    context: Option<String>,

    /// The namespace that podreeve runs in
    #[arg(long, value_name = "NAMESPACE", env = "POD_NAMESPACE", default_value = "podreeve")]
    namespace: String,

    /// Namespaces whose Exemption objects count; may be repeated [default: none]
    #[arg(long, value_name = "NAMESPACES", value_delimiter = ',', requires = "cluster")]
    exemption_namespaces: Vec<String>,

    /// The ServiceAccount whose token podreeve shows to kubelets when it reads podPidsLimit from them
    ///
    /// It is in podreeve's own namespace, and needs `get` on nodes/configz and no other right. podreeve needs `create` on its
    /// serviceaccounts/token, and `get` on nodes. Without this option podreeve reads kubelets through the API server, which
    /// takes `get` on nodes/proxy.
    #[arg(long, value_name = "NAME", requires = "cluster")]
    kubelet_service_account: Option<String>,

    /// The CA of the kubelets' certificates, PEM [default: any certificate will do]
    #[arg(long, value_name = "FILE", requires = "kubelet_service_account")]
    kubelet_ca: Option<PathBuf>,

    /// The Lease of the leader: the replica that does what only one may do, such as writing a status
    #[arg(long, value_name = "NAME", default_value = "podreeve")]
    leader_election_lease: String,

    /// How often the leader scans what exists already; 0 means never
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = duration::flag)]
    scan_interval: Duration,

    /// The API in which the leader writes the findings of a scan, one report in each namespace; the CRD must be installed
    #[arg(long, value_enum, value_name = "API", default_value_t, requires = "cluster")]
    reports: Reports,

    /// Read the reports that agents write about their nodes (chart: nodes.enabled), for metrics, events and facts
    #[arg(long, requires = "cluster")]
    node_reports: bool,

    /// The most calls to the API server in a second during a scan
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    scan_rate: u32,

    /// The Secret for certificates that podreeve manages itself, instead of --tls-cert and --tls-key
    ///
    /// The leader creates and renews them. To renew them now: kubectl annotate secret NAME podreeve.dev/renew=leaf (or ca).
    #[arg(long, value_name = "NAME", requires_all = ["cluster", "service_name", "webhook_configuration"])]
    tls_secret: Option<String>,

    /// The CA of --tls-cert, PEM, which the leader keeps in the webhook configurations; a missing file stands for a public CA
    ///
    /// After a change, the configurations have the former CA, too, for five minutes.
    #[arg(long, value_name = "FILE", requires = "webhooks", conflicts_with = "tls_secret")]
    tls_ca: Option<PathBuf>,

    /// The Service that the API server calls; the certificates are for its names
    #[arg(long, value_name = "NAME", requires = "tls_secret")]
    service_name: Option<String>,

    /// The name of both webhook configurations; with --tls-secret the leader keeps their caBundle up to date
    ///
    /// The leader makes --namespace their owner, so that Kubernetes deletes them together with the namespace.
    #[arg(long, value_name = "NAME", requires = "cluster")]
    webhook_configuration: Option<String>,

    /// A file with the lists of webhooks for both configurations, which the leader writes into them
    ///
    /// It does so once podreeve answers through its Service, and keeps them right. The file is JSON with the keys `validating` and
    /// `mutating`, each a list as in a webhook configuration. While one of the configurations has the annotation
    /// podreeve.dev/break-glass, both are kept empty.
    #[arg(long, value_name = "FILE", requires = "webhook_configuration")]
    webhooks: Option<PathBuf>,

    /// podreeve's own Deployment: when it is deleted, the lists are emptied
    ///
    /// Where its annotation podreeve.dev/mode is softer than --mode, --deny-from and --deny-after, it counts. So a replica that an upgrade
    /// replaces denies no more than the new ones.
    #[arg(long, value_name = "NAME", requires = "webhooks")]
    deployment: Option<String>,

    /// A ConfigMap in which the leader keeps the policy files that loaded last
    ///
    /// A replica whose policy files do not load when it starts serves these. The log, /readyz and the metric
    /// podreeve_policies_stale say so.
    #[arg(long, value_name = "NAME", requires = "cluster")]
    last_good_policies: Option<String>,

    /// The policy files that this replica was rolled out with, as a hash: `sha256sum * | sha256sum` in their folder
    ///
    /// If it starts with these files they must load, so that a rollout of wrong files stops.
    #[arg(long, value_name = "SHA256", requires = "last_good_policies")]
    rolled_out_policies: Option<String>,

    /// The name of this replica in the Lease [default: host and process]
    #[arg(long, value_name = "NAME", env = "POD_NAME", hide = true)]
    identity: Option<String>,
}

impl ClusterArgs {
    /// The Secret, the Service and the webhook configurations of certificates that podreeve manages itself.
    pub fn managed_certificates(&self) -> Option<ManagedCertificates> {
        let (secret, service) = (self.tls_secret.clone()?, self.service_name.clone()?);
        Some(ManagedCertificates { secret, service, configuration: self.webhook_configuration.clone()? })
    }

    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// None without `--cluster`.
    pub fn last_good_policies(&self) -> Option<&str> {
        self.last_good_policies.as_deref()
    }

    pub fn rolled_out_policies(&self) -> Option<&str> {
        self.rolled_out_policies.as_deref()
    }

    /// None without `--webhooks`. A mounted Secret has its CA in the folder of the certificate.
    fn arming(&self, tls_cert: Option<&Path>) -> Option<ArmingSettings> {
        let ca = match (&self.tls_secret, &self.tls_ca) {
            (Some(secret), _) => CaSource::Secret(secret.clone()),
            (None, Some(file)) => CaSource::KeptFile(file.clone()),
            (None, None) => CaSource::File(tls_cert?.with_file_name("ca.crt")),
        };
        Some(ArmingSettings {
            configuration: self.webhook_configuration.clone()?,
            file: self.webhooks.clone()?,
            deployment: self.deployment.clone(),
            ca,
        })
    }

    fn kubelets(&self) -> KubeletAccess {
        match &self.kubelet_service_account {
            Some(name) => KubeletAccess::Direct(DirectAccess {
                namespace: self.namespace.clone(),
                service_account: name.clone(),
                ca: self.kubelet_ca.clone(),
            }),
            None => KubeletAccess::Proxy,
        }
    }

    /// None without `--cluster`.
    pub fn settings(&self, tls_cert: Option<&Path>, ceiling: Ceiling) -> Option<ClusterSettings> {
        let named = self.exemption_namespaces.iter().map(|name| name.trim());
        self.cluster.then(|| ClusterSettings {
            access: Access {
                kubeconfig: self.kubeconfig.clone(),
                context: self.context.clone(),
                // In a pod nothing but an argument leads away from its service account.
                like_kubectl: false,
            },
            namespace: self.namespace.clone(),
            identity: self.identity.clone().unwrap_or_else(unique_identity),
            kubelets: self.kubelets(),
            exemption_namespaces: named.filter(|name| !name.is_empty()).map(str::to_owned).collect(),
            lease: self.leader_election_lease.clone(),
            certificates: self.managed_certificates(),
            configuration: self.webhook_configuration.clone(),
            arming: self.arming(tls_cert),
            ceiling,
            last_good: self.last_good_policies.clone(),
            kept_images: None,
            image_sharing: None,
            node_reports: self.node_reports,
            scan: (self.scan_interval > Duration::ZERO).then_some(scan::ScanSettings {
                interval: self.scan_interval,
                per_second: self.scan_rate,
                reports: self.reports.api(),
            }),
        })
    }
}

/// The identity of a process outside of a pod. No two such processes may have the same.
fn unique_identity() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}-{}", if host.trim().is_empty() { "podreeve" } else { host.trim() }, std::process::id())
}
