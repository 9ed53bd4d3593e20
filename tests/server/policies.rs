//! Policies are swapped while the server runs. A policy that does not load changes nothing.

use crate::common::snapshot;
use crate::harness::{Http, Running, Setup, get, pod, rules};
use podreeve::admit::Snapshot;
use podreeve::server::policies::Policies;
use podreeve::sources::Sources;
use serde_json::json;
use std::sync::{Arc, Mutex};

#[tokio::test(flavor = "multi_thread")]
async fn new_policies_come_into_force_and_broken_ones_do_not() {
    let next = Arc::new(Mutex::new(Some(Ok::<_, &str>(rules()))));
    let files = Arc::clone(&next);
    let load = move |generation| match &mut *files.lock().unwrap() {
        Some(Err(error)) => Err((*error).into()),
        next => Ok(next.take().and_then(Result::ok).map(|mut snapshot: Snapshot| {
            snapshot.policies.generation = generation;
            snapshot
        })),
    };
    let server = Running::with(Setup { policies: Policies::new(Box::new(load)), ..Setup::default() });
    server.client.works(Http::One).await;
    assert!((server.metric("podreeve_policy_generation").await - 1.0).abs() < 0.1);

    *next.lock().unwrap() = Some(Err("a.yaml:3: spec.rules.privilegd: no such rule"));
    assert_eq!(server.until_readyz("newer ones do not load: a.yaml:3").await, 200);
    server.client.works(Http::One).await;
    assert!((server.metric("podreeve_policies{status=\"failed\"}").await - 1.0).abs() < 0.1);
    assert!(server.metric("podreeve_policy_last_error_timestamp_seconds").await > 1.0e9);

    *next.lock().unwrap() = Some(Ok(snapshot(json!({"privileged": {"action": "warn"}}))));
    server.until_metric("podreeve_policy_generation", 2.0).await;
    while get(server.admin, "/readyz").await.1.contains("do not load") {}
    assert!(server.metric("podreeve_policies{status=\"failed\"}").await.abs() < 0.1);
    let answer = server.client.validate(Http::Two, pod("u", true)).await;
    answer.allows("u");
    assert_eq!(answer.response()["warnings"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn policy_files_are_read_again() {
    let dir = tempfile::TempDir::new().unwrap();
    let file = dir.path().join("policy.yaml");
    let write = |action: &str| {
        let head = "apiVersion: podreeve.dev/v1alpha1\nkind: Policy\nmetadata: {name: mine}\nspec:\n  rules:\n";
        std::fs::write(&file, format!("{head}    privileged: {{action: {action}}}\n")).unwrap();
    };
    write("deny");
    let policies = Policies::from_sources(Sources::new(&[dir.path().to_str().unwrap().to_owned()]));
    let server = Running::with(Setup { policies, ..Setup::default() });
    server.client.works(Http::One).await;
    write("wrong");
    let text = format!("newer ones do not load: {}:6", file.display());
    assert_eq!(server.until_readyz(&text).await, 200);
    server.client.works(Http::One).await;
    write("audit");
    server.until_metric("podreeve_policy_generation", 2.0).await;
    server.client.validate(Http::One, pod("u", true)).await.allows("u");
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_that_do_not_load_at_start_stop_the_start() {
    use podreeve::server::certs::{Certificates, SelfSigned};
    use podreeve::server::{Config, Limits, Server};
    let any = "127.0.0.1:0".parse().unwrap();
    let config = Config {
        listen: any,
        admin_listen: any,
        certificates: Certificates::from_self_signed(SelfSigned::make(&[]).unwrap(), None, None).unwrap(),
        limits: Limits::default(),
        drain_delay: std::time::Duration::ZERO,
        exit_within: crate::harness::NEVER,
        poll: crate::harness::NEVER,
        ceiling: podreeve::policy::Ceiling::default(),
        cluster: None,
        images: None,
        full_answers: false,
    };
    let broken = Policies::new(Box::new(|_| Err("a.yaml: no such rule".into())));
    let error = Server::bind(config, broken, None).err().unwrap();
    assert_eq!(error.to_string(), "a.yaml: no such rule");
}
