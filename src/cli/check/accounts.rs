//! ServiceAccounts among the checked files: whether their pods get a token is theirs to say.

use crate::cli::input::Found;
use crate::facts::accounts::Accounts;
use crate::manifest::{self, Content, Object};

/// The field, without which there is nothing to read.
const FIELD: &str = "automountServiceAccountToken";

/// What the ServiceAccounts say; objects that name no namespace are in this one.
pub fn read(all: &[Found], namespace: &str) -> Accounts {
    let mut accounts = Accounts::default();
    for found in all {
        let Found::Input(input) = found else { continue };
        // Hardly any file has one, and most are read once.
        let Some(bytes) = input.bytes.as_ref().ok().filter(|bytes| has(bytes, FIELD)) else {
            continue;
        };
        for document in manifest::read(bytes).documents {
            document.objects().iter().flatten().for_each(|object| take(&mut accounts, object, namespace));
        }
    }
    accounts
}

fn take(accounts: &mut Accounts, object: &Object<'_>, namespace: &str) {
    if object.group().is_empty()
        && object.kind == "ServiceAccount"
        && let Some(Content::Bool(automounts)) = object.node.get(FIELD).map(|field| &field.content)
    {
        accounts.add(object.namespace().unwrap_or(namespace), &object.name(), *automounts);
    }
}

fn has(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}
