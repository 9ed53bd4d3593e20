//! Names of namespaces in arguments.

/// The longest name that the API server accepts.
const MAX: usize = 63;

/// The name, if an API server would accept a namespace of this name.
///
/// # Errors
/// What a name must be.
pub fn name(text: &str) -> Result<String, String> {
    let name = text.trim();
    let inner = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    let is_good = !name.is_empty()
        && name.len() <= MAX
        && name.bytes().all(inner)
        && !name.starts_with('-')
        && !name.ends_with('-');
    if is_good {
        return Ok(name.to_owned());
    }
    Err(format!(
        "a namespace has at most {MAX} characters of a-z, 0-9 and `-`, and begins and ends with a letter or digit"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_dns_label() {
        for good in ["default", "a", "team-1", " shop ", &"a".repeat(63)] {
            assert_eq!(name(good).as_deref(), Ok(good.trim()));
        }
        for bad in ["", "Bad_NS", "a.b", "-a", "a-", "\u{e4}", "a b", &"a".repeat(64)] {
            assert!(name(bad).is_err(), "{bad}");
        }
    }
}
