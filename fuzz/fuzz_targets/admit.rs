//! Whatever the bytes: no panic, a reply that is JSON, and the request's own uid in it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use podreeve::admit::{Hook, Snapshot, admit};
use podreeve::outcome::Verdict;
use podreeve::review::request::uid;
use podreeve_fuzz::{TODAY, snapshot};
use serde_json::Value;
use std::sync::LazyLock;

static SNAPSHOT: LazyLock<Snapshot> = LazyLock::new(snapshot);

fuzz_target!(|body: &[u8]| {
    for hook in Hook::ALL {
        let outcome = admit(body, hook, &SNAPSHOT, TODAY);
        if outcome.reply.is_empty() {
            assert!(outcome.problem.is_some(), "no reply and no reason");
            assert_eq!(uid(body), None, "no reply to a request that has a uid");
            continue;
        }
        let reply: Value = serde_json::from_slice(&outcome.reply).expect("the reply is JSON");
        let response = &reply["response"];
        assert_eq!(response["uid"].as_str(), Some(outcome.about.uid.as_str()));
        assert_eq!(response["allowed"].as_bool(), Some(outcome.verdict != Verdict::Deny));
        if let Some(uid) = uid(body) {
            assert_eq!(uid, outcome.about.uid, "another request's uid");
        }
        if outcome.problem.is_some() {
            assert_eq!(outcome.verdict, Verdict::Deny, "what could not be judged was let in");
        }
        let limits = response["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str);
        for warning in limits {
            assert!(warning.len() <= 256 && !warning.chars().any(char::is_control), "{warning:?}");
        }
    }
});
