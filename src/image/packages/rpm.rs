//! The packages in `rpmdb.sqlite`.

use super::sqlite::{Database, Value};
use super::{Package, limits};

const NAME: u32 = 1000;
const VERSION: u32 = 1001;
const RELEASE: u32 = 1002;
/// The type of a text in a header.
const STRING: u32 = 6;
/// The most fields of a header.
const FIELDS: u32 = 65_536;
/// Keys of vendors are listed among the packages.
const PUBLIC_KEY: &str = "gpg-pubkey";

/// The packages of the database.
///
/// # Errors
/// Why it cannot be read.
pub fn packages(bytes: &[u8]) -> Result<Vec<Package>, String> {
    let database = Database::open(bytes)?;
    let mut packages = Vec::new();
    let mut broken = false;
    database.rows("Packages", |row| {
        let package = row.iter().find_map(|value| match value {
            Value::Bytes(header) => package(header),
            Value::Integer(_) | Value::Other => None,
        });
        match package {
            Some(package) if package.name == PUBLIC_KEY => {}
            Some(package) => packages.push(package),
            None => broken = true,
        }
        packages.len() <= limits::PACKAGES
    })?;
    if broken { Err("the database of rpm has packages that cannot be read".to_owned()) } else { Ok(packages) }
}

/// A header: how many fields and bytes there are, the fields, and their values.
fn package(header: &[u8]) -> Option<Package> {
    let count = word(header, 0).filter(|count| *count <= FIELDS)?;
    let values = header.get(8 + 16 * usize::try_from(count).ok()?..)?;
    let text = |wanted: u32| {
        let field = (0..usize::try_from(count).ok()?)
            .map(|index| 8 + 16 * index)
            .find(|at| word(header, *at) == Some(wanted) && word(header, at + 4) == Some(STRING))?;
        let start = usize::try_from(word(header, field + 8)?).ok()?;
        let value = values.get(start..)?;
        value.split(|byte| *byte == 0).next().map(String::from_utf8_lossy)
    };
    let (name, version, release) = (text(NAME)?, text(VERSION)?, text(RELEASE)?);
    Some(Package::new(&name, &format!("{version}-{release}")))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at.checked_add(4)?).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `rpm` writes a header.
    fn header(fields: &[(u32, &str)]) -> Vec<u8> {
        let (mut index, mut values) = (Vec::new(), Vec::new());
        for (tag, text) in fields {
            for word in [*tag, STRING, u32::try_from(values.len()).unwrap(), 1] {
                index.extend(word.to_be_bytes());
            }
            values.extend(text.as_bytes());
            values.push(0);
        }
        let counts = [fields.len(), values.len()].map(|count| u32::try_from(count).unwrap().to_be_bytes());
        [counts.concat(), index, values].concat()
    }

    #[test]
    fn a_header_is_read() {
        let bash = header(&[(NAME, "bash"), (1004, "GNU"), (VERSION, "5.2"), (RELEASE, "1.el9")]);
        assert_eq!(package(&bash).unwrap(), Package::new("bash", "5.2-1.el9"));
        for cut in 0..bash.len() - 1 {
            let _ = package(&bash[..cut]);
        }
        assert_eq!(package(&header(&[(NAME, "bash")])), None);
        assert_eq!(packages(b"no database").unwrap_err(), "it is no SQLite database");
    }
}
