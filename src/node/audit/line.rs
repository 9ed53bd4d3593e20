//! One line of a file of rules, read as `auditctl` reads it.

use super::{Entry, Kind};

/// What a line does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Order {
    pub action: Action,
    /// The rule that is added or removed; none where it has nothing to do with files.
    pub entry: Option<Entry>,
    pub key: Option<String>,
    /// Whether the path is one that must exist itself, as a folder's.
    pub is_folder: bool,
    /// The rule in one form, by which the kernel knows it again.
    pub text: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Action {
    Append,
    Prepend,
    Remove,
    /// `-D`: of a key, if it has one.
    Clear,
    /// `-e`.
    Switch(u8),
    /// `-i` or `-c`: lines that are refused do not stop the others.
    GoOn,
    #[default]
    Other,
}

/// Flags with a value.
const WITH_VALUE: &str = "CefrbaAdSFmRwWkpq";
const WITHOUT_VALUE: &str = "hicslDvt";

/// Parts of names of system calls that change files, or their attributes.
const CHANGES: [&str; 12] =
    ["all", "open", "creat", "rename", "link", "mkdir", "rmdir", "mknod", "chmod", "chown", "trunc", "xattr"];

/// Kinds of records without which a change of a file is none.
const RECORDS: [&str; 4] = ["SYSCALL", "PATH", "1300", "1302"];

#[derive(Default)]
struct Draft {
    order: Order,
    entry: Entry,
    list: Option<String>,
    is_never: bool,
    calls: Vec<String>,
    /// Fields other than the path, the permissions, the key and the architecture.
    fields: Vec<String>,
    /// Whether a key may follow.
    takes_key: bool,
}

/// Reads a line.
///
/// # Errors
/// Why `auditctl` refuses it.
pub fn read(line: &str, source: &str) -> Result<Order, String> {
    let mut draft = Draft { entry: Entry { source: source.to_owned(), ..Entry::default() }, ..Draft::default() };
    // Only spaces are between words.
    let mut words = line.split(' ').filter(|word| !word.is_empty());
    let mut rest = Vec::new();
    while let Some(word) = words.next() {
        if word.starts_with("--") {
            let has_value = word == "--backlog_wait_time" || word == "--signal";
            if has_value {
                words.next();
            }
            continue;
        }
        let mut letters = word.strip_prefix('-').ok_or(format!("`{word}` is no option"))?.chars();
        let flag = letters.next().ok_or("`-` is no option")?;
        let joined = letters.as_str();
        let value = match (WITH_VALUE.contains(flag), joined.is_empty()) {
            (true, true) => words.next().ok_or(format!("-{flag} has no value"))?,
            (true, false) => joined,
            (false, true) if WITHOUT_VALUE.contains(flag) => "",
            (false, _) => return Err(format!("`{word}` is no option")),
        };
        draft.take(flag, value)?;
        if !matches!(flag, 'a' | 'A' | 'd') {
            rest.push(format!("-{} {value}", if flag == 'W' { 'w' } else { flag }));
        }
    }
    let mut order = draft.finish();
    order.text.push_str(&rest.join(" "));
    Ok(order)
}

impl Draft {
    fn take(&mut self, flag: char, value: &str) -> Result<(), String> {
        match flag {
            'a' | 'A' | 'd' => self.begin(flag, value)?,
            'w' | 'W' => {
                if self.list.is_some() {
                    return Err(format!("-{flag} stands beside another rule"));
                }
                self.order.action = if flag == 'w' { Action::Append } else { Action::Remove };
                self.list = Some("exit".to_owned());
                self.takes_key = true;
                self.entry.path = Some(path(value)?);
            }
            'p' => self.permit(value)?,
            'F' => self.field(value)?,
            'C' => self.fields.push(value.to_owned()),
            'S' => {
                if self.list.as_deref().is_some_and(|list| !matches!(list, "exit" | "io_uring")) {
                    return Err("-S stands in a list without system calls".to_owned());
                }
                self.takes_key = true;
                self.calls.extend(value.split(',').map(str::to_owned));
            }
            'k' => {
                let is_clear = self.order.action == Action::Clear;
                if !is_clear && (!self.takes_key || self.list.is_none()) {
                    return Err("-k stands without a watch or a call before it".to_owned());
                }
                self.order.key = Some(value.to_owned());
            }
            'D' => self.order.action = Action::Clear,
            'e' => {
                let value = value.parse().ok().filter(|value: &u8| *value <= 2).ok_or("-e is 0, 1 or 2")?;
                self.order.action = Action::Switch(value);
            }
            'i' | 'c' => self.order.action = Action::GoOn,
            'R' => return Err("a file of rules names no other".to_owned()),
            _ => {}
        }
        Ok(())
    }

    /// `-a list,action`, in either order.
    fn begin(&mut self, flag: char, value: &str) -> Result<(), String> {
        let lists = ["task", "exit", "user", "exclude", "filesystem", "io_uring"];
        let (one, two) = value.split_once(',').ok_or(format!("-{flag} {value} has no comma"))?;
        let (list, action) = if lists.contains(&one) { (one, two) } else { (two, one) };
        if !lists.contains(&list) || !matches!(action, "always" | "never") || self.list.is_some() {
            return Err(format!("-{flag} {value} is no list with an action"));
        }
        self.list = Some(list.to_owned());
        self.is_never = action == "never";
        self.order.action = match flag {
            'a' => Action::Append,
            'A' => Action::Prepend,
            _ => Action::Remove,
        };
        self.order.text = format!("{list},{action} ");
        Ok(())
    }

    fn permit(&mut self, value: &str) -> Result<(), String> {
        if self.list.is_none() || value.is_empty() || value.len() > 4 || !value.chars().all(|c| "rwxaRWXA".contains(c))
        {
            return Err(format!("`{value}` are no permissions of a watch"));
        }
        self.entry.permissions = value.to_ascii_lowercase();
        self.takes_key = true;
        Ok(())
    }

    fn field(&mut self, text: &str) -> Result<(), String> {
        if self.list.is_none() {
            return Err("-F stands before its list".to_owned());
        }
        let at = text.find(['=', '!', '<', '>', '&']).ok_or(format!("`{text}` is no field"))?;
        let (name, rest) = text.split_at_checked(at).unwrap_or((text, ""));
        let equal = rest.strip_prefix('=');
        match (name, equal) {
            ("key", Some(value)) => self.order.key = Some(value.to_owned()),
            ("path" | "dir", Some(value)) => {
                self.entry.path = Some(path(value)?);
                self.order.is_folder = name == "dir";
            }
            ("perm", Some(value)) => self.permit(value)?,
            ("arch", Some(value)) if matches!(value, "b32" | "b64") => self.entry.arch = Some(value.to_owned()),
            ("success", Some("1" | "yes")) => {}
            _ => {
                self.takes_key |= matches!(name, "exe" | "fstype");
                self.fields.push(text.to_owned());
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Order {
        let all_calls = self.calls.is_empty() || self.calls.iter().any(|call| call == "all");
        if self.order.text.is_empty() && self.list.is_some() {
            "exit,always ".clone_into(&mut self.order.text);
        }
        let kind = match (self.list.as_deref(), self.is_never) {
            (Some("exit"), false) if self.entry.path.is_some() => Some(Kind::Watch),
            (Some("exit"), true) if all_calls || self.calls.iter().any(|call| changes(call)) => Some(Kind::Never),
            (Some("task"), true) if self.fields.is_empty() => Some(Kind::Off),
            (Some("task"), true) => Some(Kind::Gap),
            (Some("exclude"), _) if !self.fields.iter().any(|field| excludes_others(field)) => Some(Kind::Gap),
            (Some("filesystem"), true) if !self.fields.iter().any(|field| is_of_debugging(field)) => Some(Kind::Gap),
            _ => None,
        };
        if self.entry.permissions.is_empty() {
            "rwxa".clone_into(&mut self.entry.permissions);
        }
        let leaves_changes = self.entry.permissions.contains(['w', 'a']);
        self.entry.is_limited = !all_calls || !self.fields.is_empty();
        self.order.entry =
            kind.filter(|kind| *kind != Kind::Never || leaves_changes).map(|kind| Entry { kind, ..self.entry });
        self.order
    }
}

/// Whether a system call changes files. A number may be any.
fn changes(call: &str) -> bool {
    CHANGES.iter().any(|part| call.contains(part)) || call.starts_with(|c: char| c.is_ascii_digit())
}

/// Whether a field excludes one kind of records, and none that a change of a file needs.
fn excludes_others(field: &str) -> bool {
    field.strip_prefix("msgtype=").is_some_and(|kind| !RECORDS.contains(&kind.to_ascii_uppercase().as_str()))
}

fn is_of_debugging(field: &str) -> bool {
    matches!(field, "fstype=debugfs" | "fstype=tracefs")
}

fn path(value: &str) -> Result<String, String> {
    if !value.starts_with('/') {
        return Err(format!("the path {value} does not start with `/`"));
    }
    let trimmed = value.trim_end_matches('/');
    Ok(if trimmed.is_empty() { "/".to_owned() } else { trimmed.to_owned() })
}
