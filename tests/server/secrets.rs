//! Neither the log at its finest level nor the metrics contain secrets of requests.

use crate::binary::Process;
use crate::harness::{Http, get, post};
use crate::planted::{SECRET, assert_none, reviews};
use base64::{Engine, engine::general_purpose::STANDARD};

#[tokio::test(flavor = "multi_thread")]
async fn neither_the_log_nor_the_metrics_hold_a_secret() {
    for format in ["json", "text"] {
        nothing_holds_a_secret(format).await;
    }
}

async fn nothing_holds_a_secret(format: &str) {
    let process = Process::start(&["--drain-delay", "0", "--log-level", "trace", "--log-format", format]);
    let mut connection = process.client.connect(Http::One).await;
    // They have every kind of container, list and operation. tests/cli/secrets.rs searches each answer.
    let reviews: Vec<_> = reviews().into_iter().step_by(7).collect();
    for review in &reviews {
        for hook in ["/validate", "/mutate"] {
            let answer = connection.ask(post(hook, review.to_string())).await;
            assert_none(answer.text.as_bytes(), "the answer");
            assert_none(format!("{:?}", answer.headers).as_bytes(), "the headers");
        }
    }
    let (status, metrics) = get(process.admin, "/metrics").await;
    assert_eq!(status, 200);
    assert_none(metrics.as_bytes(), "the metrics");
    process.signal("TERM");
    let (_, lines) = process.rest_as_text();
    assert!(lines.len() >= 2 * reviews.len(), "{} lines", lines.len());
    for line in &lines {
        assert_none(line.as_bytes(), "the log");
    }
    // They contain violations of the rule and objects that cannot be read.
    for word in ["env-secrets", "could not be read"] {
        assert!(lines.iter().any(|line| line.contains(word)), "no {word} in {format}");
    }
}

#[test]
fn the_search_finds_a_part_of_each_secret_and_no_time() {
    assert_none(b"2026-11-27T23:13:40.205137Z micros=739184", "a time");
    for part in [SECRET[3..9].to_lowercase(), "7391846205".to_owned(), STANDARD.encode(SECRET)] {
        let found = std::panic::catch_unwind(|| assert_none(format!("a \"{part}\" of it").as_bytes(), "the text"));
        assert!(found.is_err(), "{part}");
    }
}
