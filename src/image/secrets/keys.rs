//! Private keys in PEM, wherever they are in a file. A header alone is no key: libraries have such texts.

use memchr::memmem;

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
/// The longest key: more than RSA with 16,384 bits has.
const LONGEST: usize = 16 << 10;
/// The shortest: Ed25519 in PKCS #8.
const SHORTEST: usize = 60;

/// Searches a file that comes in parts.
#[derive(Debug, Default)]
pub struct KeySearch {
    /// What was read and may be the beginning of a key.
    rest: Vec<u8>,
    found: Option<&'static str>,
}

/// What follows a `-----BEGIN `.
enum Verdict {
    Key(&'static str),
    Other,
    /// It may be a key, if more follows.
    More,
}

impl KeySearch {
    pub fn update(&mut self, part: &[u8]) {
        if self.found.is_some() {
            return;
        }
        if self.rest.is_empty() {
            let from = self.search(part);
            self.rest.extend_from_slice(part.get(from..).unwrap_or_default());
        } else {
            let mut joined = std::mem::take(&mut self.rest);
            joined.extend_from_slice(part);
            let from = self.search(&joined);
            joined.drain(..from.min(joined.len()));
            self.rest = joined;
        }
    }

    /// The kind of the first key.
    #[must_use]
    pub fn finish(self) -> Option<&'static str> {
        self.found
    }

    /// Searches a text, and returns from where it is needed again.
    fn search(&mut self, text: &[u8]) -> usize {
        let mut from = 0;
        while let Some(at) = memmem::find(text.get(from..).unwrap_or_default(), BEGIN) {
            let begin = from + at;
            let rest = text.get(begin + BEGIN.len()..).unwrap_or_default();
            match judge(rest.get(..LONGEST).unwrap_or(rest), rest.len() < LONGEST) {
                Verdict::Key(kind) => {
                    self.found = Some(kind);
                    return text.len();
                }
                Verdict::More => return begin,
                Verdict::Other => from = begin + BEGIN.len(),
            }
        }
        // The mark itself may be cut in two.
        let tail = text.len().saturating_sub(BEGIN.len() - 1).max(from);
        let cut = (tail..text.len()).find(|at| BEGIN.starts_with(text.get(*at..).unwrap_or_default()));
        cut.unwrap_or(text.len())
    }
}

/// Whether a key follows, from behind `-----BEGIN `.
fn judge(text: &[u8], may_go_on: bool) -> Verdict {
    let more = if may_go_on { Verdict::More } else { Verdict::Other };
    let Some(end) = memmem::find(text.get(..60).unwrap_or(text), b"-----") else {
        return if text.len() < 60 { more } else { Verdict::Other };
    };
    let label = text.get(..end).unwrap_or_default();
    let kind = match label {
        b"PRIVATE KEY" | b"RSA PRIVATE KEY" | b"EC PRIVATE KEY" | b"DSA PRIVATE KEY" => "a private key",
        b"ENCRYPTED PRIVATE KEY" => "a private key under a password",
        b"OPENSSH PRIVATE KEY" | b"SSH2 ENCRYPTED PRIVATE KEY" => "a private key of SSH",
        b"PGP PRIVATE KEY BLOCK" => "a private key of PGP",
        _ => return Verdict::Other,
    };
    let body = text.get(end + 5..).unwrap_or_default();
    // No dash is in a key, so that the next ones are its end, or it is none.
    let Some(length) = memmem::find(body, b"-----") else {
        let is_text = body.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace());
        return if is_text { more } else { Verdict::Other };
    };
    let closing = [END, label, b"-----"].concat();
    let found = body.get(length..).unwrap_or_default();
    let found = found.get(..closing.len()).unwrap_or(found);
    if found.len() < closing.len() {
        return if closing.starts_with(found) { more } else { Verdict::Other };
    }
    let is_key = found == closing && is_key_body(body.get(..length).unwrap_or_default(), label);
    if is_key { Verdict::Key(kind) } else { Verdict::Other }
}

const fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

/// Whether the lines between the marks are those of a key, and not a placeholder.
fn is_key_body(body: &[u8], label: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    // In JSON and in source code, the ends of lines are written out.
    let text = text.replace("\\n", "\n").replace("\\r", "");
    let (mut data, mut encrypted) = (String::new(), false);
    for line in text.lines() {
        let line = line.trim_matches(|c: char| {
            c.is_whitespace() || matches!(c, '"' | '\'' | ',' | '+' | '\\' | '#' | '|' | '*' | '>')
        });
        // Such as `Proc-Type: 4,ENCRYPTED` and `Comment: ..`.
        if line.contains(": ") && data.is_empty() {
            encrypted |= line.contains("ENCRYPTED");
            continue;
        }
        // PGP ends with a checksum.
        if line.starts_with('=') && line.len() == 5 {
            continue;
        }
        if !line.bytes().all(is_base64) {
            return false;
        }
        data.push_str(line);
    }
    let begins = match label {
        b"OPENSSH PRIVATE KEY" => data.starts_with("b3BlbnNzaC1rZXktdjE"),
        b"PGP PRIVATE KEY BLOCK" | b"SSH2 ENCRYPTED PRIVATE KEY" => true,
        // A sequence of DER, unless the whole is encrypted.
        _ => encrypted || data.starts_with('M'),
    };
    // `MIIEAAAAAAAA` is a placeholder: base64 of a key has nearly all letters.
    let different = data.bytes().fold([false; 256], |mut seen, byte| {
        if let Some(seen) = seen.get_mut(usize::from(byte)) {
            *seen = true;
        }
        seen
    });
    data.len() >= SHORTEST && begins && different.iter().filter(|seen| **seen).count() >= 16
}

#[cfg(test)]
mod tests {
    use super::*;

    const ED25519: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAabcdefghij0123456789KLMNOPqrstuvWXYZ+/abcd\n-----END PRIVATE KEY-----\n";

    fn found(text: &str, part: usize) -> Option<&'static str> {
        let mut search = KeySearch::default();
        text.as_bytes().chunks(part).for_each(|part| search.update(part));
        search.finish()
    }

    #[test]
    fn a_key_is_found_wherever_the_parts_are_cut() {
        let text = format!("{}{ED25519}{}", "x".repeat(100), "y".repeat(100));
        for part in 1..text.len() {
            assert_eq!(found(&text, part), Some("a private key"), "{part}");
        }
        let many = format!("{}{ED25519}", "-----BEGIN RSA PRIVATE KEY-----\n".repeat(500));
        for part in [1, 7, 64, 10_000] {
            assert_eq!(found(&many, part), Some("a private key"), "{part}");
        }
    }

    #[test]
    fn keys_of_all_kinds_are_found() {
        let body = "MIIEpAIBAAKCAQEA0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP+/";
        for (label, body, kind) in [
            ("RSA PRIVATE KEY", body.to_owned(), "a private key"),
            (
                "RSA PRIVATE KEY",
                format!("Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nx{body}"),
                "a private key",
            ),
            ("ENCRYPTED PRIVATE KEY", body.to_owned(), "a private key under a password"),
            ("OPENSSH PRIVATE KEY", format!("b3BlbnNzaC1rZXktdjE{body}"), "a private key of SSH"),
            ("PGP PRIVATE KEY BLOCK", format!("Version: 1\n\nl{body}\n=abcd"), "a private key of PGP"),
        ] {
            let pem = format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----");
            assert_eq!(found(&pem, 50), Some(kind), "{pem}");
            // As JSON has it.
            let json = format!("{{\"key\":\"{}\\n\"}}", pem.replace('\n', "\\n"));
            assert_eq!(found(&json, 50), Some(kind), "{json}");
            assert_eq!(found(&pem.replace('\n', "\r\n"), 50), Some(kind));
        }
    }

    #[test]
    fn what_only_looks_like_a_key_is_none() {
        for text in [
            "-----BEGIN PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY----- and -----END PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
            "-----BEGIN PUBLIC KEY-----\nMC4CAQAwBQYDK2VwBCIEIAabcdefghij0123456789KLMNOPqrstuvWXYZ+/abcd\n-----END PUBLIC KEY-----",
            &ED25519.replace("MC4C", "xC4C"),
            &ED25519.replace("END PRIVATE", "END RSA PRIVATE"),
            &format!("-----BEGIN PRIVATE KEY-----\nM{}\n-----END PRIVATE KEY-----", "A".repeat(80)),
            &format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----", "MIIabc+/".repeat(4000)),
        ] {
            for part in [13, 100_000] {
                assert_eq!(found(text, part), None, "{text}");
            }
        }
    }
}
