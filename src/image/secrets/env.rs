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
    // An editor leaves `.env~` of the file before the last change.
    let end = end.trim_end_matches('~');
    let is_named = end.is_empty()
        || end == "rc"
        || end.strip_prefix(['.', '-', '_']).is_some_and(|end| end.split(['.', '-', '_']).all(is_own));
    is_named && !is_public_settings(path)
}

/// Whether one of the variables has a secret.
pub fn variables(text: &str) -> Option<&'static str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = text.lines().peekable();
    let mut has_secret = || lines.next().map(|line| has_secret(line, lines.peek().copied().unwrap_or_default()));
    std::iter::from_fn(&mut has_secret).any(|has| has).then_some("variables with a secret")
}

/// Words of a shell before the name of a variable.
const DECLARE: [&str; 4] = ["declare", "export", "readonly", "typeset"];

fn has_secret(line: &str, next: &str) -> bool {
    let line = undeclared(line.trim());
    // Other signs begin a comment, or belong to a value of several lines.
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
    };
    let pair = line.split_once('=').or_else(|| line.split_once(": "));
    let Some((name, value)) = pair.map(|(name, value)| (name.trim_end(), literal(value, next))) else { return false };
    if !is_name(name) {
        return false;
    }
    let value = match value.strip_prefix('$') {
        // Nothing replaces a variable in such quotes, but one that is named like this may be meant for another program.
        Some(rest) if is_single_quoted(line) && is_password(rest, name) => rest,
        _ => value,
    };
    !value.starts_with(['$', '`', '=']) && Names::default().secret(name, value).is_some()
}

/// The line behind `export` or `declare -x`.
fn undeclared(line: &str) -> &str {
    let Some((_, rest)) = line.split_once([' ', '\t']).filter(|(word, _)| DECLARE.contains(word)) else { return line };
    let mut rest = rest.trim_start();
    while let Some((_, behind)) = rest.split_once([' ', '\t']).filter(|(option, _)| option.starts_with('-')) {
        rest = behind.trim_start();
    }
    rest
}

fn is_single_quoted(line: &str) -> bool {
    line.split_once('=').is_some_and(|(_, value)| value.trim_start().starts_with('\''))
}

/// Whether the text behind `$` is no name of a variable: `$DB_PASSWORD`, `$password`.
fn is_password(rest: &str, name: &str) -> bool {
    rest.starts_with(|c: char| c.is_ascii_lowercase())
        && !rest.contains(['_', '{', '('])
        && !name.to_ascii_lowercase().contains(rest.to_ascii_lowercase().as_str())
}

/// The value without its quotes, and without the comment behind it. Behind three quotes it may begin in the next line.
fn literal<'t>(value: &'t str, next: &'t str) -> &'t str {
    let value = value.trim();
    for quote in ["\"\"\"", "'''", "\"", "'", "`"] {
        if let Some(rest) = value.strip_prefix(quote) {
            let rest = if quote.len() == 3 && rest.is_empty() { next.trim() } else { rest };
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
        for path in [
            "app/.env",
            ".env",
            "srv/.env.production",
            "a/.env.local",
            "a/.env.prod.local",
            "demo/.env",
            "root/.envrc",
            "a/.env_prod",
            "a/.env-prod",
            "a/.env~",
            "a/.env.production~",
        ] {
            assert!(is_env(path), "{path}");
        }
        for path in [
            "app/.env.example",
            "app/.env.local.example",
            "app/.env-sample",
            "app/.env.EXAMPLE",
            "app/.env.test",
            "app/.env.vault",
            "app/.env_example",
            "app/.env.example~",
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
            "\u{feff}DB_PASSWORD=hunter2\n",
            "declare -x DB_PASSWORD=\"hunter2\"\n",
            "declare -r -x DB_PASSWORD=hunter2\n",
            "typeset -x\tDB_PASSWORD=hunter2\n",
            "DB_PASSWORD=\"\"\"hunter2\"\"\"\n",
            "DB_PASSWORD='''hunter2'''\n",
            "DB_PASSWORD=\"\"\"\nhunter2\n\"\"\"\n",
            "DB_PASSWORD='$literal'\n",
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
            "DB_PASSWORD=\"$literal\"\nA_PASSWORD=$literal\nB_PASSWORD='$DB_PASSWORD'\nC_PASSWORD='${db}'\nD_PASSWORD='$password'\n",
            "A_PASSWORD='$db_password'\nB_PASSWORD=''\nC_PASSWORD=\"\"\"\"\"\"\nD_PASSWORD=\"\"\"\n\"\"\"\ndeclare -x E_PASSWORD\n",
            "DB_PASSWORD=encrypted:BDqDBibm4wsYqMpCjTQ6BsDHmMadg9K3dAt+Z9HPMfLEIRVz50hmLXPXRuDBXaJi0LwfYbIbNXpoSQ==\n",
            "DB_PASSWORD=ENC[AES256_GCM,data:p673w==,iv:YY=,aad:UQ=,tag:A=,type:str]\nsops_mac=ENC[AES256_GCM,data:p673w==,type:str]\n",
            "DB_PASSWORD=@@DB@@\nA_PASSWORD=@DB_PASSWORD@\nB_PASSWORD={{ db }}\nC_PASSWORD=__X__\nD_PASSWORD=%X%\nURL=postgres://a:@@P@@@db/a\n",
            "CERT=\"-----BEGIN CERTIFICATE-----\nMIIkey+token==\n-----END CERTIFICATE-----\"\n",
        ] {
            assert_eq!(variables(text), None, "{text}");
        }
    }
}
