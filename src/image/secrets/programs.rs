//! Credentials in the settings of package managers, servers and frameworks.

mod wordpress;

use super::is_set;
use super::public::is_public_settings;
use crate::image::text_file::{is_placeholder, settings};
use crate::secret_shapes::{Names, is_literal, secret_value};

type Find = fn(&str) -> Option<&'static str>;

/// How the file is searched for credentials, by the folder in which it is, and its name. podreeve looks at every file of an image: what costs
/// more is behind a fitting name.
pub fn named(path: &str, parent: &str, name: &str) -> Option<Find> {
    let find: Find = match (parent, name) {
        (".git", "config") | (_, ".gitconfig" | "gitconfig") => repository,
        (_, "config") if is_of_submodule(path) => repository,
        (_, "config.worktree") if path.starts_with(".git/") || path.contains("/.git/") => repository,
        (_, "pip.conf" | "pip.ini") => index,
        (_, ".yarnrc.yml") => yarn,
        (_, "auth.json") => composer,
        (".bundle", "config") => bundler,
        ("apt", "auth.conf") | ("auth.conf.d", _) => super::netrc,
        (_, ".my.cnf") => mysql,
        (_, ".s3cfg") => s3,
        (_, "rclone.conf") => rclone,
        (_, "application_default_credentials.json") => google,
        ("config", "master.key") | ("credentials", "production.key") => rails,
        _ if name.eq_ignore_ascii_case("nuget.config") => nuget,
        _ => return framework(name).filter(|_| !is_public_settings(path)),
    };
    Some(find)
}

/// `.git/modules/a/b/config`: the name of a submodule is mostly its path.
fn is_of_submodule(path: &str) -> bool {
    path.starts_with(".git/modules/") || path.contains("/.git/modules/")
}

/// The settings of a program that may be an example, too.
fn framework(name: &str) -> Option<Find> {
    match name {
        "gradle.properties" => Some(gradle),
        "wp-config.php" => Some(wordpress::find),
        _ if is_of_spring(name) => Some(spring),
        _ if is_of_dotnet(name) => Some(dotnet),
        _ => None,
    }
}

/// `application.properties`, `application-prod.yml`. Profiles for tests and a developer's machine are no settings of the image.
fn is_of_spring(name: &str) -> bool {
    let Some(rest) = ["application", "bootstrap"].iter().find_map(|of| name.strip_prefix(of)) else { return false };
    let Some((profile, "properties" | "yml" | "yaml")) = rest.rsplit_once('.') else { return false };
    profile.is_empty() || profile.strip_prefix('-').is_some_and(|profile| !is_for_developers(profile))
}

/// `appsettings.json`, `appsettings.Production.json`.
fn is_of_dotnet(name: &str) -> bool {
    let Some((begin, rest)) = name.split_at_checked("appsettings".len()) else { return false };
    let Some((profile, end)) = rest.rsplit_once('.') else { return false };
    begin.eq_ignore_ascii_case("appsettings")
        && end.eq_ignore_ascii_case("json")
        && (profile.is_empty() || profile.strip_prefix('.').is_some_and(|profile| !is_for_developers(profile)))
}

fn is_for_developers(profile: &str) -> bool {
    let known = ["ci", "dev", "development", "example", "h2", "local", "sample", "test", "tests"];
    known.iter().any(|one| profile.eq_ignore_ascii_case(one))
}

/// A URL with a login, which may be a token without a user, or the header of a login.
fn repository(text: &str) -> Option<&'static str> {
    let has_login = |line: &str| {
        let login = line.split_once("://").and_then(|(_, rest)| rest.split('/').next()?.rsplit_once('@'));
        login.is_some_and(|(login, _)| match login.split_once(':') {
            Some((_, password)) => is_literal(password) && !is_placeholder(password),
            None => secret_value(login).is_some(),
        })
    };
    let has_header = |line: &str| line.to_ascii_lowercase().contains("extraheader") && secret_value(line).is_some();
    let mut lines = text.lines().filter(|line| !line.trim_start().starts_with(['#', ';']));
    lines.any(|line| has_login(line) || has_header(line)).then_some("a login to a Git server")
}

fn index(text: &str) -> Option<&'static str> {
    let mut lines = text.lines().filter(|line| !line.trim_start().starts_with(['#', ';']));
    lines.any(|line| secret_value(line).is_some()).then_some("a login to a package registry of Python")
}

fn yarn(text: &str) -> Option<&'static str> {
    is_set(text, &["npmAuthToken", "npmAuthIdent"]).then_some("a login to a package registry of npm")
}

/// The parts of a text in XML that are in no comment.
pub fn uncommented(text: &str) -> impl Iterator<Item = &str> {
    let behind = |part| str::split_once(part, "-->").map_or("", |(_, behind)| behind);
    text.split("<!--").enumerate().map(move |(index, part)| if index == 0 { part } else { behind(part) })
}

/// The other form of the password is encrypted.
fn nuget(text: &str) -> Option<&'static str> {
    let names = ["\"cleartextpassword\"", "'cleartextpassword'"];
    let is_password = |element: &&str| {
        let element = element.to_ascii_lowercase();
        names.iter().any(|name| element.contains(name))
    };
    let value = |element: &'_ str| -> Option<String> {
        let rest = element.split_once("value")?.1.trim_start().strip_prefix('=')?.trim_start();
        let quote = rest.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        rest.split(quote).nth(1).map(str::to_owned)
    };
    let mut values = uncommented(text).flat_map(|part| part.split('<')).filter(is_password).filter_map(value);
    values.any(|value| !is_placeholder(&value)).then_some("a login to a package registry of NuGet")
}

fn composer(text: &str) -> Option<&'static str> {
    let json: serde_json::Value = serde_json::from_str(text).ok()?;
    let is_secret = |value: &serde_json::Value| {
        let password = value.get("password").or_else(|| value.get("consumer-secret")).or_else(|| value.get("token"));
        password.unwrap_or(value).as_str().is_some_and(|value| !is_placeholder(value))
    };
    let kinds = ["http-basic", "github-oauth", "gitlab-oauth", "gitlab-token", "bitbucket-oauth", "bearer"];
    let mut hosts = kinds.iter().filter_map(|kind| json.get(kind)?.as_object()).flat_map(|hosts| hosts.values());
    hosts.any(is_secret).then_some("a login to a package registry of PHP")
}

/// `BUNDLE_GEMS__EXAMPLE__COM: "user:password"`.
fn bundler(text: &str) -> Option<&'static str> {
    let is_login = |key: &str, value: &str| {
        // An address, a path of Windows and options of a compiler have a colon, too.
        let is_login =
            |(user, rest): &(&str, &str)| !user.is_empty() && !user.starts_with('-') && !rest.starts_with(['/', '\\']);
        let password = value.split_once(':').filter(is_login);
        let is_of_host = key.strip_prefix("BUNDLE_").is_some_and(|key| key.contains("__"));
        let is = |kinds: &[&str]| kinds.iter().any(|kind| key.starts_with(kind));
        // The value of a mirror is its address, which may have a port.
        let is_login = password.is_some_and(|(_, password)| is_literal(password)) && !is(&["BUNDLE_MIRROR__"]);
        is_of_host && !is(&["BUNDLE_BUILD__", "BUNDLE_LOCAL__"]) && (is_login || secret_value(value).is_some())
    };
    settings(text).any(|(_, key, value)| is_login(key, value)).then_some("a login to a package registry of Ruby")
}

fn mysql(text: &str) -> Option<&'static str> {
    is_set(text, &["password"]).then_some("a password of MySQL")
}

fn s3(text: &str) -> Option<&'static str> {
    is_set(text, &["secret_key", "access_token", "gpg_passphrase"]).then_some("an access key of S3")
}

/// Its passwords are made unreadable in a way that everybody can undo.
fn rclone(text: &str) -> Option<&'static str> {
    let keys = ["pass", "password", "password2", "secret_access_key", "client_secret", "token", "key", "sas_url"];
    is_set(text, &keys).then_some("a login to storage in the cloud")
}

fn google(text: &str) -> Option<&'static str> {
    is_set(text, &["refresh_token"]).then_some("a login to Google Cloud")
}

fn rails(text: &str) -> Option<&'static str> {
    let key = text.trim();
    (key.len() >= 32 && key.bytes().all(|b| b.is_ascii_hexdigit())).then_some("the key of the credentials of Rails")
}

/// Whether one of the settings is a secret by its name or its shape.
fn has_setting(text: &str, literal: for<'v> fn(&'v str) -> &'v str) -> bool {
    settings(text).any(|(_, key, value)| {
        let value = literal(value.split(" #").next().unwrap_or(value).trim_matches(['"', '\'', ' ']));
        let last = key.rsplit('.').next().unwrap_or(key);
        // Spring computes `#{...}`.
        let is_expression = value.starts_with(['$', '@', '{', '&', '*', '|', '>', '[']) || value.starts_with("#{");
        !is_expression && Names::default().secret(last, value).is_some()
    })
}

/// What asks a store for the value: `${vault:secret/db#password}`.
const STORES: [&str; 8] = ["aws-parameterstore", "aws-secretsmanager", "env", "file", "secret", "sm", "sys", "vault"];
/// Values that say that another one is to be set.
const UNSET: [&str; 7] = ["change-me", "change_me", "changeit", "changeme", "password", "secret", "test"];

/// The name and the default of a reference.
fn reference(text: &str) -> Option<(&str, &str)> {
    let (name, default) = text.strip_prefix("${")?.split_once(':')?;
    (!STORES.contains(&name) && !default.starts_with('?')).then_some((name, default))
}

/// The value that holds where nothing else is set: `hunter2` of `${DB_PASSWORD:hunter2}`. Of other values, the value itself.
fn default_of(value: &str) -> &str {
    let mut default = value;
    while let Some((_, behind)) = reference(default) {
        default = behind;
    }
    if default.len() == value.len() {
        return value;
    }
    let default = default.trim_end_matches('}');
    if UNSET.iter().any(|unset| default.eq_ignore_ascii_case(unset)) { "" } else { default }
}

fn gradle(text: &str) -> Option<&'static str> {
    has_setting(text, |value| value).then_some("a password in the settings of Gradle")
}

fn spring(text: &str) -> Option<&'static str> {
    has_setting(text, default_of).then_some("a password in the settings of Spring")
}

fn dotnet(text: &str) -> Option<&'static str> {
    has_setting(text, |value| value).then_some("a password in the settings of .NET")
}

#[cfg(test)]
mod tests;
