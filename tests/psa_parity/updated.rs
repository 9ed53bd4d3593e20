//! Both answers to an update, and their unexpected differences.
//!
//! Upstream looks at an update only when an image changed, or a container came (or one of the pod's own went). Then podreeve is to
//! deny by the same checks, all of them. Upstream admits any other update, and podreeve must report everything that the
//! pod violates, and deny only the violations that the update introduces.

use crate::checks::{Groups, Translation};
use crate::common::TODAY;
use crate::compare::{Ours, smaller};
use crate::updates::Update;
use crate::upstream::{Judge, Upstream};
use podreeve::admit::{Hook, admit};
use podreeve::decide::Effect;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::thread;

/// What upstream says at one target.
#[derive(Debug, Clone, Copy)]
pub struct Upstreams {
    pub denies: bool,
    /// That refuse the new pod.
    pub refused: Groups,
    /// That refuse what was not refused before, container by container.
    pub least: Groups,
    /// That refuse something which was changed.
    pub most: Groups,
}

/// What podreeve says.
#[derive(Debug, Clone, Default)]
pub struct Said {
    pub denied: Groups,
    /// Denied or warned of.
    pub told: Groups,
    pub is_denied: bool,
    pub problem: Option<String>,
}

/// What has been seen.
#[derive(Debug, Default)]
pub struct Seen {
    pub updates: u64,
    pub verdicts: u64,
    /// Verdicts of these sorts: see [`Sort`].
    pub sorts: [u64; 5],
    /// For each sub-resource, how many of them upstream denies.
    pub denied_at: BTreeMap<&'static str, u64>,
    /// For each group of checks, the denials of updates that upstream looks at, and those of what other ones introduce.
    pub groups: BTreeMap<Groups, (u64, u64)>,
    /// The first one of each target.
    pub differing: BTreeMap<usize, (u64, Update)>,
    pub unreadable: Vec<String>,
}

impl Seen {
    pub fn of(&self, sort: Sort) -> u64 {
        self.sorts[sort as usize]
    }

    fn add(&mut self, sub_resource: &'static str, sort: Sort, said: &Said) {
        self.verdicts += 1;
        self.sorts[sort as usize] += 1;
        *self.denied_at.entry(sub_resource).or_default() += u64::from(sort == Sort::BothDeny);
        for group in said.denied.each() {
            let (looked_at, introduced) = self.groups.entry(group).or_default();
            *looked_at += u64::from(sort == Sort::BothDeny);
            *introduced += u64::from(sort == Sort::Introduced);
        }
    }

    fn merge(&mut self, other: Self) {
        self.updates += other.updates;
        self.verdicts += other.verdicts;
        self.sorts.iter_mut().zip(other.sorts).for_each(|(mine, other)| *mine += other);
        for (sub_resource, count) in other.denied_at {
            *self.denied_at.entry(sub_resource).or_default() += count;
        }
        for (group, (looked_at, introduced)) in other.groups {
            let mine = self.groups.entry(group).or_default();
            *mine = (mine.0 + looked_at, mine.1 + introduced);
        }
        for (target, differing) in other.differing {
            self.differing.entry(target).or_insert(differing);
        }
        self.unreadable.extend(other.unreadable);
    }
}

/// What becomes of an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Upstream looks at it, and denies; podreeve denies.
    BothDeny,
    /// Nothing is violated.
    BothAllow,
    /// Upstream does not look; podreeve warns of what was there.
    Warned,
    /// Upstream does not look; podreeve denies what came.
    Introduced,
    Differs,
}

fn sort(upstream: &Upstreams, said: &Said) -> Sort {
    let all_told = said.told == upstream.refused && said.problem.is_none() && said.is_denied != said.denied.is_empty();
    match upstream {
        _ if !all_told => Sort::Differs,
        Upstreams { denies: true, refused, .. } if said.denied == *refused => Sort::BothDeny,
        Upstreams { denies: false, refused, .. } if refused.is_empty() => Sort::BothAllow,
        Upstreams { denies: false, least, most, .. } if said.denied.has(*least) && most.has(said.denied) => {
            if said.is_denied { Sort::Introduced } else { Sort::Warned }
        }
        _ => Sort::Differs,
    }
}

impl Ours {
    pub fn update(&self, target: usize, update: &Update) -> Said {
        let outcome = admit(review(update).as_bytes(), Hook::Validate, &self.snapshots[target], TODAY);
        let mut said = Said {
            is_denied: outcome.verdict == podreeve::outcome::Verdict::Deny,
            problem: outcome.problem.clone(),
            ..Said::default()
        };
        for tally in &outcome.tallies {
            let Some(group) = Groups::of_rule(tally.rule) else {
                said.problem = Some(format!("{} is no rule of the standard", tally.rule));
                continue;
            };
            said.told = said.told.with(group);
            match tally.effect {
                Effect::Deny => said.denied = said.denied.with(group),
                Effect::Warn => {}
                other => said.problem = Some(format!("{} has the effect {}", tally.rule, other.as_str())),
            }
        }
        said
    }
}

/// The AdmissionReview in which the API server would send it.
fn review(update: &Update) -> String {
    let Update { sub_resource, old, new } = update;
    format!(
        r#"{{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{{"uid":"1","kind":{{"group":"","version":"v1","kind":"Pod"}},"resource":{{"group":"","version":"v1","resource":"pods"}},"subResource":"{sub_resource}","namespace":"default","operation":"UPDATE","userInfo":{{"username":"jane"}},"object":{new},"oldObject":{old}}}}}"#
    )
}

fn ask(judge: &mut Judge, translation: &Translation, update: &Update) -> Result<Vec<Upstreams>, String> {
    let Update { sub_resource, old, new } = update;
    let answer = judge.ask(&format!(r#"{{"subResource":"{sub_resource}","old":{old},"new":{new}}}"#));
    if let Some(message) = answer.strip_prefix("unreadable ") {
        return Err(message.to_owned());
    }
    let target = |text: &str| {
        let mut parts = text.split(',');
        let denies = parts.next() == Some("true");
        let mut groups = || {
            let mask = parts.next().expect("four parts");
            translation.groups(u64::from_str_radix(mask, 16).expect("a hexadecimal number"))
        };
        Upstreams { denies, refused: groups(), least: groups(), most: groups() }
    };
    Ok(answer.split(' ').map(target).collect())
}

/// Sends updates to both at every target. `update` makes update n of `count`.
pub fn compare(upstream: &Upstream, ours: &Ours, count: u64, update: &(dyn Fn(u64) -> Update + Sync)) -> Seen {
    let workers = thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let work = |worker| {
        let mut seen = Seen::default();
        let translation = Translation::new(&upstream.about);
        let mut judge = upstream.judge_updates(&ours.targets);
        for n in (worker..count).step_by(usize::try_from(workers).expect("few")) {
            compare_one(&mut seen, ours, &mut judge, &translation, &update(n), n);
        }
        seen
    };
    let mut seen = Seen::default();
    thread::scope(|scope| {
        let running: Vec<_> = (0..workers).map(|worker| scope.spawn(move || work(worker))).collect();
        for worker in running {
            seen.merge(worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
    });
    seen
}

fn compare_one(seen: &mut Seen, ours: &Ours, judge: &mut Judge, translation: &Translation, update: &Update, n: u64) {
    let verdicts = match ask(judge, translation, update) {
        Ok(verdicts) => verdicts,
        Err(message) => return seen.unreadable.push(format!("update {n}: {message}\n{update:?}")),
    };
    seen.updates += 1;
    for (target, upstream) in verdicts.iter().enumerate() {
        let said = ours.update(target, update);
        let sort = sort(upstream, &said);
        seen.add(update.sub_resource, sort, &said);
        if sort == Sort::Differs {
            seen.differing.entry(target).or_insert_with(|| (n, update.clone()));
        }
    }
}

/// The update with everything taken away that the difference does not need.
fn minimise(upstream: &Upstream, ours: &Ours, target: usize, update: &Update) -> Update {
    let translation = Translation::new(&upstream.about);
    let mut judge = upstream.judge_updates(std::slice::from_ref(&ours.targets[target]));
    let made = |both: &Value| {
        let part = |part: &str| both[part].is_object().then(|| both[part].to_string());
        Some(Update { sub_resource: update.sub_resource, old: part("old")?, new: part("new")? })
    };
    let mut differs = |both: &Value| {
        let update = made(both)?;
        let verdicts = ask(&mut judge, &translation, &update).ok()?;
        (sort(&verdicts[0], &ours.update(target, &update)) == Sort::Differs).then_some(update)
    };
    let read = |text: &str| serde_json::from_str::<Value>(text).expect("it is JSON");
    let mut both = json!({"old": read(&update.old), "new": read(&update.new)});
    let Some(mut smallest) = differs(&both) else { return update.clone() };
    'again: loop {
        for smaller in smaller(&both) {
            if let Some(update) = differs(&smaller) {
                (both, smallest) = (smaller, update);
                continue 'again;
            }
        }
        return smallest;
    }
}

/// The differences as text, each minimised.
pub fn report(upstream: &Upstream, ours: &Ours, seen: &Seen) -> String {
    let translation = Translation::new(&upstream.about);
    let mut text = format!("{} answers to updates are wrong, of {}:\n", seen.of(Sort::Differs), seen.verdicts);
    for (target, (n, update)) in &seen.differing {
        let smallest = minimise(upstream, ours, *target, update);
        let at = &ours.targets[*target];
        let mut judge = upstream.judge_updates(std::slice::from_ref(at));
        let said = ours.update(*target, &smallest);
        let _ = write!(
            text,
            "\nat {at}, from update {n}: {:?}\nold {}\nnew {}\n",
            smallest.sub_resource, smallest.old, smallest.new
        );
        if let Ok(verdicts) = ask(&mut judge, &translation, &smallest) {
            let Upstreams { denies, refused, least, most } = verdicts[0];
            let does = if denies { "denies" } else { "lets it pass" };
            let _ =
                writeln!(text, "upstream {does}; refused by {refused}, introduced: at least {least}, at most {most}");
        }
        let _ =
            writeln!(text, "podreeve denies {}, tells {} {}", said.denied, said.told, said.problem.unwrap_or_default());
    }
    text
}
