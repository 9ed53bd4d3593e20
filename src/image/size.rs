//! Bytes as people read them.

/// `12 B`, `3.4 kB`, `56 MB`, `1.2 GB`.
#[must_use]
pub fn size_text(bytes: u64) -> String {
    let (unit, name) = match bytes {
        1_000_000_000.. => (1_000_000_000, "GB"),
        1_000_000.. => (1_000_000, "MB"),
        1_000.. => (1_000, "kB"),
        _ => return format!("{bytes} B"),
    };
    let whole = bytes / unit;
    if whole >= 10 { format!("{whole} {name}") } else { format!("{whole}.{} {name}", bytes / (unit / 10) % 10) }
}

#[cfg(test)]
mod tests {
    #[test]
    fn sizes_have_two_digits_or_more() {
        let texts = [0, 999, 1000, 12_345, 9_990_000, 170_000_000, 2_000_000_000].map(super::size_text);
        assert_eq!(texts, ["0 B", "999 B", "1.0 kB", "12 kB", "9.9 MB", "170 MB", "2.0 GB"]);
    }
}
