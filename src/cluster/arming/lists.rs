//! What the webhook configurations should hold: the chart's file, with the CA that the API server is to trust.

use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::{MutatingWebhook, ValidatingWebhook};
use serde::Deserialize;
use serde_json::{Value, json};

/// The webhooks of both configurations, as the chart renders them.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookLists {
    validating: Vec<Value>,
    mutating: Vec<Value>,
    /// The Service that the webhooks name; filled in when the file has been read.
    #[serde(skip)]
    service: ServiceAddress,
}

/// The Service that the API server calls.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct ServiceAddress {
    pub name: String,
    pub namespace: String,
    #[serde(default = "https")]
    pub port: u16,
}

const fn https() -> u16 {
    443
}

impl WebhookLists {
    /// Reads the file.
    ///
    /// # Errors
    /// Where it is not what the API server takes.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut lists: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        for webhook in &lists.validating {
            serde_json::from_value::<ValidatingWebhook>(webhook.clone()).map_err(|error| error.to_string())?;
        }
        for webhook in &lists.mutating {
            serde_json::from_value::<MutatingWebhook>(webhook.clone()).map_err(|error| error.to_string())?;
        }
        let service = lists.validating.iter().find_map(|webhook| webhook.pointer("/clientConfig/service"));
        let service = service.and_then(|service| ServiceAddress::deserialize(service).ok());
        lists.service = service.ok_or("no validating webhook names a Service")?;
        Ok(lists)
    }

    /// Both lists, in the order of [`super::super::webhooks::configurations`].
    pub const fn both(&self) -> [&Vec<Value>; 2] {
        [&self.validating, &self.mutating]
    }

    pub const fn service(&self) -> &ServiceAddress {
        &self.service
    }

    /// The CA that the file names itself, PEM.
    pub fn ca_bundle(&self) -> Option<String> {
        self.validating.iter().find_map(ca_of)
    }

    /// Has the webhooks without a CA trust this one.
    pub fn trust(&mut self, bundle: &str) {
        let bundle = json!(ByteString(bundle.as_bytes().to_vec()));
        for webhook in self.validating.iter_mut().chain(&mut self.mutating) {
            if let Some(config) = webhook.get_mut("clientConfig").and_then(Value::as_object_mut) {
                config.entry("caBundle").or_insert_with(|| bundle.clone());
            }
        }
    }
}

/// The CA that a webhook has, PEM.
pub fn ca_of(webhook: &Value) -> Option<String> {
    let bundle = webhook.pointer("/clientConfig/caBundle")?;
    let bytes = serde_json::from_value::<ByteString>(bundle.clone()).ok()?;
    String::from_utf8(bytes.0).ok()
}

/// The list to write. A webhook keeps the CA that the cluster has for it, since others may renew that; one without gets `bundle`.
pub fn to_write(wanted: &[Value], live: &[Value], bundle: Option<&str>) -> Vec<Value> {
    let known = |webhook: &Value| live.iter().find(|live| live.get("name") == webhook.get("name"));
    let with_ca = |webhook: &Value| {
        let mut webhook = webhook.clone();
        let live = known(&webhook).and_then(|live| live.pointer("/clientConfig/caBundle")).cloned();
        let own = bundle.map(|bundle| json!(ByteString(bundle.as_bytes().to_vec())));
        let config = webhook.get_mut("clientConfig").and_then(Value::as_object_mut);
        if let (Some(ca), Some(config)) = (live.or(own), config) {
            config.entry("caBundle").or_insert(ca);
        }
        webhook
    };
    wanted.iter().map(with_ca).collect()
}

/// Whether the cluster has these webhooks, and no others. It adds defaults to what was written, so more keys in it do not count, and
/// where the file names no CA, any is right: others renew it.
pub fn is_there(wanted: &[Value], live: &[Value]) -> bool {
    live.len() == wanted.len() && wanted.iter().all(|wanted| live.iter().any(|live| covers(live, wanted)))
}

fn covers(live: &Value, wanted: &Value) -> bool {
    match (live, wanted) {
        (Value::Object(live), Value::Object(wanted)) => {
            wanted.iter().all(|(key, wanted)| live.get(key).is_some_and(|live| covers(live, wanted)))
        }
        (Value::Array(live), Value::Array(wanted)) => {
            live.len() == wanted.len() && live.iter().zip(wanted).all(|(live, wanted)| covers(live, wanted))
        }
        _ => live == wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn webhook(name: &str) -> Value {
        json!({
            "name": name, "clientConfig": {"service": {"name": "podreeve", "namespace": "security", "path": "/validate", "port": 443}},
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
            "failurePolicy": "Fail", "admissionReviewVersions": ["v1"], "sideEffects": "None",
        })
    }

    /// What the API server makes of it.
    fn stored(mut webhook: Value, ca: &str) -> Value {
        webhook["clientConfig"]["caBundle"] = json!(ByteString(ca.as_bytes().to_vec()));
        webhook["rules"][0]["scope"] = json!("*");
        webhook["objectSelector"] = json!({});
        webhook
    }

    #[test]
    fn the_file_is_read_or_refused() {
        let file = |validating: Vec<Value>| json!({"validating": validating, "mutating": []}).to_string();
        let lists = WebhookLists::read(&file(vec![webhook("a")])).unwrap();
        let service = ServiceAddress { name: "podreeve".to_owned(), namespace: "security".to_owned(), port: 443 };
        assert_eq!((lists.service(), lists.ca_bundle()), (&service, None));
        let own = WebhookLists::read(&file(vec![stored(webhook("a"), "CA")])).unwrap();
        assert_eq!(own.ca_bundle().as_deref(), Some("CA"));
        for wrong in
            ["", "{}", r#"{"validating": [], "mutating": []}"#, r#"{"validating": [{"name": 7}], "mutating": []}"#]
        {
            assert!(WebhookLists::read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn defaults_of_the_api_server_are_no_difference_and_all_else_is() {
        let wanted = [webhook("a"), webhook("b")];
        let live = [stored(webhook("a"), "x"), stored(webhook("b"), "x")];
        assert!(is_there(&wanted, &live));
        assert!(!is_there(&wanted, &live[..1]) && !is_there(&wanted[..1], &live) && !is_there(&wanted, &[]));
        for (pointer, other) in [
            ("/failurePolicy", json!("Ignore")),
            ("/rules/0/operations", json!(["UPDATE"])),
            ("/clientConfig/service/port", json!(444)),
            ("/name", json!("c")),
        ] {
            let mut live = live.clone();
            *live[1].pointer_mut(pointer).unwrap() = other;
            assert!(!is_there(&wanted, &live), "{pointer}");
        }
        // A CA counts where the file names it.
        assert!(is_there(&[stored(webhook("a"), "x"), webhook("b")], &live));
        assert!(!is_there(&[stored(webhook("a"), "other"), webhook("b")], &live));
    }

    #[test]
    fn a_ca_that_is_kept_replaces_that_of_the_cluster() {
        let file = json!({"validating": [webhook("a")], "mutating": [stored(webhook("b"), "own")]}).to_string();
        let mut lists = WebhookLists::read(&file).unwrap();
        lists.trust("new");
        assert_eq!(lists.both().map(|list| ca_of(&list[0])), [Some("new".to_owned()), Some("own".to_owned())]);
        let live = [stored(webhook("a"), "old")];
        assert!(!is_there(lists.both()[0], &live));
        let written = to_write(lists.both()[0], &live, None);
        assert_eq!(ca_of(&written[0]).as_deref(), Some("new"));
    }

    #[test]
    fn the_ca_of_the_cluster_stays() {
        let ca = |list: &[Value], index: usize| list[index]["clientConfig"]["caBundle"].clone();
        let wanted = [webhook("a"), webhook("b")];
        let written = to_write(&wanted, &[stored(webhook("b"), "renewed")], Some("first"));
        assert_eq!(ca(&written, 0), json!(ByteString(b"first".to_vec())));
        assert_eq!(ca(&written, 1), json!(ByteString(b"renewed".to_vec())));
        assert_eq!(to_write(&wanted, &[], None), wanted);
        let own = [stored(webhook("a"), "file")];
        assert_eq!(ca(&to_write(&own, &[], Some("first")), 0), json!(ByteString(b"file".to_vec())));
    }
}
