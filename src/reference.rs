//! Image references, normalised in the way the container runtime resolves them.

pub mod grammar;

use std::borrow::Cow;

/// `[registry/]repository[:tag][@digest]` with Docker Hub's short forms written out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageRef<'a> {
    /// Host in lower case, with its port: `docker.io`, `registry.example.com:5000`.
    pub registry: Cow<'a, str>,
    /// `library/nginx`, `shop/web`.
    pub repository: Cow<'a, str>,
    pub tag: Option<Cow<'a, str>>,
    pub digest: Option<Cow<'a, str>>,
}

/// Whether a digest pins the content of this image. Most rules need no more of a reference, and this parses no more.
#[must_use]
pub fn is_pinned(image: &str) -> bool {
    split_last(image, '@').1.is_some_and(is_digest)
}

impl<'a> ImageRef<'a> {
    #[must_use]
    pub fn parse(image: &'a str) -> Self {
        let (rest, tag, digest) = split(image);
        // Runtimes take a first part with an upper-case letter as a host too, since no repository has one.
        let (registry, repository) = match rest.split_once('/') {
            Some((first, path)) if is_host(first) || has_upper(first) => (host(first), path),
            _ => (HUB, rest),
        };
        let repository = if registry == HUB && !repository.contains('/') {
            Cow::Owned(format!("library/{repository}"))
        } else {
            Cow::Borrowed(repository)
        };
        Self { registry, repository, tag: tag.map(Cow::Borrowed), digest: digest.map(Cow::Borrowed) }
    }

    /// A copy that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> ImageRef<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        ImageRef {
            registry: owned(self.registry),
            repository: owned(self.repository),
            tag: self.tag.map(owned),
            digest: self.digest.map(owned),
        }
    }

    /// Reads a pattern for [`Self::is_under`]. A host alone (`registry.example.com`, `localhost:5000`) covers all its
    /// repositories. After a registry, the rest of the pattern is taken literally: `docker.io/mesh` covers the
    /// repositories of the user `mesh`, not the image `library/mesh`.
    #[must_use]
    pub fn pattern(pattern: &'a str) -> Self {
        let (name, port) = pattern.split_once(':').unwrap_or((pattern, "0"));
        // A port has digits only, but `nginx:1` is an image with a tag: it has no dot.
        if (name.contains('.') || name == "localhost")
            && port.bytes().all(|b| b.is_ascii_digit())
            && !name.contains('/')
        {
            return Self { registry: host(pattern), repository: Cow::Borrowed(""), tag: None, digest: None };
        }
        let mut parsed = Self::parse(pattern);
        if let Some(own) = parsed.repository.strip_prefix("library/")
            && pattern.contains('/')
            && !pattern.contains("library/")
        {
            parsed.repository = Cow::Owned(own.to_owned());
        }
        parsed
    }

    /// Whether a digest that a runtime verifies pins the content.
    #[must_use]
    pub fn is_pinned(&self) -> bool {
        self.digest.as_deref().is_some_and(is_digest)
    }

    /// Whether a runtime accepts the reference. One that it refuses may look like another image to a person.
    #[must_use]
    pub fn is_well_formed(&self) -> bool {
        let of = |text: &str, extra: &[char]| {
            text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || extra.contains(&c))
        };
        let is_name = |part: &str| {
            let alnum = |c: char| c.is_ascii_alphanumeric();
            of(part, &['.', '_', '-']) && part.starts_with(alnum) && part.ends_with(alnum)
        };
        self.registry.len() <= LONGEST
            && self.repository.len() <= LONGEST
            && of(&self.registry, &['.', ':', '-', '[', ']', '_'])
            && self.repository.split('/').all(is_name)
            && self.tag.as_deref().is_none_or(is_tag)
            && self.digest.as_deref().is_none_or(is_digest)
    }

    /// The one spelling that all others of this reference lead to: `registry.example.com/shop/web:latest` for a reference without a tag.
    #[must_use]
    pub fn full(&self) -> String {
        let Self { registry, repository, .. } = self;
        let tag = self.tag.as_deref().or(if self.digest.is_none() { Some("latest") } else { None });
        let tag = tag.map(|tag| format!(":{tag}")).unwrap_or_default();
        let digest = self.digest.as_deref().map(|digest| format!("@{digest}")).unwrap_or_default();
        format!("{registry}/{repository}{tag}{digest}")
    }

    /// Whether both are images of one repository of one registry.
    #[must_use]
    pub fn has_repository_of(&self, other: &ImageRef<'_>) -> bool {
        self.registry == other.registry && self.repository == other.repository
    }

    /// Whether `pattern` covers this image. The pattern is an image reference whose last segment may be missing
    /// or `*`. Whole segments are compared: `registry.example.com/shop` covers
    /// `registry.example.com/shop/web:1` and not `registry.example.com/shopping/web`.
    ///
    /// A pattern with a tag or a digest covers one image: repository, tag and digest must be equal. The one exception: a
    /// pattern with a digest and no tag ignores the image's tag. Runtimes use the digest and ignore the tag, so a pattern
    /// with only a tag covers no reference with a digest.
    #[must_use]
    pub fn is_under(&self, pattern: &ImageRef<'_>) -> bool {
        if self.registry != pattern.registry {
            return false;
        }
        match (&pattern.tag, &pattern.digest) {
            (None, None) => {
                let wanted = pattern.repository.strip_suffix("/*").unwrap_or(&pattern.repository);
                let rest = self.repository.strip_prefix(wanted);
                wanted == "*" || wanted.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
            (tag, digest) => {
                self.repository == pattern.repository && self.digest == *digest && (tag.is_none() || self.tag == *tag)
            }
        }
    }
}

/// The longest name of a host or of a repository that runtimes accept.
const LONGEST: usize = 255;

/// Splits a reference into its name, its tag and its digest.
#[must_use]
pub fn split(image: &str) -> (&str, Option<&str>, Option<&str>) {
    let (rest, digest) = split_last(image, '@');
    // A colon before the last slash belongs to a port.
    match split_last(rest, ':') {
        (name, Some(tag)) if !tag.bytes().any(|b| b == b'/') => (name, Some(tag), digest),
        _ => (rest, None, digest),
    }
}

const HUB: Cow<'static, str> = Cow::Borrowed("docker.io");

/// Whether the first part of a reference is a host. Otherwise it belongs to a repository on Docker Hub.
fn is_host(part: &str) -> bool {
    part.bytes().any(|b| matches!(b, b'.' | b':')) || part == "localhost"
}

fn has_upper(text: &str) -> bool {
    if text.is_ascii() { text.bytes().any(|b| b.is_ascii_uppercase()) } else { text.chars().any(char::is_uppercase) }
}

fn host(host: &str) -> Cow<'_, str> {
    // The port of TLS names the same registry, so it must not lead around what holds for that registry.
    let host = host.strip_suffix(":443").unwrap_or(host);
    let lower = if has_upper(host) { Cow::Owned(host.to_lowercase()) } else { Cow::Borrowed(host) };
    if lower == "index.docker.io" { HUB } else { lower }
}

/// Whether a registry allows this tag.
#[must_use]
pub fn is_tag(tag: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    tag.len() <= 128 && tag.bytes().next().is_some_and(word) && tag.bytes().all(|b| word(b) || matches!(b, b'.' | b'-'))
}

/// Whether a runtime can verify this digest. It cannot verify `sha256:zz`.
#[must_use]
pub fn is_digest(digest: &str) -> bool {
    let Some((algorithm, hex)) = digest.split_once(':') else { return false };
    let length = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => return false,
    };
    // A fold without an early exit, which the compiler turns into vector instructions.
    hex.len() == length
        && hex.bytes().fold(true, |all, b| all & ((b.wrapping_sub(b'0') < 10) | (b.wrapping_sub(b'a') < 6)))
}

fn split_last(text: &str, at: char) -> (&str, Option<&str>) {
    text.rsplit_once(at).map_or((text, None), |(before, after)| (before, Some(after)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn under(image: &str, pattern: &str) -> bool {
        ImageRef::parse(image).is_under(&ImageRef::pattern(pattern))
    }

    #[test]
    fn short_names_are_written_out() {
        for image in ["nginx", "docker.io/nginx", "library/nginx", "index.docker.io/library/nginx", "DOCKER.io/nginx"] {
            let parsed = ImageRef::parse(image);
            assert_eq!((&*parsed.registry, &*parsed.repository), ("docker.io", "library/nginx"), "{image}");
        }
        let full = ImageRef::parse("Registry.example.com:5000/shop/web:1.2@sha256:ab");
        assert_eq!(full.registry, "registry.example.com:5000");
        assert_eq!(full.repository, "shop/web");
        assert_eq!((full.tag.as_deref(), full.digest.as_deref()), (Some("1.2"), Some("sha256:ab")));
        assert_eq!(ImageRef::parse("localhost:5000/a").tag, None);
        for image in ["registry.example.com/shop/web:1", "Registry.example.com:443/shop/web:1"] {
            assert_eq!(ImageRef::parse(image).registry, "registry.example.com");
        }
        assert_eq!(ImageRef::parse("index.docker.io:443/library/nginx"), ImageRef::parse("nginx"));
    }

    #[test]
    fn a_pattern_ends_at_a_segment() {
        assert!(under("registry.example.com/shop/web:1", "registry.example.com/shop"));
        assert!(under("registry.example.com/shop/web:1", "registry.example.com/shop/*"));
        assert!(under("registry.example.com/shop/web", "registry.example.com/shop/web"));
        assert!(under("registry.example.com/shop/web", "registry.example.com/*"));
        assert!(under("mesh/proxy", "docker.io/mesh"));
        assert!(under("nginx:1", "nginx"));
        assert!(!under("nginx", "docker.io/nginx"));
        assert!(!under("registry.example.com/shopping/web", "registry.example.com/shop"));
        assert!(!under("registry.example.com.evil.org/shop/web", "registry.example.com/shop"));
        assert!(!under("evil.org/registry.example.com/shop", "registry.example.com/shop"));
        assert!(!under("registry.example.com/shop/web:2", "registry.example.com/shop/web:1"));
        assert!(!under("registry.example.com:5000/shop/web", "registry.example.com/shop"));
        assert!(under("registry.example.com:443/shop/web", "registry.example.com/shop"));
        assert!(under("registry.example.com/shop/web", "registry.example.com:443"));
    }

    #[test]
    fn a_tag_covers_no_digest() {
        let (one, two) = (format!("sha256:{}", "a".repeat(64)), format!("sha256:{}", "b".repeat(64)));
        for (pattern, covered) in [
            ("a/b".to_owned(), [true, true, true, true, true, true]),
            ("a/b:1".to_owned(), [false, true, false, false, false, false]),
            (format!("a/b@{one}"), [false, false, false, true, true, true]),
            (format!("a/b:1@{one}"), [false, false, false, false, true, false]),
        ] {
            let images = [
                "a/b".to_owned(),
                "a/b:1".to_owned(),
                "a/b:2".to_owned(),
                format!("a/b@{one}"),
                format!("a/b:1@{one}"),
                format!("a/b:2@{one}"),
            ];
            for (image, covered) in images.iter().zip(covered) {
                assert_eq!(under(image, &pattern), covered, "{image} under {pattern}");
            }
            // Another digest, or one that no runtime verifies, is a different image.
            let is_repository = pattern == "a/b";
            for image in
                [format!("a/b@{two}"), format!("a/b:1@{two}"), "a/b:1@sha256:zz".to_owned(), "a/b:1@".to_owned()]
            {
                assert_eq!(under(&image, &pattern), is_repository, "{image} under {pattern}");
            }
            // A tag or a digest belongs to one image, not to the repositories below it.
            assert_eq!(under("a/b/c:1", &pattern), is_repository, "{pattern}");
            assert_eq!(under(&format!("a/b/c:1@{one}"), &pattern), is_repository, "{pattern}");
        }
    }

    #[test]
    fn a_host_alone_is_a_pattern() {
        assert!(under("registry.example.com/shop/web:1", "registry.example.com"));
        assert!(under("registry.example.com:5000/web", "Registry.example.com:5000"));
        assert!(under("localhost/web", "localhost"));
        assert!(under("nginx", "docker.io"));
        assert!(under("nginx", "index.docker.io"));
        assert!(under("nginx:1", "nginx:1"));
        assert!(!under("nginx:2", "nginx:1"));
        assert!(!under("registry.example.com/web", "example.com"));
        assert!(!under("registry.example.com.evil.org/web", "registry.example.com"));
        assert!(!under("registry.example.com:5000/web", "registry.example.com"));
        assert!(!under("shop/web", "nginx"));
    }

    #[test]
    fn a_reference_that_a_runtime_refuses_is_not_well_formed() {
        for good in ["nginx", "registry.example.com:5000/shop/my-web_2:V1.2-rc_1", "[::1]:5000/a"] {
            assert!(ImageRef::parse(good).is_well_formed(), "{good}");
        }
        for bad in [
            "",
            " nginx",
            "nginx\n",
            "\u{1b}[31mnginx",
            "a/../b",
            "a//b",
            "/a",
            "a/",
            "A/b/C",
            "nginx:",
            "nginx:a b",
            "nginx@sha256:zz",
            "registry.example.com/shop@evil.org/web",
            "registry.example.com/shop:1:2",
            "näpfe",
        ] {
            assert!(!ImageRef::parse(bad).is_well_formed(), "{bad:?}");
        }
        let long = |length: usize| format!("registry.example.com/{}", "a".repeat(length));
        assert!(ImageRef::parse(&long(255)).is_well_formed() && !ImageRef::parse(&long(256)).is_well_formed());
        assert!(ImageRef::parse(&format!("nginx@sha256:{}", "a".repeat(64))).is_pinned());
        for unpinned in ["nginx", "nginx@sha256:zz", "nginx@md5:aa", "nginx@sha256:"] {
            assert!(!ImageRef::parse(unpinned).is_pinned(), "{unpinned}");
        }
        assert!(!ImageRef::parse(&format!("nginx@sha256:{}", "A".repeat(64))).is_pinned());
    }
}
