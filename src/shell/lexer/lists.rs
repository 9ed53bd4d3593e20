//! What follows from failures in lists: `a && b; c`. After a list its checks count no more, unless a failure ended the script.

use super::{BEGIN, PASS};
use crate::shell::{Command, Failure};

/// How many commands behind `||` are looked at. Groups in groups would else be looked at again and again.
const MOST: usize = 64;

/// A group of commands that is open, or the script.
#[derive(Default)]
struct Level {
    /// The commands whose failure is that of the list that is open.
    members: Vec<usize>,
    /// The first command of the last pipe of the list.
    last: usize,
    /// Those of lists that end a branch of `if` or `case`: their failure is that of the group.
    tail: Vec<usize>,
    /// What `if` or `case` tests.
    conditions: Vec<usize>,
    /// Whether it is `if` or `case`.
    has_branches: bool,
    /// Whether its branches do nothing but print something.
    only_prints: bool,
}

impl Level {
    /// The list that is open was the last one of a branch.
    fn end_branch(&mut self, ends_at_failures: bool) {
        let mut members = std::mem::take(&mut self.members);
        members.retain(|member| !(ends_at_failures && *member >= self.last));
        join(&mut self.tail, members);
    }
}

pub(super) struct Lists {
    levels: Vec<Level>,
    /// The level whose list has ended, so that the next command begins another one.
    ended: Option<usize>,
    /// What `if` or `case` tested counts no more.
    forgets_conditions: bool,
}

impl Lists {
    pub(super) fn new() -> Self {
        Self { levels: vec![Level::default()], ended: None, forgets_conditions: false }
    }

    fn top(&mut self) -> Option<&mut Level> {
        self.levels.last_mut()
    }

    /// A group begins.
    pub(super) fn begin(&mut self, has_branches: bool) {
        self.levels.push(Level { has_branches, ..Level::default() });
    }

    /// `;`, `&` or the end of a line.
    pub(super) fn end_list(&mut self) {
        self.ended = self.levels.len().checked_sub(1);
    }

    /// `;;`.
    pub(super) fn end_branch(&mut self, ends_at_failures: bool) {
        if let Some(level) = self.top() {
            level.end_branch(ends_at_failures);
        }
        self.ended = None;
    }

    /// A command that is about to be added to these.
    pub(super) fn add(&mut self, command: &mut Command, commands: &mut [Command], ends_at_failures: bool) {
        let first = command.words.first().map_or("", |word| word.text.as_str());
        let ended = self.ended.take().and_then(|level| self.levels.get_mut(level));
        if let Some(level) = ended {
            match first {
                "then" => {
                    join(&mut level.conditions, std::mem::take(&mut level.members));
                    level.only_prints = true;
                }
                "do" => level.members.clear(),
                "elif" | "else" => level.end_branch(ends_at_failures),
                // It reads itself whether the command before failed.
                _ if command.words.iter().any(|word| word.text.contains("$?")) => level.members.clear(),
                _ => {
                    let last = level.last;
                    for member in level.members.drain(..).filter(|member| !(ends_at_failures && *member >= last)) {
                        let failure = if member >= last { Failure::PassedOver } else { Failure::Guards };
                        mark(commands, member, failure);
                    }
                    command.begins_list = true;
                }
            }
        }
        command.begins_list |= std::mem::take(&mut self.forgets_conditions);
        let prints = only_prints(command);
        let index = commands.len();
        if let Some(level) = self.top().filter(|level| level.has_branches && first == "case") {
            level.conditions.push(index);
            level.only_prints = true;
        } else if let Some(level) = self.top() {
            level.only_prints &= prints;
            level.members.push(index);
            if command.reads.is_empty() {
                level.last = index;
            }
        }
    }

    /// A group ends. Its failure is that of its last list, and counts in the list that the group is in.
    pub(super) fn end(&mut self, commands: &mut [Command]) {
        let Some(Level { members, last, only_prints, .. }) = self.pop(commands) else { return };
        if let Some(outer) = self.top() {
            outer.only_prints &= only_prints;
            outer.last = outer.last.max(last);
            join(&mut outer.members, members);
        }
    }

    /// The body of a function ends: the commands whose failure is its own, in their order.
    pub(super) fn end_function(&mut self, commands: &mut [Command]) -> Vec<usize> {
        let mut members = self.pop(commands).map(|level| level.members).unwrap_or_default();
        members.sort_unstable();
        members
    }

    /// The group that ends, with all commands whose failure is its own as members; none if no group is open.
    fn pop(&mut self, commands: &mut [Command]) -> Option<Level> {
        // The last one is the script.
        let mut level = if self.levels.len() > 1 { self.levels.pop()? } else { return None };
        self.ended = self.ended.filter(|ended| *ended < self.levels.len());
        join(&mut level.members, std::mem::take(&mut level.tail));
        if level.has_branches && level.only_prints && !level.conditions.is_empty() {
            for condition in level.conditions.drain(..) {
                mark(commands, condition, Failure::Guards);
            }
            self.forgets_conditions = true;
        }
        Some(level)
    }

    /// What is behind `||` begins with this command, and has ended. `depth` is the number of parentheses around it; `passes` is whether
    /// it never fails.
    pub(super) fn end_alternative(
        &mut self,
        begin: usize,
        (depth, passes): (usize, bool),
        commands: &mut [Command],
        ends_at_failures: bool,
    ) {
        let alternative = commands.get(begin..).unwrap_or_default();
        // `exit` in parentheses ends these alone, and `false` only fails.
        let fails = |command: &Command| only_prints(command) || is(command, "false") || command.within.0 > depth;
        let is_short = alternative.len() <= MOST;
        let only_fails = !passes && !ends_at_failures && is_short && alternative.iter().all(fails);
        let Some(level) = self.levels.last_mut().filter(|_| !only_fails) else { return };
        let before = level.members.extract_if(.., |member| *member < begin);
        for member in before.filter(|_| passes) {
            mark(commands, member, Failure::Ignored);
        }
    }
}

fn mark(commands: &mut [Command], index: usize, failure: Failure) {
    if let Some(command) = commands.get_mut(index) {
        command.failure = command.failure.max(failure);
    }
}

/// Adds the fewer ones to the others: groups in groups would else be copied again and again.
fn join(to: &mut Vec<usize>, mut from: Vec<usize>) {
    if from.len() > to.len() {
        std::mem::swap(to, &mut from);
    }
    to.append(&mut from);
}

/// The name of its program, behind words of the shell.
fn program(command: &Command) -> Option<&str> {
    let mut words = command.words.iter().map(|word| word.text.as_str());
    words.find(|word| !BEGIN.contains(word) && !super::NEXT.contains(word))
}

fn is(command: &Command, name: &str) -> bool {
    program(command) == Some(name)
}

/// Whether it only prints something, and never fails.
fn only_prints(command: &Command) -> bool {
    program(command).is_none_or(|program| PASS.contains(&program))
}
