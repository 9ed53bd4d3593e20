//! Files with variables that a program loads when it starts: `.env`, `.env.production`, `.envrc`.

use super::public::is_public_settings;
use crate::image::paths;
use crate::secret_shapes::Names;

/// Parts of names that say that the file is an example, or that its values are encrypted.
#[rustfmt::skip]
const EXAMPLES: [&str; 22] = [
    "ci", "default", "defaults", "dist", "enc", "encrypted", "example", "examples", "md", "sample", "samples", "schema", "skel", "spec",
    "template", "test", "testing", "tests", "tmpl", "tpl", "ts", "vault",
];

/// Whether the file has the variables of a program that is in the image, by its path.
pub fn is_env(path: &str) -> bool {
    let Some(end) = paths::split(path).1.strip_prefix(".env") else { return false };
    let is_own = |part: &str| !EXAMPLES.iter().any(|word| part.eq_ignore_ascii_case(word));
    let is_named = end.is_empty()
        || end == "rc"
        || end.strip_prefix('.').is_some_and(|end| end.split(['.', '-', '_']).all(is_own));
    is_named && !is_public_settings(path)
}

/// Whether one of the variables has a secret.
pub fn variables(text: &str) -> Option<&'static str> {
    text.lines().any(has_secret).then_some("variables with a secret")
}

fn has_secret(line: &str) -> bool {
    let line = line.trim();
    let line = line.strip_prefix("export ").unwrap_or(line);
    // Other signs begin a comment, or belong to a value of several lines.
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
    };
    let pair = line.split_once('=').or_else(|| line.split_once(": "));
    let Some((name, value)) = pair.map(|(name, value)| (name.trim_end(), literal(value))) else { return false };
    is_name(name) && !value.starts_with(['$', '`', '=']) && Names::default().secret(name, value).is_some()
}

/// The value without its quotes, and without the comment behind it.
fn literal(value: &str) -> &str {
    let value = value.trim();
    for quote in ['"', '\'', '`'] {
        if let Some(rest) = value.strip_prefix(quote) {
            return rest.split(quote).next().unwrap_or(rest);
        }
    }
    let value = if value.starts_with('#') { "" } else { value };
    value.split(" #").next().unwrap_or(value).trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_programs_are_read() {
        for path in
            ["app/.env", ".env", "srv/.env.production", "a/.env.local", "a/.env.prod.local", "demo/.env", "root/.envrc"]
        {
            assert!(is_env(path), "{path}");
        }
        for path in [
            "app/.env.example",
            "app/.env.local.example",
            "app/.env-sample",
            "app/.env.EXAMPLE",
            "app/.env.test",
            "app/.env.vault",
            "app/.environment",
            "app/prod.env",
            "app/.env/bin/python",
            "app/node_modules/a/.env",
            "usr/lib/python3/dist-packages/a/.env",
            "app/vendor/a/b/.env",
            "go/pkg/mod/example.com/a@v1.0.0/.env",
            "app/tests/.env",
            "app/web/__tests__/.env",
            "app/fixtures/.env.production",
            "usr/share/doc/a/.env",
        ] {
            assert!(!is_env(path), "{path}");
        }
    }

    #[test]
    fn literal_secrets_are_found() {
        for text in [
            "# settings\nLOG=debug\nDB_PASSWORD=hunter2\n",
            "export API_TOKEN='a1b2c3'\r\n",
            "PASSWORD = \"hunter2\" # of the database\n",
            "SMTP_PASSWORD=hunter2 # of the mail\n",
            "SMTP_PASSWORD: hunter2\n",
            "DATABASE_URL=postgres://app:hunter2@db/app\n",
            "APP_KEY=base64:dGhpcyBpcyBhIGtleSBvZiB0aGlydHkgdHdvIGI=\n",
            "REACT_APP_DB_PASSWORD=hunter2\n",
        ] {
            assert!(variables(text).is_some(), "{text}");
        }
        for text in [
            "",
            "# DB_PASSWORD=hunter2\n",
            "DB_PASSWORD=\nAPI_TOKEN=\"\"\nSECRET= # fill in\nREDIS_PASSWORD=null\n",
            "DB_PASSWORD=${DB_PASSWORD}\nTOKEN=$(cat /run/secrets/token)\nPASSWORD=$OTHER\n",
            "DB_PASSWORD=<password>\nAPI_TOKEN=your-api-token\nPASSWORD=REPLACE_ME\nSECRET=xxxxxxxx\n",
            "DB_PASSWORD_FILE=/run/secrets/db\nTOKEN_TTL=1h\nURL=https://example.com\nKEYBOARD=de\n",
            "NEXT_PUBLIC_API_KEY=0a1b2c3d4e5f\nVITE_MAP_TOKEN=pk.0a1b2c3d4e5f\n",
            "CERT=\"-----BEGIN CERTIFICATE-----\nMIIkey+token==\n-----END CERTIFICATE-----\"\n",
        ] {
            assert_eq!(variables(text), None, "{text}");
        }
    }
}
