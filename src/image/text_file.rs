//! Settings in text files, in whichever format: `key = value`, `key: value`, `"key": "value"`.

/// The line from 1, the key and the value of each setting.
pub fn settings(text: &str) -> impl Iterator<Item = (usize, &str, &str)> {
    text.lines().enumerate().filter_map(|(index, line)| {
        let line = line.trim().trim_start_matches(['{', '-', ' ']);
        if line.starts_with(['#', ';', '[']) {
            return None;
        }
        let (key, value) = pair(line)?;
        Some((index + 1, bare(key), bare(value)))
    })
}

/// JSON first, since its values have all signs. npm's keys have colons, without a blank behind them.
fn pair(line: &str) -> Option<(&str, &str)> {
    let json = line.split_once("\":").filter(|(key, _)| key.starts_with('"'));
    let equals = line.find('=').unwrap_or(usize::MAX);
    let colon = line.find(": ").unwrap_or(usize::MAX);
    json.or_else(|| if colon < equals { line.split_once(": ") } else { line.split_once('=') })
        .or_else(|| line.split_once(':'))
}

/// Without blanks and quotes.
fn bare(text: &str) -> &str {
    text.trim().trim_end_matches([',', '}', ' ']).trim_matches(['"', '\''])
}

/// Whether a value is nothing, or stands for one that is put in later.
pub fn is_placeholder(value: &str) -> bool {
    let value = value.trim();
    value.is_empty()
        || value == "null"
        || value.starts_with(['$', '<', '%', '`'])
        || value.contains("${")
        || crate::secret_shapes::is_placeholder(value)
        || value.bytes().all(|byte| matches!(byte, b'x' | b'X' | b'*' | b'.' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_several_formats_are_read() {
        let text = "a = 1\n# b = 2\n[c]\nd: \"e=\"\n  \"f\":\"g=\",\n//r/:_authToken=h=\n";
        let read: Vec<_> = settings(text).collect();
        assert_eq!(read, [(1, "a", "1"), (4, "d", "e="), (5, "f", "g="), (6, "//r/:_authToken", "h=")]);
    }
}
