//! Image references, normalised as the container runtime resolves them.

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

/// Whether the content of this image is pinned: by a digest that a runtime verifies. Most are asked no more.
#[must_use]
pub fn is_pinned(image: &str) -> bool {
    split_last(image, '@').1.is_some_and(is_digest)
}

impl<'a> ImageRef<'a> {
    #[must_use]
    pub fn parse(image: &'a str) -> Self {
        let (rest, tag, digest) = split(image);
        // As runtimes do: an upper-case letter makes a host too, since no repository has one.
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

    /// The same, of its own.
    #[must_use]
    pub fn into_owned(self) -> ImageRef<'static> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        ImageRef {
            registry: own(self.registry),
            repository: own(self.repository),
            tag: self.tag.map(own),
            digest: self.digest.map(own),
        }
    }

    /// Reads a pattern for [`Self::is_under`]. A host alone stands for all that is there:
    /// `registry.example.com`, `localhost:5000`. With a registry in it the rest is taken as it stands:
    /// `docker.io/mesh` is everything of the user `mesh`, not the image `library/mesh`.
    #[must_use]
    pub fn pattern(pattern: &'a str) -> Self {
        let (name, port) = pattern.split_once(':').unwrap_or((pattern, "0"));
        // `nginx:1` is an image with a tag.
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

    /// Whether the content is pinned: by a digest that a runtime verifies.
    #[must_use]
    pub fn is_pinned(&self) -> bool {
        self.digest.as_deref().is_some_and(is_digest)
    }

    /// Whether a runtime would take it: what it refuses may look like another image to a person.
    #[must_use]
    pub fn is_well_formed(&self) -> bool {
        let of = |text: &str, extra: &[char]| {
            text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || extra.contains(&c))
        };
        let is_name = |part: &str| {
            let alnum = |c: char| c.is_ascii_alphanumeric();
            of(part, &['.', '_', '-']) && part.starts_with(alnum) && part.ends_with(alnum)
        };
        of(&self.registry, &['.', ':', '-', '[', ']', '_'])
            && self.repository.split('/').all(is_name)
            && self.tag.as_deref().is_none_or(is_tag)
            && self.digest.as_deref().is_none_or(is_digest)
    }

    /// Whether this image lies under `pattern`, an image reference whose last segment may be left
    /// out or be `*`. Compares whole segments: `registry.example.com/shop` covers
    /// `registry.example.com/shop/web:1` and not `registry.example.com/shopping/web`.
    ///
    /// A pattern with a tag or a digest names one image: repository, tag and digest must be equal, but for a tag beside the
    /// digest that the pattern names. Runtimes take the digest and leave the tag alone, so a tag covers no reference with
    /// a digest.
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

/// Name, tag and digest.
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

/// Whether the first part of a reference is a host and not a part of a repository on Docker Hub.
fn is_host(part: &str) -> bool {
    part.bytes().any(|b| matches!(b, b'.' | b':')) || part == "localhost"
}

fn has_upper(text: &str) -> bool {
    if text.is_ascii() { text.bytes().any(|b| b.is_ascii_uppercase()) } else { text.chars().any(char::is_uppercase) }
}

fn host(host: &str) -> Cow<'_, str> {
    let lower = if has_upper(host) { Cow::Owned(host.to_lowercase()) } else { Cow::Borrowed(host) };
    if lower == "index.docker.io" { HUB } else { lower }
}

/// A tag that a registry can have.
#[must_use]
pub fn is_tag(tag: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    tag.len() <= 128 && tag.bytes().next().is_some_and(word) && tag.bytes().all(|b| word(b) || matches!(b, b'.' | b'-'))
}

/// A digest that a runtime verifies; `sha256:zz` is none.
#[must_use]
pub fn is_digest(digest: &str) -> bool {
    let Some((algorithm, hex)) = digest.split_once(':') else { return false };
    let length = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => return false,
    };
    // Without leaving early, so that many bytes are compared at once.
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
            // What is under no name of the first digest, is under none of its patterns.
            let is_repository = pattern == "a/b";
            for image in
                [format!("a/b@{two}"), format!("a/b:1@{two}"), "a/b:1@sha256:zz".to_owned(), "a/b:1@".to_owned()]
            {
                assert_eq!(under(&image, &pattern), is_repository, "{image} under {pattern}");
            }
            // A tag or digest is one image's, not a directory's.
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
    fn what_a_runtime_refuses_is_not_well_formed() {
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
        assert!(ImageRef::parse(&format!("nginx@sha256:{}", "a".repeat(64))).is_pinned());
        for unpinned in ["nginx", "nginx@sha256:zz", "nginx@md5:aa", "nginx@sha256:"] {
            assert!(!ImageRef::parse(unpinned).is_pinned(), "{unpinned}");
        }
        assert!(!ImageRef::parse(&format!("nginx@sha256:{}", "A".repeat(64))).is_pinned());
    }
}
