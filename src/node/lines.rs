//! Lines of a text by offset and by key, each found without reading the text again: a file may have hundred thousands of keys.

use std::collections::HashMap;

/// The lines of a text.
pub struct Lines {
    starts: Vec<usize>,
}

impl Lines {
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self { starts: text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at).collect() }
    }

    /// The line of a byte, counted from 1.
    #[must_use]
    pub fn at(&self, offset: usize) -> usize {
        1 + self.starts.partition_point(|end| *end < offset)
    }
}

/// The line of each text in quotes before a colon, as JSON has its keys. Of several the first counts, which is enough for a person.
#[must_use]
pub fn of_json_keys(text: &str) -> HashMap<&str, usize> {
    let mut lines = HashMap::new();
    for (at, line) in text.lines().enumerate() {
        let parts: Vec<&str> = line.split('"').collect();
        for pair in parts.windows(2) {
            if let [key, after] = pair
                && after.trim_start().starts_with(':')
            {
                lines.entry(*key).or_insert(at + 1);
            }
        }
    }
    lines
}

/// The line of each word at the beginning of a line, as YAML has its keys.
#[must_use]
pub fn of_yaml_keys(text: &str) -> HashMap<&str, usize> {
    let mut lines = HashMap::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim_start_matches([' ', '-', '{']);
        let line = line.trim_start_matches(['"', '\'']);
        let end = line.find([':', '"', '\'', ' ']).unwrap_or(line.len());
        lines.entry(line.get(..end).unwrap_or(line)).or_insert(at + 1);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_offsets_and_keys() {
        let lines = Lines::of("a\nbc\n\nd");
        assert_eq!([0, 1, 2, 3, 4, 5, 6, 99].map(|offset| lines.at(offset)), [1, 1, 2, 2, 2, 3, 4, 4]);
        let json = of_json_keys("{\"a\": 1, \"b\" : \"a\",\n \"c\":2, \"a\": 3}");
        assert_eq!((json.get("a"), json.get("b"), json.get("c")), (Some(&1), Some(&1), Some(&2)));
        let yaml = of_yaml_keys("kind: X\nauthentication:\n  anonymous: {enabled: true}\n- 'q': 1\n");
        assert_eq!((yaml.get("anonymous"), yaml.get("q"), yaml.get("enabled")), (Some(&3), Some(&4), None));
    }
}
