//! Keys that are public, because libraries bring them for their tests and in their documentation.

use crate::image::paths;

/// Folders in which package managers put libraries.
const LIBRARIES: &[&str] =
    &["site-packages", "dist-packages", "node_modules", "gems", "vendor", "usr/share/nodejs", "usr/share/javascript"];
/// Folders of tests and documentation, in those of a library.
#[rustfmt::skip]
const PUBLIC: &[&str] = &[
    "__fixtures__", "__mocks__", "__tests__", "bench", "benches", "benchmark", "certdata", "demo", "doc", "docs", "example", "examples",
    "fixtures", "mocks", "sample", "samples", "spec", "specs", "test", "test-data", "test-fixtures", "test_data", "test_keys", "testcert",
    "testcerts", "testdata", "testing", "testkeys", "tests",
];
/// The same for files with settings, where `bench` or `sample` may be the name of a program.
#[rustfmt::skip]
const PUBLIC_SETTINGS: &[&str] = &[
    "__fixtures__", "__tests__", "doc", "docs", "example", "examples", "fixtures", "spec", "test", "test-data", "testdata", "testing", "tests",
];
/// Keys that libraries bring elsewhere, by the folder of the library, which may end with a version, and the end of the path.
const KNOWN: &[(&str, &str)] = &[
    ("httpclient", "lib/httpclient/server.key"),
    ("ssh2", "lib/protocol/constants.js"),
    ("webpack-dev-server", "ssl/server.pem"),
];
/// Folders of which everything is public.
const PUBLIC_ROOTS: &[&str] =
    &["usr/share/doc", "usr/share/man", "usr/local/go", "usr/lib/go", "usr/share/perl", "usr/share/go"];
/// Folders of shared libraries, which test themselves with keys when they are loaded.
const LIBRARY_ROOTS: &[&str] = &["usr/lib", "usr/lib32", "usr/lib64", "lib", "lib32", "lib64", "usr/local/lib"];

/// Whether everybody has a key in this file, because a library brings it: with keys for its tests, in its documentation, or in the
/// library itself. Names are compared whole, so that a folder with a similar name hides nothing.
#[must_use]
pub fn is_public_key(path: &str) -> bool {
    let below = |root: &str| path.strip_prefix(root)?.strip_prefix('/');
    if PUBLIC_ROOTS.iter().any(|root| {
        let (folder, name) = paths::split(root);
        // Versions stand behind the name: `usr/lib/go-1.24`, `usr/share/perl5`.
        let version =
            below(folder).and_then(|rest| rest.split_once('/')).and_then(|(first, _)| first.strip_prefix(name));
        version.is_some_and(is_version)
    }) {
        return true;
    }
    if LIBRARY_ROOTS.iter().any(|root| below(root).is_some()) && is_shared_library(paths::split(path).1) {
        return true;
    }
    is_in_public_tree(paths::split(path).0) || in_library(path).is_some_and(is_sample)
}

/// What is behind the first folder in which a package manager puts libraries.
fn in_library(path: &str) -> Option<&str> {
    let behind = |library: &&str| match path.strip_prefix(*library) {
        Some(rest) if rest.starts_with('/') => Some(rest),
        _ => path.match_indices(*library).find_map(|(at, name)| {
            let rest = path.get(at + name.len()..)?;
            (path.get(..at)?.ends_with('/') && rest.starts_with('/')).then_some(rest)
        }),
    };
    LIBRARIES.iter().filter_map(behind).max_by_key(|rest| rest.len()).map(|rest| rest.trim_start_matches('/'))
}

/// Whether a file of a library is one of its tests or its documentation, or is known.
fn is_sample(rest: &str) -> bool {
    let is_of = |part: &str, library: &str| part.strip_prefix(library).is_some_and(is_version);
    let is_known = |(library, end): &(&str, &str)| {
        let before = rest.strip_suffix(end).and_then(|before| before.strip_suffix('/'));
        before.is_some_and(|before| is_of(before.rsplit('/').next().unwrap_or_default(), library))
    };
    paths::split(rest).0.split('/').any(|part| PUBLIC.contains(&part)) || KNOWN.iter().any(is_known)
}

/// Whether the folder is in a tree in which no program keeps a key of its own, wherever that is: the modules of Go
/// (`pkg/mod/example.com`) and Rust (`cargo/registry/src`), and the tests of Python itself (`lib/python3.12/test`).
fn is_in_public_tree(folders: &str) -> bool {
    let parts: Vec<&str> = folders.split('/').collect();
    let is_python =
        |part: &str| part.strip_prefix("python").is_some_and(|version| !version.is_empty() && is_version(version));
    parts.windows(3).any(|parts| match parts {
        ["pkg", "mod", host] => host.contains('.'),
        [".cargo" | "cargo", "registry", place] => matches!(*place, "src" | "cache"),
        ["lib" | "lib64", python, place] => is_python(python) && matches!(*place, "test" | "tests"),
        _ => false,
    })
}

/// Whether a file with settings belongs to a library, to tests, or to documentation: no program runs with what it says.
pub fn is_public_settings(path: &str) -> bool {
    let folders = paths::split(path).0;
    // Many a program is called a demo and has a password of its own.
    let is_public = |part: &str| LIBRARIES.contains(&part) || PUBLIC_SETTINGS.contains(&part);
    folders.split('/').any(is_public) || is_public_key(path)
}

/// Nothing, or digits with `.` and `-`: `5`, `-1.24`, `3.11`.
fn is_version(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit() || b".-".contains(&b))
}

/// `libgnutls.so`, `libgnutls.so.30.34.3`.
fn is_shared_library(name: &str) -> bool {
    name.split_once(".so").is_some_and(|(_, rest)| rest.is_empty() || rest.strip_prefix('.').is_some_and(is_version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_everybody_has_are_public() {
        for path in [
            "usr/lib/python3/dist-packages/tornado/test/test.key",
            "usr/lib/python3.11/test/certdata/keycert.pem",
            "usr/local/lib/python3.13/test/certdata/keycert.pem",
            "app/node_modules/agent/test/server.key",
            "usr/share/doc/libnet/examples/key.pem",
            "usr/share/perl5/Net/SSLeay/key.pem",
            "usr/share/perl/5.36.0/key.pem",
            "usr/local/go/src/crypto/tls/testdata/example-key.pem",
            "usr/lib/go-1.24/src/crypto/tls/testdata/example-key.pem",
            "go/pkg/mod/example.com/tls@v1.0.0/testdata/key.pem",
            "src/vendor/example.com/tls/testdata/key.pem",
            "usr/lib/x86_64-linux-gnu/libgnutls.so.30.34.3",
            "lib/libgnutls.so.30",
            "usr/lib64/libgnutls.so",
            "root/.pyenv/versions/3.12.1/lib/python3.12/test/certdata/keycert.pem",
            "opt/conda/lib/python3.11/test/keycert.pem",
            "app/node_modules/ssh2/lib/protocol/constants.js",
            "app/node_modules/a/__tests__/key.pem",
            "app/node_modules/@scope/a/spec/key.pem",
            "usr/share/nodejs/a/test/key.pem",
            "usr/local/bundle/gems/httpclient-2.8.3/lib/httpclient/server.key",
            "usr/local/bundle/gems/puma-6/examples/puma/client.key",
            "app/node_modules/webpack-dev-server/ssl/server.pem",
            "go/pkg/mod/example.com/pq@v1.0.0/certs/server.key",
            "go/pkg/mod/example.com/tls@v1.0.0/key_test.go",
            "root/.local/share/httpclient/node_modules/httpclient-2.8.3/lib/httpclient/server.key",
            "usr/local/cargo/registry/src/a/rustls-0.2/benches/key.pem",
            "root/.cargo/registry/src/a/b/README.md",
        ] {
            assert!(is_public_key(path), "{path}");
        }
        for path in [
            "app/test/key.pem",
            "usr/lib/app/key.pem",
            "app/libown.so",
            "usr/bin/app",
            "app/node_modules/a/key.pem",
            // Names that only begin or end like those of libraries.
            "usr/lib/google/sa.pem",
            "usr/lib/golden/tls.key",
            "usr/lib/key.something.pem",
            "usr/lib/key.sox",
            "library/tls.socket.pem",
            "library/tls.so",
            "usr/share/perlapp/x.pem",
            "usr/share/docs/x.pem",
            "usr/lib/python3-app/test/x.pem",
            "srv/demo/vendor/tls.pem",
            "app/pkg/doc/tls.pem",
            "srv/test/node_modules/a/tls.pem",
            "app/node_modules/test",
            "app/node_modules/mycompany/key.pem",
            "app/node_modules/mycompany/tls/server.key",
            "app/server.js",
            "app/config/server.key",
            "app/lib/test/server.key",
            "app/lib/pythonic/test/server.key",
            "app/cargo/keys/registry/server.key",
            "opt/my-gems/test/server.key",
            "srv/httpclient-2/server.key",
            "usr/local/lib/python3.12/site-packages/mycompany/config.py",
            "app/vendor/config/secrets.php",
            "srv/pkg/mod/tls.key",
            "registry/cargo/registry/auth/token.key",
            "opt/app/lib/python3.11/sample/prod.key",
            "app/vendor/httpclient-corp/lib/httpclient/server.key",
        ] {
            assert!(!is_public_key(path), "{path}");
        }
    }
}
