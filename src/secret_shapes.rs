//! Recognises passwords, tokens and keys: by the name of a variable or an option, and by the shape of a value.
//!
//! All searches take linear time. A search that starts at several places of a value reads a bounded number of bytes from each.

mod assignments;
mod commands;
mod encoded;
mod named;
mod names;
mod operands;
mod public;
mod shape;
#[cfg(test)]
mod tests;
mod tokens;
mod urls;
mod values;
mod vocabulary;

pub use commands::secrets_in_words;
pub use named::{Names, Secret, allowed_names, fault};
pub use names::{is_fingerprint, is_named_secret, is_setting_secret};
pub use public::is_placeholder;
pub use shape::{NAMED, secret_value};
pub use values::{is_crypt, is_literal};
