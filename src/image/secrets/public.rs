//! Keys that are public, because libraries bring them for their tests and in their documentation.

use crate::image::paths;

/// Folders of libraries, and in them folders of tests and documentation, whose keys everybody knows.
const LIBRARIES: &[&str] = &["site-packages", "dist-packages", "node_modules", "gems", "vendor"];
const PUBLIC: &[&str] =
    &["test", "tests", "testing", "testdata", "test-data", "fixtures", "doc", "docs", "example", "examples", "demo"];
/// Folders of which everything is public.
const PUBLIC_ROOTS: &[&str] =
    &["usr/share/doc", "usr/share/man", "usr/local/go", "usr/lib/go", "usr/share/perl", "usr/share/go"];
/// Folders of shared libraries, which test themselves with keys when they are loaded.
const LIBRARY_ROOTS: &[&str] = &["usr/lib", "usr/lib32", "usr/lib64", "lib", "lib32", "lib64", "usr/local/lib"];
/// Where Python has its own library, and in it the tests.
const PYTHON_ROOTS: &[&str] = &["usr/lib", "usr/lib64", "usr/local/lib"];

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
    let python = PYTHON_ROOTS.iter().find_map(|root| {
        let (first, rest) = below(root)?.split_once('/')?;
        first.strip_prefix("python").filter(|version| is_version(version)).map(|_| rest)
    });
    let folders = paths::split(path).0;
    let mut parts = folders.split('/').skip_while(|part| !LIBRARIES.contains(part)).skip(1);
    // Modules of Go are in `pkg/mod`.
    let module = folders.split_once("pkg/mod/").filter(|(before, _)| before.is_empty() || before.ends_with('/'));
    let module = module.map(|(_, rest)| rest);
    let is_public = |part: &str| PUBLIC.contains(&part);
    parts.any(is_public)
        || module.is_some_and(|rest| rest.split('/').any(is_public))
        || python.is_some_and(|rest| paths::split(rest).0.split('/').any(is_public))
}

/// Whether a file with settings belongs to a library, to tests, or to documentation: no program runs with what it says.
pub fn is_public_settings(path: &str) -> bool {
    let folders = paths::split(path).0;
    let is_public = |part: &str| match part {
        // Many a program is called a demo and has a password of its own.
        "demo" => false,
        "__fixtures__" | "__tests__" | "spec" => true,
        part => LIBRARIES.contains(&part) || PUBLIC.contains(&part),
    };
    folders.split('/').any(is_public) || folders.contains("pkg/mod/") || is_public_key(path)
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
        ] {
            assert!(!is_public_key(path), "{path}");
        }
    }
}
