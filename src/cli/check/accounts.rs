//! ServiceAccounts among the checked files. They decide whether their pods get a token.

use crate::facts::accounts::Accounts;
use crate::manifest::{Content, Object};

/// The only field that is read.
pub const FIELD: &str = "automountServiceAccountToken";

/// Adds the field of a ServiceAccount. `namespace` is that of objects that name none.
pub fn take(accounts: &mut Accounts, object: &Object<'_>, namespace: &str) {
    if object.group().is_empty()
        && object.kind == "ServiceAccount"
        && let Some(Content::Bool(automounts)) = object.node.get(FIELD).map(|field| &field.content)
    {
        accounts.add(object.namespace().unwrap_or(namespace), &object.name(), *automounts);
    }
}
