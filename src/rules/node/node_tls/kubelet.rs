//! The kubelet: who its clients are, and its own certificate.

use super::super::repairs::{kubelet_set, renewer};
use super::is_loopback;
use crate::node::Node;
use crate::node::config::Source;
use crate::node::kubelet::Kubelet;
use crate::rule::{About, Evidence, Results, Severity};

pub fn judge(node: &Node, kubelet: &Kubelet, results: &mut Results) {
    let file = kubelet.config_file.as_deref();
    let text = |key: &str| {
        kubelet.config.get(key).filter(|setting| setting.value.as_str().is_some_and(|text| !text.is_empty()))
    };
    let subject = format!("{}: authentication.x509.clientCAFile", kubelet.name);
    if let Some(setting) = text("authentication.x509.clientCAFile") {
        results.pass(About::new(&subject, &["K4.2.3"]), Evidence::of("clientCAFile", setting));
    } else {
        let fix = kubelet_set(node, kubelet, &[("authentication.x509.clientCAFile", "".into())]);
        let evidence = match kubelet.setting("authentication.x509.clientCAFile").source {
            unknown @ Source::Unknown(_) => Evidence::by("not set", &unknown),
            _ => Evidence::new("not set", file.unwrap_or("its arguments")),
        };
        results.fail(About::new(&subject, &["K4.2.3"]), Severity::High, evidence, "the CA of the cluster", fix);
    }
    let subject = format!("{}: serverTLSBootstrap", kubelet.name);
    let bootstrap = kubelet.setting("serverTLSBootstrap");
    match text("tlsCertFile") {
        Some(setting) => results.pass(About::new(&subject, &["K4.2.9"]), Evidence::of("tlsCertFile", setting)),
        None if bootstrap.is_true() => {
            results.pass(About::new(&subject, &["K4.2.9"]), Evidence::of("serverTLSBootstrap", &bootstrap));
        }
        None => {
            let fix = kubelet_set(node, kubelet, &[("serverTLSBootstrap", true.into())]);
            let evidence = Evidence::by("a certificate that the kubelet signs itself", &bootstrap.source);
            results.fail(
                About::new(&subject, &["K4.2.9"]),
                Severity::Low,
                evidence,
                "serverTLSBootstrap=true, or tlsCertFile",
                fix,
            );
        }
    }
    let subject = format!("{}: rotateCertificates", kubelet.name);
    let rotates = kubelet.setting("rotateCertificates");
    let (about, evidence) = (About::new(&subject, &["K4.2.10"]), Evidence::of("rotateCertificates", &rotates));
    if rotates.is_true() {
        results.pass(about, evidence);
    } else if let Some(name) = renewer(node, kubelet) {
        results.not_applicable(about, format!("{name} gives the kubelet its certificate, and a new one at its start"));
    } else {
        let fix = kubelet_set(node, kubelet, &[("rotateCertificates", true.into())]);
        results.fail(about, Severity::Low, evidence, "rotateCertificates=true", fix);
    }
    let health = kubelet.config.get("healthzBindAddress").filter(|setting| !is_loopback(&setting.display()));
    if let Some(setting) = health {
        let subject = format!("{}: healthzBindAddress", kubelet.name);
        let fix = kubelet_set(node, kubelet, &[("healthzBindAddress", "127.0.0.1".into())]);
        let evidence = Evidence::of("healthzBindAddress", setting);
        results.fail(About::new(&subject, &[]), Severity::Low, evidence, "a loopback address", fix);
    }
}
