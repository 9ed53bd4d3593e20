//! The edits of a tree as a diff in YAML: only what changes, and the keys above it, in the order of the object.

use super::by::By;
use super::flow;
use super::tree::{Child, Node, live};
use crate::text::push_spaces;
use std::ops::Range;

/// What a line shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// A key above a change.
    Above,
    Removed,
    Added,
}

impl Sign {
    #[must_use]
    pub const fn as_char(self) -> char {
        match self {
            Self::Above => ' ',
            Self::Removed => '-',
            Self::Added => '+',
        }
    }
}

/// A line of a [`Diff`].
#[derive(Debug, Clone)]
pub struct Line {
    pub sign: Sign,
    text: Range<usize>,
    by: Range<usize>,
    /// The container that the line is about, counted over all lists.
    pub container: Option<usize>,
}

/// The lines of a diff.
#[derive(Debug, Clone, Default)]
pub struct Diff {
    text: String,
    marks: Vec<usize>,
    pub lines: Vec<Line>,
    containers: usize,
}

/// Room for most diffs.
const TEXT: usize = 2048;
const LINES: usize = 48;
/// So long may a value be on one line.
const WIDTH: usize = 130;
/// An object that was so short, and of which nothing stays, is shown as a whole.
const SHORT: usize = 60;

impl Diff {
    /// The line with its indent, without its sign.
    #[must_use]
    pub fn text(&self, line: &Line) -> &str {
        self.text.get(line.text.clone()).unwrap_or_default()
    }

    /// The offers that the line belongs to.
    #[must_use]
    pub fn by(&self, line: &Line) -> &[usize] {
        self.marks.get(line.by.clone()).unwrap_or_default()
    }

    /// How many containers have lines.
    #[must_use]
    pub const fn containers(&self) -> usize {
        self.containers
    }

    pub(super) fn of(node: &Node<'_>) -> Self {
        let diff = Self {
            text: String::with_capacity(TEXT),
            marks: Vec::with_capacity(LINES),
            lines: Vec::with_capacity(LINES),
            containers: 0,
        };
        let mut writer = Writer { diff, container: None };
        writer.node(node, 0, "");
        writer.diff
    }
}

struct Writer {
    diff: Diff,
    container: Option<usize>,
}

/// How a line begins: its indent, and the dash of a list element that has not been written yet.
#[derive(Clone, Copy)]
struct Start {
    indent: usize,
    dash: bool,
}

impl Start {
    const fn at(indent: usize) -> Self {
        Self { indent, dash: false }
    }
}

impl Writer {
    fn node(&mut self, node: &Node<'_>, indent: usize, key: &str) {
        match node {
            Node::Map(children) => self.members(children, Start::at(indent)),
            Node::List(children) => self.elements(children, indent, key),
            Node::Text(_) | Node::Made(_) => {}
        }
    }

    fn members(&mut self, children: &[Child<'_>], start: Start) {
        let mut start = start;
        for child in children.iter().filter(|child| child.is_changed()) {
            let lines = self.diff.lines.len();
            self.member(child, start);
            if self.diff.lines.len() > lines {
                start = Start { indent: start.indent + if start.dash { 2 } else { 0 }, dash: false };
            }
        }
    }

    fn member(&mut self, child: &Child<'_>, start: Start) {
        let inner = start.indent + if start.dash { 4 } else { 2 };
        match (&child.was, &child.now) {
            (None, None) => {}
            (Some(was), None) => self.removed(start, &child.key, was.get(), By::Own(&child.by)),
            (Some(was), Some(node @ (Node::Map(below) | Node::List(below)))) if was.get() != "null" => {
                if is_list_of_words(node) || is_replaced(below, was.get()) {
                    if !matches!(was.get(), "{}" | "[]") {
                        self.removed(start, &child.key, was.get(), By::Below(below));
                    }
                    self.added(start, &child.key, node, By::Below(below));
                    return;
                }
                self.line(Sign::Above, start, &child.key, |_| {}, By::Own(&[]));
                self.node(node, inner, &child.key);
            }
            (Some(was), Some(node)) => {
                if was.get() != "null" {
                    self.removed(start, &child.key, was.get(), By::Own(&child.by));
                }
                self.added(start, &child.key, node, By::All(child));
            }
            (None, Some(node)) => self.added(start, &child.key, node, By::All(child)),
        }
    }

    fn elements(&mut self, children: &[Child<'_>], indent: usize, key: &str) {
        let are_containers = matches!(key, "containers" | "initContainers" | "ephemeralContainers");
        for child in children.iter().filter(|child| child.is_changed()) {
            if are_containers {
                self.container = Some(self.diff.containers);
                self.diff.containers += 1;
            }
            let dash = Start { indent, dash: true };
            match (&child.was, &child.now) {
                (None, None) => {}
                (Some(was), None) => {
                    self.element(Sign::Removed, dash, |out| flow::sent(out, key, was.get()), By::Own(&child.by));
                }
                // Of the only port it is clear which one it is.
                (Some(_), Some(Node::Map(members))) if key == "ports" && children.len() == 1 => {
                    self.members(members, dash);
                }
                (Some(_), Some(Node::Map(members))) => self.item(members, dash),
                (was, Some(node)) => {
                    if let Some(was) = was {
                        self.element(Sign::Removed, dash, |out| flow::sent(out, key, was.get()), By::Own(&child.by));
                    }
                    self.element(Sign::Added, dash, |out| flow::made(out, node), By::All(child));
                }
            }
            if are_containers {
                self.container = None;
            }
        }
    }

    /// An element of a list, some members of which change. Its name shows which element it is, or else the first member that
    /// stays as it is.
    fn item(&mut self, members: &[Child<'_>], start: Start) {
        let is_kept = |child: &&Child<'_>| !child.is_changed() && child.key != "value";
        let shows =
            |child: &Child<'_>| child.was.is_some_and(|was| !was.get().starts_with(['{', '[']) && was.get().len() < 80);
        let named = members.iter().filter(is_kept).find(|child| child.key == "name" && shows(child));
        let changes_first = members
            .iter()
            .find(|child| shows(child))
            .is_some_and(|first| first.by.len() == 1 && first.now.is_some() && first.is_changed());
        let identity = match named {
            None if changes_first => None,
            None => members.iter().filter(is_kept).find(|child| shows(child)),
            named => named,
        };
        let Some((child, was)) = identity.and_then(|child| Some((child, child.was?))) else {
            return self.members(members, start);
        };
        self.line(Sign::Above, start, &child.key, |out| flow::sent(out, &child.key, was.get()), By::Own(&[]));
        self.members(members, Start::at(start.indent + 2));
    }

    fn removed(&mut self, start: Start, key: &str, was: &str, by: By<'_, '_>) {
        self.line(Sign::Removed, start, key, |out| flow::sent(out, key, was), by);
    }

    /// What an edit added, on one line, or its members below each other if it is long.
    fn added(&mut self, start: Start, key: &str, node: &Node<'_>, by: By<'_, '_>) {
        let begin = (self.diff.text.len(), self.diff.marks.len());
        self.line(Sign::Added, start, key, |out| flow::made(out, node), by);
        let Node::Map(children) = node else { return };
        let is_long = self.diff.lines.last().is_some_and(|line| line.text.len() > WIDTH);
        if !is_long {
            return;
        }
        self.diff.lines.pop();
        self.diff.text.truncate(begin.0);
        self.diff.marks.truncate(begin.1);
        self.line(Sign::Added, start, key, |_| {}, By::Own(&[]));
        let inner = Start::at(start.indent + if start.dash { 4 } else { 2 });
        for (child, node) in live(children) {
            self.added(inner, &child.key, node, By::All(child));
        }
    }

    fn line(&mut self, sign: Sign, start: Start, key: &str, value: impl FnOnce(&mut String), by: By<'_, '_>) {
        let begin = self.begin(start);
        flow::word(&mut self.diff.text, key);
        self.diff.text.push(':');
        let bare = self.diff.text.len();
        self.diff.text.push(' ');
        value(&mut self.diff.text);
        if self.diff.text.len() == bare + 1 {
            self.diff.text.truncate(bare);
        }
        self.end(sign, begin, by);
    }

    fn element(&mut self, sign: Sign, start: Start, value: impl FnOnce(&mut String), by: By<'_, '_>) {
        let begin = self.begin(start);
        value(&mut self.diff.text);
        self.end(sign, begin, by);
    }

    fn begin(&mut self, start: Start) -> usize {
        let begin = self.diff.text.len();
        push_spaces(&mut self.diff.text, start.indent);
        if start.dash {
            self.diff.text.push_str("- ");
        }
        begin
    }

    fn end(&mut self, sign: Sign, begin: usize, by: By<'_, '_>) {
        let marks = self.diff.marks.len();
        by.push(&mut self.diff.marks, marks);
        let (text, by) = (begin..self.diff.text.len(), marks..self.diff.marks.len());
        self.diff.lines.push(Line { sign, text, by, container: self.container });
    }
}

/// A list of words, such as capabilities, is shown whole.
fn is_list_of_words(node: &Node<'_>) -> bool {
    let Node::List(children) = node else { return false };
    children.iter().all(|child| match (&child.was, &child.now) {
        (Some(was), _) => was.get().starts_with('"'),
        (None, Some(Node::Made(made))) => made.is_string(),
        (None, _) => false,
    })
}

/// Whether nothing of the object stays, and it is short.
fn is_replaced(children: &[Child<'_>], was: &str) -> bool {
    let is_kept = |child: &Child<'_>| child.was.is_some() && child.now.is_some();
    was.len() <= SHORT && !children.iter().any(is_kept) && children.iter().any(|child| child.now.is_some())
}
