//! How commands reach kubelets.

use crate::cluster::{DirectAccess, KubeletAccess};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub struct KubeletArgs {
    /// The ServiceAccount whose token kubelets see when podPidsLimit is read from them, for the rule pids-limit [default: none]
    ///
    /// It takes `get` on nodes/configz, and you need `create` on its serviceaccounts/token, and `get` on nodes. Without it kubelets are read
    /// through the API server, which takes `get` on nodes/proxy. In podreeve's pods the chart sets it.
    #[arg(
        long = "kubelet-service-account",
        value_name = "NAME",
        env = "PODREEVE_KUBELET_SERVICE_ACCOUNT",
        hide_env_values = true
    )]
    service_account: Option<String>,

    /// The namespace of this ServiceAccount
    #[arg(
        id = "kubelet_namespace",
        long = "kubelet-namespace",
        value_name = "NAMESPACE",
        env = "POD_NAMESPACE",
        default_value = "podreeve",
        hide_env_values = true
    )]
    namespace: String,

    /// The CA of the kubelets' certificates, PEM [default: any certificate will do]
    #[arg(long = "kubelet-ca", value_name = "FILE", env = "PODREEVE_KUBELET_CA", hide_env_values = true)]
    ca: Option<PathBuf>,
}

impl KubeletArgs {
    pub fn access(&self) -> KubeletAccess {
        match &self.service_account {
            Some(name) if !name.is_empty() => KubeletAccess::Direct(DirectAccess {
                namespace: self.namespace.clone(),
                service_account: name.clone(),
                ca: self.ca.clone(),
            }),
            _ => KubeletAccess::Proxy,
        }
    }
}
