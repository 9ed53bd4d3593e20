//! ServiceAccounts from the same files as the objects that are judged.

use std::collections::HashMap;

/// The `automountServiceAccountToken` of each, by namespace and name.
#[derive(Debug, Clone, Default)]
pub struct Accounts(HashMap<(String, String), bool>);

impl Accounts {
    /// Adds a ServiceAccount that has the field.
    pub fn add(&mut self, namespace: &str, name: &str, automounts: bool) {
        self.0.insert((namespace.to_owned(), name.to_owned()), automounts);
    }

    /// Whether pods of this ServiceAccount get a token, unless they have the field themselves; none when the account does not
    /// have it.
    #[must_use]
    pub fn automounts(&self, namespace: &str, name: &str) -> Option<bool> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(&(namespace.to_owned(), name.to_owned())).copied()
    }
}
