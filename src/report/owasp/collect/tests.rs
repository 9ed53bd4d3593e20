use super::*;
use crate::policy::{Cluster, CompiledPolicy, builtin};
use ItemVerdict::{Fail, NotApplicable, Pass, Unknown};

fn collector(unknown_facts: Option<Vec<String>>) -> Collector {
    let yaml = builtin("owasp").unwrap().unwrap();
    let json = serde_saphyr::from_str::<serde_json::Value>(&yaml).unwrap().to_string();
    let policy = CompiledPolicy::from_json(&json, Cluster::Without).unwrap();
    Collector::new(&PolicySet::new(vec![policy], 1), unknown_facts)
}

fn found(rule: &str, verdict: ItemVerdict) -> Found {
    Found {
        rule: rule.to_owned(),
        items: find(rule).unwrap().owasp.to_vec(),
        verdict,
        place: "spec".to_owned(),
        found: "true".to_owned(),
        wanted: "false".to_owned(),
        note: None,
    }
}

fn subject(place: Place, found: Vec<Found>) -> Subject {
    Subject { place, name: "a".to_owned(), problem: None, found }
}

fn item(report: &OwaspReport, number: u8) -> &ItemReport {
    report.items.iter().find(|item| item.item == number).unwrap()
}

fn counts(item: &ItemReport) -> [usize; 4] {
    [item.passes, item.failures, item.unknowns, item.exemptions]
}

#[test]
fn each_subject_counts_once_for_an_item() {
    let mut list = collector(Some(Vec::new()));
    list.add(subject(Place::Workload, Vec::new()));
    let twice = vec![found("privileged", ItemVerdict::Fail), found("privileged", ItemVerdict::Exempt)];
    list.add(subject(Place::Workload, twice));
    list.add(subject(Place::Workload, vec![found("privileged", ItemVerdict::Exempt)]));
    let unreadable = Some("it cannot be read".to_owned());
    list.add(Subject { problem: unreadable, ..subject(Place::Workload, Vec::new()) });
    let report = list.finish("here".to_owned(), "2026-11-27".to_owned());
    let privileged = item(&report, 59);
    assert_eq!((counts(privileged), privileged.verdict), ([1, 1, 1, 1], ItemVerdict::Fail));
    // The worst first.
    let verdicts: Vec<ItemVerdict> = privileged.findings.iter().map(|finding| finding.verdict).collect();
    assert_eq!(verdicts, [ItemVerdict::Fail, ItemVerdict::Unknown, ItemVerdict::Exempt, ItemVerdict::Exempt]);
    assert_eq!(report.judged.workloads, 4);
}

#[test]
fn an_item_passes_only_if_all_of_it_was_judged() {
    let mut list = collector(Some(Vec::new()));
    list.add(subject(Place::Workload, Vec::new()));
    let report = list.finish(String::new(), String::new());
    assert_eq!(item(&report, 59).verdict, ItemVerdict::Pass);
    // Secrets are in images, too, and AppArmor is on nodes.
    for (number, missing) in [(11, "images: none was judged"), (56, "nodes: none was judged")] {
        let item = item(&report, number);
        assert_eq!((item.verdict, item.passes), (ItemVerdict::Unknown, 1), "{number}");
        assert!(item.not_judged[0].starts_with(missing), "{:?}", item.not_judged);
    }
    // Nothing was judged at all.
    let report = collector(None).finish(String::new(), String::new());
    assert!(report.items.iter().all(|item| item.verdict == ItemVerdict::Unknown && !item.not_judged.is_empty()));
    // What could not be read may violate anything.
    let mut list = collector(Some(Vec::new()));
    list.add(subject(Place::Workload, Vec::new()));
    list.error("pods could not be read".to_owned());
    assert_eq!(item(&list.finish(String::new(), String::new()), 59).verdict, ItemVerdict::Unknown);
}

#[test]
fn a_rule_without_its_facts_is_no_pass() {
    let of = |facts: Option<Vec<String>>| {
        let mut list = collector(facts);
        list.add(subject(Place::Workload, Vec::new()));
        list.finish(String::new(), String::new())
    };
    let missing = |report: &OwaspReport, number| item(report, number).not_judged.join("; ");
    assert!(missing(&of(None), 46).contains("network-policy: only a cluster shows it"));
    assert_eq!(missing(&of(Some(Vec::new())), 46), "");
    assert!(missing(&of(Some(vec!["of two nodes".to_owned()])), 81).contains("of two nodes"));
}

#[test]
fn connections_are_judged_where_they_are_denied() {
    let files = collector(None).finish(String::new(), String::new());
    assert_eq!(item(&files, 66).verdict, ItemVerdict::Unknown);
    let cluster = collector(Some(Vec::new())).finish(String::new(), String::new());
    assert_eq!((item(&cluster, 66).verdict, item(&cluster, 66).passes), (ItemVerdict::Pass, 1));
    // The built-in policy only warns of these.
    assert_eq!(item(&cluster, 67).verdict, ItemVerdict::Unknown);
}

#[test]
fn an_image_without_a_trust_document_says_nothing_of_signatures() {
    let with = |trust| {
        let mut list = collector(None);
        list.add(subject(Place::Image { trust }, Vec::new()));
        let report = list.finish(String::new(), String::new());
        (item(&report, 13).passes, item(&report, 9).passes)
    };
    assert_eq!((with(false), with(true)), ((0, 1), (1, 1)));
}

#[test]
fn a_node_says_itself_what_it_judged() {
    let mut list = collector(None);
    let only = |rule, verdict, items: &[u8]| Found { items: items.to_vec(), ..found(rule, verdict) };
    let results = vec![
        only("node-files", ItemVerdict::Pass, &[37]),
        only("node-files", ItemVerdict::Fail, &[38]),
        only("node-files", ItemVerdict::NotApplicable, &[90]),
        only("node-files", ItemVerdict::Unknown, &[92]),
    ];
    list.add(subject(Place::Node, results));
    let report = list.finish(String::new(), String::new());
    let verdicts = [37, 38, 90, 92, 93].map(|number| item(&report, number).verdict);
    // Nothing was said of the last one, and the rule did not see all.
    assert_eq!(verdicts, [Pass, Fail, NotApplicable, Unknown, Unknown]);
}

#[test]
fn a_node_that_has_nothing_of_an_item_is_no_pass() {
    let of = |found: Vec<Found>| {
        let mut list = collector(None);
        list.add(subject(Place::Node, found));
        let report = list.finish(String::new(), String::new());
        let item = item(&report, 90);
        (item.verdict, item.findings.first().and_then(|finding| finding.note.clone()).unwrap_or_default())
    };
    let files = |verdict| Found { items: vec![37], ..found("node-files", verdict) };
    assert_eq!(of(vec![files(Pass)]), (NotApplicable, String::new()));
    let (verdict, why) = of(vec![files(Pass), files(Unknown)]);
    assert!(verdict == Unknown && why.starts_with("node-files could not see all of the node: "), "{why}");
    let (verdict, why) = of(vec![found("node-tls", Pass)]);
    assert!(verdict == Unknown && why.contains("make it again"), "{why}");
}
