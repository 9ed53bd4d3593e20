//! What was read of a host, as a file.

use crate::cli::exit::Failure;
use crate::cli::writing::{self, NewFile};
use crate::node::{API_VERSION, KIND, Node};
use std::fs::File;
use std::io::{Read, stdin};
use std::path::Path;

/// The largest dump that is read.
const LARGEST: u64 = 256 << 20;

/// # Errors
/// The file cannot be written.
pub fn write(mut files: Vec<NewFile>, node: &Node) -> Result<(), Failure> {
    // Writing to a string cannot fail.
    let text = serde_json::to_string_pretty(node).unwrap_or_default() + "\n";
    files.iter_mut().try_for_each(|file| file.write(&text))?;
    writing::finish(files)
}

/// # Errors
/// The file cannot be read, or is no dump of this version.
pub fn read(path: &Path) -> Result<Node, Failure> {
    let shown = path.display();
    let fail = |why: String| Failure::input(format!("{shown}: {why}"));
    let reader: Box<dyn Read> = if path == Path::new("-") {
        Box::new(stdin())
    } else {
        Box::new(File::open(path).map_err(|error| fail(format!("cannot be read: {error}")))?)
    };
    let mut bytes = Vec::new();
    reader.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|error| fail(format!("cannot be read: {error}")))?;
    if bytes.len() as u64 > LARGEST {
        return Err(fail(format!("has more than the {LARGEST} bytes that are read")));
    }
    parse(&bytes).map_err(fail)
}

fn parse(bytes: &[u8]) -> Result<Node, String> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Head {
        api_version: Option<String>,
        kind: Option<String>,
    }
    let head: Head = serde_json::from_slice(bytes).map_err(|error| format!("is no JSON object: {error}"))?;
    let (version, kind) = (head.api_version.unwrap_or_default(), head.kind.unwrap_or_default());
    if version != API_VERSION || kind != KIND {
        let (version, kind) = (crate::text::clean(&version, 60), crate::text::clean(&kind, 60));
        return Err(format!(
            "is {kind} of {version}, and not {KIND} of {API_VERSION}; write it with `podreeve node --dump`"
        ));
    }
    serde_json::from_slice(bytes).map_err(|error| {
        // It may quote the dump, which may hold anything.
        let error = crate::text::clean(&error.to_string(), 300);
        format!("cannot be judged: {error}; another podreeve wrote it, so read the host again with this one")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_dump_says_what_it_is() {
        for (text, says) in [
            ("[1", "is no JSON object"),
            ("{}", "is  of , and not NodeSnapshot"),
            (r#"{"apiVersion":"podreeve.dev/v9","kind":"NodeSnapshot"}"#, "is NodeSnapshot of podreeve.dev/v9"),
            (r#"{"apiVersion":"podreeve.dev/v1alpha1","kind":"NodeSnapshot"}"#, "cannot be judged: missing field"),
            (
                r#"{"apiVersion":"podreeve.dev/v1alpha1","kind":"NodeSnapshot","os":"x\nerror: y\u001b"}"#,
                "cannot be judged: unknown variant",
            ),
        ] {
            let error = parse(text.as_bytes()).unwrap_err();
            assert!(error.starts_with(says) && !error.contains(['\n', '\u{1b}']), "{error}");
        }
    }
}
