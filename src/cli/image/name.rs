//! The name by which pods pull the image: what the user says, or else what the layout says.

use super::argument::{Argument, without_login};
use crate::cli::exit::Failure;
use crate::reference::ImageRef;

/// What a name looks like, for messages.
const EXAMPLE: &str = "registry.example.com/shop/web:1";

/// The name that the user gave: `--as`, or the reference in a registry. None for a file without `--as`.
///
/// # Errors
/// `--as` is no reference.
pub fn given<'n>(pulled_as: Option<&'n str>, argument: &'n Argument) -> Result<Option<&'n str>, Failure> {
    let Some(name) = pulled_as else { return Ok(Some(argument.text.as_str()).filter(|_| !argument.is_file)) };
    if ImageRef::parse(name).is_well_formed() {
        return Ok(Some(name));
    }
    let name = without_login(name);
    Err(Failure::input(format!("--as: `{name}` is no reference of an image, such as {EXAMPLE}")))
}

/// The name for an option that needs one. A layout often has a tag alone.
///
/// # Errors
/// Neither the user nor the layout has a name that a pod can have.
pub fn needed<'n>(option: &str, given: Option<&'n str>, layout: Option<&'n str>) -> Result<&'n str, Failure> {
    let is_name = |name: &&str| name.contains(['/', ':', '@']) && ImageRef::parse(name).is_well_formed();
    if let Some(name) = given.or(layout.filter(is_name)) {
        return Ok(name);
    }
    let what = layout.map_or_else(String::new, |name| format!(", and `{}` in the file is none", without_login(name)));
    Err(Failure::input(format!("{option} needs the name by which pods pull the image{what}; add --as {EXAMPLE}")))
}
