//! ServiceAccounts among the checked files. They decide whether their pods get a token.

use crate::cli::input::Entry;
use crate::facts::accounts::Accounts;
use crate::manifest::{self, Content, Object};

/// The only field that is read.
const FIELD: &str = "automountServiceAccountToken";

/// The field of all ServiceAccounts. `namespace` is that of objects that name none.
pub fn read(all: &[Entry], namespace: &str) -> Accounts {
    let mut accounts = Accounts::default();
    for entry in all {
        let Entry::File(input) = entry else { continue };
        // Most files do not mention the field, so they are not read a second time.
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
