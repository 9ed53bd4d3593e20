//! Files of rsyslog: whether they send what containers and daemons log to another host.

/// What the files of one rsyslog say, in the order in which they are read.
#[derive(Debug, Default)]
pub struct Rsyslog {
    /// Files with an action that sends, each with the ruleset that it is in.
    sending: Vec<(String, Option<String>)>,
    /// Rulesets that an input or another ruleset names.
    used: Vec<String>,
    /// Whether an earlier action ended the way of all messages.
    has_stopped: bool,
}

/// A statement, and what it depends on.
struct Statement {
    text: String,
    ruleset: Option<String>,
    /// Whether a condition decides if it runs.
    is_conditional: bool,
}

impl Rsyslog {
    /// Adds a file.
    pub fn add(&mut self, path: &str, text: &str) {
        for statement in statements(text) {
            let Statement { text, ruleset, is_conditional } = statement;
            if text.starts_with("input(") || text.starts_with("$defaultruleset") || text.starts_with("call ") {
                let name = parameter(&text, "ruleset").or_else(|| text.split(' ').nth(1).map(str::to_owned));
                self.used.extend(name);
            }
            let selected = selects_containers(&text);
            if is_conditional || selected == Some(false) {
                continue;
            }
            let action = if selected.is_some() {
                text.split_once(' ').map_or("", |(_, action)| action).trim()
            } else {
                text.as_str()
            };
            if ruleset.is_none() && selected.is_some() && matches!(action, "~" | "stop") {
                self.has_stopped = true;
            } else if sends(action) && !(ruleset.is_none() && self.has_stopped) {
                self.sending.push((path.to_owned(), ruleset));
            }
        }
    }

    /// The files with an action that gets all messages and sends them.
    #[must_use]
    pub fn sending(&self) -> Vec<String> {
        let counts = |ruleset: &Option<String>| ruleset.as_ref().is_none_or(|name| self.used.contains(name));
        let mut files: Vec<String> =
            self.sending.iter().filter(|(_, ruleset)| counts(ruleset)).map(|(path, _)| path.clone()).collect();
        files.dedup();
        files
    }
}

/// Whether a file has the others of `/etc/rsyslog.d` read.
#[must_use]
pub fn includes_folder(text: &str) -> bool {
    let is_include = |text: &str| text.starts_with("$includeconfig") || text.starts_with("include(");
    statements(text).iter().any(|statement| is_include(&statement.text) && statement.text.contains("/etc/rsyslog.d/"))
}

/// The text in lower case without comments: from `#` to the end of a line, and `/* */`. In `/etc/rsyslog.d/*.conf` is none.
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
    out.to_ascii_lowercase()
}

/// All statements: a line each, or more lines within parentheses.
fn statements(text: &str) -> Vec<Statement> {
    let mut all = Vec::new();
    let mut blocks: Vec<String> = Vec::new();
    let mut open = String::new();
    let mut before = String::new();
    let (mut depth, mut quote) = (0_usize, None);
    for c in without_comments(text).chars().chain(['\n']) {
        match c {
            _ if quote == Some(c) => quote = None,
            _ if quote.is_some() => {}
            // In old lines a quote is a sign like any other.
            '"' | '\'' if depth > 0 => quote = Some(c),
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '{' | '}' | '\n' if depth == 0 => {
                let text = open.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
                open.clear();
                if c == '{' {
                    blocks.push(if text.is_empty() { before.clone() } else { text.clone() });
                } else if !text.is_empty() {
                    all.push(statement(&text, &before, &blocks));
                }
                if c == '}' {
                    blocks.pop();
                }
                if !text.is_empty() || c != '\n' {
                    before = if c == '\n' { text } else { String::new() };
                }
                continue;
            }
            _ => {}
        }
        open.push(c);
    }
    all
}

fn statement(text: &str, before: &str, blocks: &[String]) -> Statement {
    let (rulesets, conditions): (Vec<&String>, Vec<&String>) =
        blocks.iter().partition(|block| block.starts_with("ruleset("));
    let after_condition = before.ends_with(" then") || before.ends_with("else");
    let begins = ["if ", "if(", "else", ":", "foreach"].iter().any(|word| text.starts_with(word));
    Statement {
        text: text.to_owned(),
        ruleset: rulesets.last().and_then(|block| parameter(block, "name")),
        is_conditional: !conditions.is_empty() || after_condition || begins,
    }
}

/// The value of `name="value"`.
fn parameter(text: &str, name: &str) -> Option<String> {
    let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let (_, rest) = plain.split_once(&format!("{name}="))?;
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    rest.get(1..)?.split(quote).next().map(str::to_owned)
}

/// Whether a selector takes what daemons and users log at the level `info`; none where the statement has no selector.
fn selects_containers(text: &str) -> Option<bool> {
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

/// Whether an action sends to another host: `@@HOST`, `:omrelp:HOST`, or `action(type="omfwd" target="HOST")`.
fn sends(action: &str) -> bool {
    let target = action.strip_prefix('@').map(|rest| rest.trim_start_matches('@'));
    let target = target.or_else(|| action.strip_prefix(":omrelp:")).or_else(|| action.strip_prefix(":omfwd:"));
    if let Some(target) = target {
        // Options of a transport may stand before the host: `@@(z9)logs`.
        return !is_this_host(target.rsplit(')').next().unwrap_or(target).trim());
    }
    let kind = parameter(action, "type").filter(|_| action.starts_with("action"));
    let target = parameter(action, "target");
    kind.is_some_and(|kind| kind == "omfwd" || kind == "omrelp") && target.is_some_and(|target| !is_this_host(&target))
}

/// Whether a target is an address of this host, where the logs stay.
fn is_this_host(target: &str) -> bool {
    target.is_empty() || ["127.", "0.0.0.0", "localhost", "[::1]", "::1", "/"].iter().any(|own| target.starts_with(own))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sends(text: &str) -> bool {
        let mut rsyslog = Rsyslog::default();
        rsyslog.add("f", text);
        !rsyslog.sending().is_empty()
    }

    #[test]
    fn what_sends_all_logs_to_another_host() {
        for text in [
            "*.* @logs.example.com",
            "*.*  @@(z9)10.0.0.1:6514 # all\n",
            "*.* :omrelp:logs:2514",
            "*.info;auth,authpriv.none;mail.none @@logs",
            "user,daemon.debug @@logs",
            "action(type=\"omfwd\" target=\"logs\" port=\"514\")",
            "action(\n  type=\"omfwd\" # TCP\n  target=\"logs\"\n)\n",
            "*.* action(type=\"omrelp\" target=\"logs\")",
            "ruleset(name=\"far\") {\n  action(type=\"omfwd\" target=\"logs\")\n}\ninput(type=\"imfile\" file=\"/var/log/containers/*.log\" ruleset=\"far\")\n",
            "ruleset(name=\"far\")\n{\n  *.* @@logs\n}\ncall far\n",
            "if $msg contains 'x' then {\n stop\n}\n*.* @@logs\n",
            "/* old\n*/ *.* @@logs\n",
        ] {
            assert!(sends(text), "{text}");
        }
    }

    #[test]
    fn what_sends_nothing_or_a_part() {
        for text in [
            "*.* @127.0.0.1",
            "*.* @@localhost:514",
            "module(load=\"omrelp\")",
            "$ModLoad omrelp",
            "action(type=\"omfwd\" target=\"127.0.0.1\")",
            "action(type=\"omfwd\" port=\"514\")",
            "type=\"omfwd\" target=\"logs\"",
            "# *.* @logs",
            "*.* /var/log/x",
            "/*\n*.* @@logs\n*/",
            "/* *.* @@logs",
            "auth.* @@logs",
            "*.emerg @@logs",
            "*.*;*.none @@logs",
            "kern,mail.* @@logs",
            ":msg, contains, \"x\" @@logs",
            "if $programname == 'x' then {\n  action(type=\"omfwd\" target=\"logs\")\n}",
            "if $programname == 'x' then\n  action(type=\"omfwd\" target=\"logs\")\n",
            "if $programname == 'x' then @@logs",
            "ruleset(name=\"far\") {\n  action(type=\"omfwd\" target=\"logs\")\n}\n",
            "*.* stop\n*.* @@logs\n",
            "*.* ~\naction(type=\"omfwd\" target=\"logs\")\n",
        ] {
            assert!(!sends(text), "{text}");
        }
    }
}
