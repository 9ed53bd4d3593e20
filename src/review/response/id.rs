//! The id of the decision, by which a reader finds it in the log.

use super::text::{WARNING_MAX, cut};
use crate::outcome::About;

/// The text, at most `max` bytes with the id behind it.
pub(super) fn with_id(text: String, about: &About, max: usize) -> String {
    let id = format!(" (id {})", about.id());
    cut(text, max.saturating_sub(id.len())) + &id
}

/// The id behind the last of podreeve's own warnings. Clients print equal warnings once, so that one id is enough: the others
/// stay equal from request to request.
pub(super) fn with_last_id(mut warnings: Vec<String>, about: &About) -> Vec<String> {
    if let Some(last) = warnings.iter_mut().rfind(|warning| warning.starts_with("podreeve: ")) {
        *last = with_id(std::mem::take(last), about, WARNING_MAX);
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_our_warnings_has_the_id_and_fits() {
        let about = About { uid: "705ab4f5-6393-11e8".to_owned(), ..About::default() };
        let warnings = ["podreeve: a", &format!("podreeve: {}", "é".repeat(123)), "would violate PodSecurity"];
        let said = with_last_id(warnings.map(ToOwned::to_owned).to_vec(), &about);
        assert_eq!((said[0].as_str(), said[2].as_str()), (warnings[0], warnings[2]));
        assert!(said[1].ends_with("é… (id 705ab4f5)") && said[1].len() <= WARNING_MAX, "{said:?}");
        assert_eq!(with_last_id(vec![warnings[2].to_owned()], &about), [warnings[2]]);
    }
}
