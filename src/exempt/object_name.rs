//! Names of Exemption objects.

/// The longest name, which leaves room for a number behind it.
const MAX: usize = 200;

/// The text as far as the API server takes it for the name of an object; empty if nothing is left of it.
#[must_use]
pub fn object_name(text: &str) -> String {
    let small = text.to_ascii_lowercase();
    let kept: String = small.chars().filter(|c| matches!(c, 'a'..='z' | '0'..='9' | '-' | '.')).take(MAX).collect();
    kept.trim_matches(['-', '.']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_what_the_api_server_takes() {
        for (text, name) in [("web", "web"), ("web-5d9c-*", "web-5d9c"), ("Web.App_1", "web.app1"), ("***", "")] {
            assert_eq!(object_name(text), name);
        }
        assert_eq!(object_name(&"a".repeat(300)).len(), MAX);
    }
}
