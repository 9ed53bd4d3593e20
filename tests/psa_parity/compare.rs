//! Both verdicts on a pod, and where they differ.

use crate::checks::{Groups, Translation};
use crate::common::TODAY;
use crate::upstream::{Target, Upstream, verdicts};
use podreeve::admit::{Hook, Snapshot, admit};
use podreeve::outcome::Verdict;
use podreeve::sources::Sources;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::mpsc::sync_channel;
use std::thread;

/// podreeve with the built-in policy of each target.
pub struct Ours {
    pub targets: Vec<Target>,
    pub snapshots: Vec<Snapshot>,
}

/// podreeve's verdict on a pod.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdicted {
    pub groups: Groups,
    pub denied: bool,
    /// Why the pod could not be judged, or another problem that no check of upstream has.
    pub problem: Option<String>,
}

impl Ours {
    pub fn new(targets: Vec<Target>) -> Self {
        let policies: Vec<String> = targets.iter().map(Target::policy).collect();
        Self::with_policies(targets, &policies)
    }

    /// With other policies than those of the targets.
    pub fn with_policies(targets: Vec<Target>, policies: &[String]) -> Self {
        // Only the counts for each rule are needed. Texts of violations would take time.
        let load = |policy: &String| Sources::new(std::slice::from_ref(policy)).load(1, 0);
        let snapshots = policies.iter().map(|policy| load(policy).expect("the built-in policies load")).collect();
        Self { targets, snapshots }
    }

    pub fn judge(&self, target: usize, body: &str) -> Verdicted {
        let outcome = admit(body.as_bytes(), Hook::Validate, &self.snapshots[target], TODAY);
        let mut verdict = Verdicted { denied: outcome.verdict == Verdict::Deny, ..Verdicted::default() };
        for tally in &outcome.tallies {
            match Groups::of_rule(tally.rule) {
                Some(group) => verdict.groups = verdict.groups.with(group),
                None => verdict.problem = Some(format!("{} is no rule of the standard", tally.rule)),
            }
        }
        verdict.problem = outcome.problem.or(verdict.problem);
        verdict
    }

    /// podreeve's verdict on a pod, in words.
    fn explain(&self, target: usize, pod: &str) -> String {
        let outcome = admit(review(pod).as_bytes(), Hook::Validate, &self.snapshots[target], TODAY);
        let rules: Vec<&str> = outcome.tallies.iter().map(|tally| tally.rule).collect();
        let problem = outcome.problem.unwrap_or_default();
        format!("{} {}{problem}", outcome.verdict.as_str(), rules.join(", "))
    }
}

/// The AdmissionReview in which the API server would send this pod.
pub fn review(pod: &str) -> String {
    format!(
        r#"{{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{{"uid":"1","kind":{{"group":"","version":"v1","kind":"Pod"}},"resource":{{"group":"","version":"v1","resource":"pods"}},"namespace":"default","operation":"CREATE","userInfo":{{"username":"jane"}},"object":{pod}}}}}"#
    )
}

/// A pod on which the two do not agree.
#[derive(Debug, Clone)]
pub struct Difference {
    /// Where the pod comes from.
    pub name: String,
    pub pod: String,
    /// Its place in the list of targets.
    pub target: usize,
    pub about: Disagreement,
}

/// What they do not agree about: one group, and whether it is podreeve that refuses; or, without a group, that
/// podreeve could not judge the pod. Differences with one cause are alike in this.
pub type Disagreement = (Groups, bool);

/// Where the two do not agree that the same checks refuse the pod, and that it is denied when any does.
pub fn disagreements(upstream: Groups, ours: &Verdicted) -> Vec<Disagreement> {
    let mut found: Vec<Disagreement> =
        upstream.differing(ours.groups).each().map(|group| (group, !upstream.has(group))).collect();
    if ours.problem.is_some() || (found.is_empty() && ours.denied == upstream.is_empty()) {
        found.push((Groups::default(), true));
    }
    found
}

/// How much a comparison has seen.
#[derive(Debug, Default)]
pub struct Figures {
    pub pods: u64,
    pub verdicts: u64,
    pub differences: u64,
    /// Of each sort the first.
    pub first: BTreeMap<Disagreement, Difference>,
    /// For each target, pods that all checks let pass.
    pub passed: Vec<u64>,
    /// For each target and check, the pods that it refuses, and those that it alone refuses.
    pub refused: Vec<Vec<(u64, u64)>>,
    /// Pods that the API server could not read; there must be none.
    pub unreadable: Vec<String>,
}

impl Figures {
    fn new(targets: usize, checks: usize) -> Self {
        Self { passed: vec![0; targets], refused: vec![vec![(0, 0); checks]; targets], ..Self::default() }
    }

    fn add(&mut self, target: usize, mut mask: u64) {
        self.verdicts += 1;
        self.passed[target] += u64::from(mask == 0);
        let alone = u64::from(mask.is_power_of_two());
        while mask != 0 {
            let (refused, by_it_alone) = &mut self.refused[target][mask.trailing_zeros() as usize];
            *refused += 1;
            *by_it_alone += alone;
            mask &= mask - 1;
        }
    }

    fn merge(&mut self, other: Self) {
        self.pods += other.pods;
        self.verdicts += other.verdicts;
        self.differences += other.differences;
        for (about, difference) in other.first {
            self.first.entry(about).or_insert(difference);
        }
        self.passed.iter_mut().zip(other.passed).for_each(|(mine, other)| *mine += other);
        for (mine, other) in self.refused.iter_mut().flatten().zip(other.refused.into_iter().flatten()) {
            *mine = (mine.0 + other.0, mine.1 + other.1);
        }
        self.unreadable.extend(other.unreadable);
    }

    /// At all targets together: verdicts in which the check refuses a pod, and those in which it alone does.
    pub fn of_check(&self, check: usize) -> (u64, u64) {
        let of_target = self.refused.iter().map(|target| target[check]);
        of_target.fold((0, 0), |sum, (refused, alone)| (sum.0 + refused, sum.1 + alone))
    }
}

/// Pods that travel together: one write, and then all their answers.
const BLOCK: u64 = 64;

/// Sends pods to both at every target. `pod` makes pod n of `count`, with a name for the report.
pub fn compare(
    upstream: &Upstream,
    ours: &Ours,
    count: u64,
    pod: &(dyn Fn(u64) -> (String, String) + Sync),
) -> Figures {
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let mut figures = Figures::new(ours.targets.len(), upstream.about.checks.len());
    thread::scope(|scope| {
        let running: Vec<_> = (0..workers)
            .map(|worker| {
                let blocks = (0..count.div_ceil(BLOCK)).skip(worker).step_by(workers);
                scope.spawn(move || compare_blocks(upstream, ours, count, blocks, pod))
            })
            .collect();
        for worker in running {
            figures.merge(worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
    });
    figures
}

fn compare_blocks(
    upstream: &Upstream,
    ours: &Ours,
    count: u64,
    blocks: impl Iterator<Item = u64> + Send,
    pod: &(dyn Fn(u64) -> (String, String) + Sync),
) -> Figures {
    let translation = Translation::new(&upstream.about);
    let mut figures = Figures::new(ours.targets.len(), upstream.about.checks.len());
    let mut judge = upstream.judge(&ours.targets);
    let mut input = judge.input();
    let (send, receive) = sync_channel::<Vec<(String, String)>>(4);
    thread::scope(|scope| {
        scope.spawn(move || {
            for block in blocks {
                let pods: Vec<_> = (block * BLOCK..count.min((block + 1) * BLOCK)).map(pod).collect();
                let mut lines = String::new();
                for (_, pod) in &pods {
                    lines.push_str(pod);
                    lines.push('\n');
                }
                // The reader of answers gets the pods first, and upstream gets them then: no pipe can fill up.
                if send.send(pods).is_err() || input.write_all(lines.as_bytes()).is_err() {
                    return;
                }
            }
        });
        for pods in receive {
            for (name, pod) in pods {
                let masks = match verdicts(&judge.answer()) {
                    Ok(masks) => masks,
                    Err(message) => {
                        figures.unreadable.push(format!("{name}: {message}\n{pod}"));
                        continue;
                    }
                };
                let body = review(&pod);
                figures.pods += 1;
                for (target, mask) in masks.into_iter().enumerate() {
                    figures.add(target, mask);
                    let refused = translation.groups(mask);
                    let verdict = ours.judge(target, &body);
                    let found = disagreements(refused, &verdict);
                    figures.differences += u64::from(!found.is_empty());
                    for about in found {
                        let difference = || Difference { name: name.clone(), pod: pod.clone(), target, about };
                        figures.first.entry(about).or_insert_with(difference);
                    }
                }
            }
        }
    });
    figures
}

/// The pod with everything taken away that the difference does not need.
pub fn minimise(upstream: &Upstream, ours: &Ours, difference: &Difference) -> Difference {
    let translation = Translation::new(&upstream.about);
    let mut judge = upstream.judge(std::slice::from_ref(&ours.targets[difference.target]));
    let mut differs = |pod: &Value| {
        let pod = pod.to_string();
        let refused = translation.groups(verdicts(&judge.ask(&pod)).ok()?[0]);
        let verdict = ours.judge(difference.target, &review(&pod));
        let same = disagreements(refused, &verdict).contains(&difference.about);
        same.then(|| Difference { pod, ..difference.clone() })
    };
    let mut pod: Value = serde_json::from_str(&difference.pod).expect("it is JSON");
    // Where it is the spelling that matters, nothing can be taken away from the pod.
    let Some(mut smallest) = differs(&pod) else { return difference.clone() };
    // Greedy: after each success the places are other ones, so all are tried again until none goes.
    'again: loop {
        for smaller in smaller(&pod) {
            if let Some(difference) = differs(&smaller) {
                (pod, smallest) = (smaller, difference);
                continue 'again;
            }
        }
        return smallest;
    }
}

/// The value without one of its parts, large parts first.
pub fn smaller(value: &Value) -> Vec<Value> {
    let (mut without, mut within) = (Vec::new(), Vec::new());
    match value {
        Value::Array(list) => {
            for (index, part) in list.iter().enumerate() {
                let mut rest = list.clone();
                rest.remove(index);
                without.push(Value::Array(rest));
                within.extend(smaller(part).into_iter().map(|part| {
                    let mut list = list.clone();
                    list[index] = part;
                    Value::Array(list)
                }));
            }
        }
        Value::Object(members) => {
            for (key, part) in members {
                let mut rest = members.clone();
                rest.remove(key);
                without.push(Value::Object(rest));
                within.extend(smaller(part).into_iter().map(|part| {
                    let mut members = members.clone();
                    members.insert(key.clone(), part);
                    Value::Object(members)
                }));
            }
        }
        _ => {}
    }
    without.extend(within);
    without
}

/// The differences as text, each minimised.
pub fn report(upstream: &Upstream, ours: &Ours, figures: &Figures) -> String {
    let mut text = format!("{} verdicts differ from upstream's, of {}:\n", figures.differences, figures.verdicts);
    for difference in figures.first.values() {
        let smallest = minimise(upstream, ours, difference);
        let target = &ours.targets[difference.target];
        let pod: Value = serde_json::from_str(&smallest.pod).expect("it is JSON");
        let plain = pod.to_string();
        let pod = if plain == smallest.pod { format!("{pod:#}") } else { smallest.pod.clone() };
        let (group, _) = difference.about;
        let checks: Vec<&str> = group.iter().flat_map(|group| group.checks).copied().collect();
        let _ = writeln!(
            text,
            "\n{} at {target}, from {}\n{pod}\nupstream: {}\npodreeve: {}",
            if checks.is_empty() { "verdict".to_owned() } else { checks.join(" and ") },
            smallest.name,
            upstream.explain(target, &smallest.pod),
            ours.explain(smallest.target, &smallest.pod),
        );
    }
    text
}
