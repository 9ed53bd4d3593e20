//! Recognises passwords, tokens and keys: by the name of a variable or an option, and by the shape of a value.
//!
//! All searches take linear time. A search that starts at several places of a value reads a bounded number of bytes from each.

mod assignments;
mod commands;
mod encoded;
mod names;
mod operands;
mod shape;
#[cfg(test)]
mod tests;
mod tokens;
mod urls;
mod values;
mod vocabulary;

pub use commands::secrets_in_words;
pub use names::{is_fingerprint, is_named_secret};
pub use shape::secret_value;
pub use values::{is_crypt, is_literal};
