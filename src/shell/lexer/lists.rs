//! What follows from failures in lists: `a && b; c`. After a list its checks count no more, unless a failure ended the script.

use super::{BEGIN, PASS};
use crate::shell::{Command, Failure, Options};

/// How many commands behind `||` are looked at. Groups in groups would else be looked at again and again.
const MOST: usize = 64;

/// A group of commands that is open, or the script.
#[derive(Default)]
struct Level {
    /// The commands whose failure is that of the list that is open.
    members: Vec<usize>,
    /// The first command of the last pipe of the list.
    last: usize,
    /// Those of lists that end a way of `if` or `case`: their failure is that of the group.
    tail: Vec<usize>,
    /// What `if` or `case` tests.
    conditions: Vec<usize>,
    /// Whether it is `if` or `case`.
    has_ways: bool,
    /// Whether its ways do nothing but say something.
    only_says: bool,
    /// The options outside of parentheses.
    options: Option<Options>,
}

impl Level {
    /// The list that is open was the last one of a way.
    fn end_way(&mut self, ends_at_failures: bool) {
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
    voids: bool,
}

impl Lists {
    pub(super) fn new() -> Self {
        Self { levels: vec![Level::default()], ended: None, voids: false }
    }

    fn top(&mut self) -> Option<&mut Level> {
        self.levels.last_mut()
    }

    /// A group begins; parentheses give their options back.
    pub(super) fn begin(&mut self, has_ways: bool, options: Option<Options>) {
        self.levels.push(Level { has_ways, options, ..Level::default() });
    }

    /// `;`, `&` or the end of a line.
    pub(super) fn end_list(&mut self) {
        self.ended = self.levels.len().checked_sub(1);
    }

    /// `;;`.
    pub(super) fn end_way(&mut self, ends_at_failures: bool) {
        if let Some(level) = self.top() {
            level.end_way(ends_at_failures);
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
                    level.only_says = true;
                }
                "do" => level.members.clear(),
                "elif" | "else" => level.end_way(ends_at_failures),
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
        command.begins_list |= std::mem::take(&mut self.voids);
        let says = says(command);
        let index = commands.len();
        if let Some(level) = self.top().filter(|level| level.has_ways && first == "case") {
            level.conditions.push(index);
            level.only_says = true;
        } else if let Some(level) = self.top() {
            level.only_says &= says;
            level.members.push(index);
            if command.reads.is_empty() {
                level.last = index;
            }
        }
    }

    /// A group ends: its failure is that of its last list, which is returned for a function. The second value are options to go on with.
    pub(super) fn end(&mut self, is_function: bool, commands: &mut [Command]) -> (Vec<usize>, Option<Options>) {
        if self.levels.len() < 2 {
            return (Vec::new(), None);
        }
        let Some(Level { mut members, last, tail, conditions, has_ways, only_says, options }) = self.levels.pop()
        else {
            return (Vec::new(), None);
        };
        self.ended = self.ended.filter(|level| *level < self.levels.len());
        join(&mut members, tail);
        if has_ways && only_says && !conditions.is_empty() {
            for condition in conditions {
                mark(commands, condition, Failure::Guards);
            }
            self.voids = true;
        }
        if is_function {
            return (members, options);
        }
        if let Some(outer) = self.top() {
            outer.only_says &= only_says;
            outer.last = outer.last.max(last);
            join(&mut outer.members, members);
        }
        (Vec::new(), options)
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
        let fails = |command: &Command| says(command) || is(command, "false") || command.within.0 > depth;
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

/// Whether it only says something, and never fails.
fn says(command: &Command) -> bool {
    program(command).is_none_or(|program| PASS.contains(&program))
}
