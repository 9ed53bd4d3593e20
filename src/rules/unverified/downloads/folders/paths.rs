//! The texts of paths.

use std::borrow::Cow;

/// `/a/b` for `C:\a\b`, as all paths are written here.
pub fn of_linux(path: &str) -> Cow<'_, str> {
    match path.as_bytes() {
        [drive, b':', b'/' | b'\\', next, ..] if drive.is_ascii_alphabetic() && *next != b'/' => {
            Cow::Owned(path.get(2..).unwrap_or_default().replace('\\', "/"))
        }
        [b'.', b'\\', ..] => Cow::Owned(path.replace('\\', "/")),
        _ => Cow::Borrowed(path),
    }
}

/// Whether it is the address of a server, as far as it is known.
pub fn is_address(value: &str) -> bool {
    value.split_once("://").is_some_and(|(scheme, _)| scheme.bytes().all(|b| b.is_ascii_alphanumeric()))
}

pub const fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// `${NAME}` as `$NAME`, where both mean the same.
pub fn without_braces(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, behind)) = rest.split_once("${") {
        text.push_str(before);
        let end = behind.find(|c: char| !is_of_name(c)).unwrap_or(behind.len());
        let name = behind.split_at_checked(end).and_then(|(name, after)| Some((name, after.strip_prefix('}')?)));
        let name = name.filter(|(name, after)| !name.is_empty() && !after.starts_with(is_of_name));
        rest = if let Some((name, after)) = name {
            text.push('$');
            text.push_str(name);
            after
        } else {
            text.push_str("${");
            behind
        };
    }
    text.push_str(rest);
    text
}

/// The path in the folder, without `.`, `..` and doubled slashes.
pub fn normal(folder: &str, path: &str) -> String {
    let is_root = folder.starts_with('/') || (folder.is_empty() && path.starts_with('/'));
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(path.split('/')) {
        match (part, parts.last()) {
            ("" | ".", _) => {}
            ("..", None) if is_root => {}
            ("..", Some(last)) if *last != ".." && !last.starts_with(['$', '~']) => drop(parts.pop()),
            (part, _) => parts.push(part),
        }
    }
    let path = parts.join("/");
    if is_root { format!("/{path}") } else { path }
}

/// Whether two paths are those of one file. Where nothing says in which folder a build begins, it is the root.
pub fn is_same(a: &str, b: &str) -> bool {
    let in_root = |path: &str, name: &str| path.strip_prefix('/') == Some(name);
    a == b || in_root(a, b) || in_root(b, a)
}
