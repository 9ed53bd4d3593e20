//! ServiceAccounts that stand in the same files as what is judged.

use std::collections::HashMap;

/// What they say of tokens, by namespace and name.
#[derive(Debug, Clone, Default)]
pub struct Accounts(HashMap<(String, String), bool>);

impl Accounts {
    /// The `automountServiceAccountToken` of one.
    pub fn add(&mut self, namespace: &str, name: &str, automounts: bool) {
        self.0.insert((namespace.to_owned(), name.to_owned()), automounts);
    }

    /// Whether pods of this ServiceAccount get a token, unless they say otherwise; none when it does not say.
    #[must_use]
    pub fn automounts(&self, namespace: &str, name: &str) -> Option<bool> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(&(namespace.to_owned(), name.to_owned())).copied()
    }
}
