//! The first pass over the files: what decides about objects in other files. Most files have nothing of it, so only those that
//! mention it are parsed.

use super::accounts;
use super::exemptions::{Exemptions, Namespaces};
use super::ordered::ordered;
use crate::cli::exit::Failure;
use crate::cli::input::{Content, Entry, Source};
use crate::facts::accounts::Accounts;
use crate::manifest;
use crate::report::FileError;
use memchr::memmem;

/// What the first pass finds.
#[derive(Default)]
pub struct FirstPass {
    pub accounts: Accounts,
    pub exemptions: Exemptions,
    pub errors: Vec<FileError>,
}

/// Reads all files. A fault in one is reported by the second pass, unless it is one of an Exemption.
///
/// # Errors
/// A fault of podreeve.
pub fn read(sources: &[Source], namespaces: Namespaces<'_>) -> Result<FirstPass, Failure> {
    let mut found = FirstPass::default();
    let work = |source: &Source| source.with(|entry| mentions(entry, namespaces));
    ordered(sources.iter().collect(), work, |mentioned| {
        let Some((name, bytes)) = mentioned else { return Ok(()) };
        let reading = manifest::read(&bytes);
        for object in reading.documents.iter().flat_map(manifest::Document::objects).flatten() {
            accounts::take(&mut found.accounts, &object, namespaces.default);
            let wrong = found.exemptions.read(&name, &object, namespaces).err().unwrap_or_default();
            found.errors.extend(wrong.iter().map(|error| FileError::at(&name, error)));
        }
        Ok(())
    })?;
    Ok(found)
}

/// The file, if it may hold a ServiceAccount that decides about tokens, or an Exemption that counts.
fn mentions(entry: &Entry, namespaces: Namespaces<'_>) -> Option<(String, Vec<u8>)> {
    let Entry::File(input) = entry else { return None };
    if input.content != Content::Manifest {
        return None;
    }
    let bytes = input.bytes.as_ref().ok()?;
    let has = |text: &str| memmem::find(bytes, text.as_bytes()).is_some();
    let of_account = has(accounts::FIELD) && memmem::find_iter(bytes, "ServiceAccount").any(|at| is_kind(bytes, at));
    let of_exemption = !namespaces.allowed.is_empty() && has("Exemption");
    (of_account || of_exemption).then(|| (input.name.clone(), bytes.clone()))
}

/// Whether the text at `at` is `ServiceAccount` alone, and no part of `automountServiceAccountToken`.
fn is_kind(bytes: &[u8], at: usize) -> bool {
    let is_part = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let before = at.checked_sub(1).and_then(|before| bytes.get(before));
    !is_part(before) && !is_part(bytes.get(at + "ServiceAccount".len()))
}
