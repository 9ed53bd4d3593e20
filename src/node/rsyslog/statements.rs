//! The statements in a file of rsyslog, and which messages reach each of them.

/// How many of the messages of containers and daemons reach a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    None,
    /// Those that a condition selects.
    Some,
    All,
}

/// A statement, and what it depends on.
pub struct Statement {
    /// In the letters of the file, with one space between words.
    pub text: String,
    /// The ruleset that it is in, by its place in the list of the file.
    pub ruleset: Option<usize>,
    /// What the blocks around it, and a condition in the line before it, leave.
    pub reach: Reach,
}

/// The statements of a file, and the names of its rulesets.
#[derive(Default)]
pub struct Statements {
    pub all: Vec<Statement>,
    pub rulesets: Vec<String>,
    /// What each open block leaves, with all those around it.
    blocks: Vec<Block>,
    /// The line before, if no block or empty line is between.
    before: String,
}

#[derive(Clone, Copy)]
struct Block {
    reach: Reach,
    ruleset: Option<usize>,
}

/// Words before parentheses that may go on over lines.
const OBJECTS: [&str; 11] = [
    "action",
    "input",
    "module",
    "ruleset",
    "template",
    "include",
    "global",
    "parser",
    "main_queue",
    "lookup_table",
    "timezone",
];

/// All statements: a line each, or more lines within parentheses.
#[must_use]
pub fn statements(text: &str) -> Statements {
    let mut found = Statements::default();
    let mut open = String::new();
    let (mut depth, mut quote, mut is_escaped) = (0_usize, None, false);
    for c in without_comments(&joined(text)).chars().chain(['\n']) {
        // Old lines end with their line, whatever is open in them.
        if depth == 0 && c == '\n' {
            quote = None;
        }
        match c {
            _ if quote.is_some() => {
                if quote == Some(c) && !is_escaped {
                    quote = None;
                }
                is_escaped = c == '\\' && !is_escaped;
            }
            // In an old selector or setting a quote is a sign like any other.
            '"' | '\'' if depth > 0 || is_expression(&open) => (quote, is_escaped) = (Some(c), false),
            '(' if depth > 0 || is_expression(&open) || is_object(&open) => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '{' | '}' if depth == 0 && open.starts_with('$') => {}
            '{' | '}' | '\n' if depth == 0 => {
                found.end(c, &open.split_ascii_whitespace().collect::<Vec<_>>().join(" "));
                open.clear();
                continue;
            }
            _ => {}
        }
        if !(open.is_empty() && c.is_whitespace()) {
            open.push(c);
        }
    }
    found
}

/// Whether a statement is a filter by a property, or one of the newer language, where quotes hold texts.
fn is_expression(open: &str) -> bool {
    open.starts_with(':') || ["if", "else", "set", "foreach"].iter().any(|word| starts_with(open, word))
}

fn is_object(open: &str) -> bool {
    let word = open.trim_end();
    !open.starts_with('$') && OBJECTS.iter().any(|object| ends_with(word, object))
}

fn starts_with(text: &str, word: &str) -> bool {
    text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}

fn ends_with(text: &str, word: &str) -> bool {
    let start = text.len().checked_sub(word.len());
    start.and_then(|start| text.get(start..)).is_some_and(|end| end.eq_ignore_ascii_case(word))
}

impl Statements {
    /// Takes the text before the end of a line or a side of a block.
    fn end(&mut self, c: char, text: &str) {
        let around = self.blocks.last().copied().unwrap_or(Block { reach: Reach::All, ruleset: None });
        if c == '{' {
            let head = if text.is_empty() { std::mem::take(&mut self.before) } else { text.to_ascii_lowercase() };
            let is_ruleset = head.starts_with("ruleset");
            let block = if is_ruleset {
                self.rulesets.push(parameter(&head, "name").unwrap_or_default());
                Block { reach: Reach::All, ruleset: Some(self.rulesets.len() - 1) }
            } else {
                Block { reach: around.reach.min(filter(&head)), ruleset: around.ruleset }
            };
            self.blocks.push(block);
        } else if !text.is_empty() {
            let follows = self.before.ends_with(" then") || self.before.ends_with("else");
            let reach = if follows { around.reach.min(filter(&self.before)) } else { around.reach };
            self.all.push(Statement { text: text.to_owned(), ruleset: around.ruleset, reach });
        }
        if c == '}' {
            self.blocks.pop();
        }
        if !text.is_empty() || c != '\n' {
            self.before = if c == '\n' { text.to_ascii_lowercase() } else { String::new() };
        }
    }
}

/// What a filter, or the head of a block, leaves: a selector, a filter by a property, or an expression. The text is in lower case.
pub fn filter(text: &str) -> Reach {
    match selects_containers(text) {
        Some(true) => Reach::All,
        Some(false) => Reach::None,
        None if is_of_another_program(text) => Reach::None,
        None => Reach::Some,
    }
}

/// Whether a condition is the name of one program, which is none of those of containers. What follows its value does not matter.
fn is_of_another_program(text: &str) -> bool {
    let is_old = text.starts_with(":programname, isequal, \"") || text.starts_with(":syslogtag, isequal, \"");
    let compares = |name: &str| text.split_once(name).is_some_and(|(_, rest)| rest.trim_start().starts_with("=="));
    let is_new = text.starts_with("if ") && (compares("$programname") || compares("$syslogtag"));
    let plain = !["docker", "contain", "podman", "cri", "kube", "k3s", "rke", " or ", "not"]
        .iter()
        .any(|word| text.contains(word));
    (is_old || is_new) && plain
}

/// Lines that end with `\` go on in the next one, without the space before its text.
fn joined(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut goes_on = false;
    for line in text.lines() {
        let line = if goes_on { line.trim_start() } else { line };
        let (line, more) = line.strip_suffix('\\').map_or((line, false), |start| (start, true));
        out.push_str(line);
        if !more {
            out.push('\n');
        }
        goes_on = more;
    }
    out
}

/// The text without comments: from `#` to the end of a line, and `/* */`. In `/etc/rsyslog.d/*.conf` is none.
fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['#', '/']) {
        let (before, after) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(before);
        if after.starts_with("/*") && out.chars().next_back().is_none_or(|c| c.is_whitespace() || "{}();,".contains(c))
        {
            rest = after.split_once("*/").map_or("", |(_, behind)| behind);
        } else if after.starts_with('#') {
            rest = after.find('\n').and_then(|end| after.get(end..)).unwrap_or("");
        } else {
            out.push('/');
            rest = after.get(1..).unwrap_or("");
        }
    }
    out.push_str(rest);
    out
}

/// The value of `name="value"`.
pub fn parameter(text: &str, name: &str) -> Option<String> {
    let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let (_, rest) = plain.split_once(&format!("{name}="))?;
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    rest.get(1..)?.split(quote).next().map(str::to_owned)
}

/// Whether a selector takes what daemons and users log at the level `info`; none where the statement has no selector.
pub fn selects_containers(text: &str) -> Option<bool> {
    let selector = text.split(' ').next().filter(|word| word.contains('.') && !word.contains(['(', '$', '/', '@']))?;
    let takes = |facility: &str| {
        let mut takes = false;
        for part in selector.split(';') {
            let Some((facilities, priority)) = part.split_once('.') else { continue };
            if !facilities.split(',').any(|one| one == "*" || one == facility) {
                continue;
            }
            match priority {
                "*" | "debug" | "info" | "=info" => takes = true,
                _ => takes = takes && priority != "none" && !priority.starts_with('!'),
            }
        }
        takes
    };
    Some(takes("daemon") || takes("user"))
}
