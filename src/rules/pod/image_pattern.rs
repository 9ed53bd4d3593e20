//! Patterns of images in the parameters of rules.

use crate::workload::image::ImageRef;
use schemars::JsonSchema;
use serde::Deserialize;

/// A registry (`registry.example.com:5000`), a path in it, or a repository, by whole segments; the last one may be `*`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(inline)]
pub struct Pattern {
    /// The pattern as it is written, for messages.
    text: String,
    #[schemars(skip)]
    image: ImageRef<'static>,
}

impl TryFrom<String> for Pattern {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let mut image = ImageRef::pattern(text.strip_suffix("/*").unwrap_or(&text));
        if image.repository.is_empty() && !text.ends_with('/') {
            image.repository = "any".into();
        }
        if image.is_well_formed() {
            Ok(Self { image: ImageRef::pattern(&text).into_owned(), text })
        } else {
            Err(format!("`{text}` is no registry or repository such as `registry.example.com/shop`"))
        }
    }
}

impl Pattern {
    /// Whether the image is under the pattern.
    pub fn covers(&self, image: &ImageRef<'_>) -> bool {
        image.is_under(&self.image)
    }
}

/// The patterns as they are written, for messages.
pub fn listed(patterns: &[Pattern]) -> String {
    let texts: Vec<&str> = patterns.iter().map(|pattern| pattern.text.as_str()).collect();
    texts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_that_would_match_nothing_is_refused() {
        for good in ["registry.example.com", "localhost:5000/*", "registry.example.com/shop/*", "nginx", "a/b:1"] {
            assert!(Pattern::try_from(good.to_owned()).is_ok(), "{good}");
        }
        for bad in
            ["", "*", "*.example.com", "registry.example.com/", "registry.example.com/*/web", "a b", "https://a.b/c"]
        {
            assert!(Pattern::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_star_after_a_host_is_all_of_it() {
        let pattern = Pattern::try_from("localhost:5000/*".to_owned()).unwrap();
        let under = |image: &str| pattern.covers(&ImageRef::parse(image));
        assert!(under("localhost:5000/a/b:1"));
        assert!(!under("localhost:5001/a/b:1"));
    }
}
