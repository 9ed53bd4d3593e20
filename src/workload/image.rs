//! Image references, normalised as the container runtime resolves them.

/// `[registry/]repository[:tag][@digest]` with Docker Hub's short forms written out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageRef<'a> {
    /// Host in lower case, with its port: `docker.io`, `registry.example.com:5000`.
    pub registry: String,
    /// `library/nginx`, `shop/web`.
    pub repository: String,
    pub tag: Option<&'a str>,
    pub digest: Option<&'a str>,
}

impl<'a> ImageRef<'a> {
    #[must_use]
    pub fn parse(image: &'a str) -> Self {
        let (rest, digest) = split_last(image, '@');
        // A colon before the last slash belongs to a port.
        let (rest, tag) = match rest.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
            _ => (rest, None),
        };
        let (registry, repository) = match rest.split_once('/') {
            Some((host, path))
                if host.contains(['.', ':']) || host == "localhost" || host.chars().any(char::is_uppercase) =>
            {
                (host.to_lowercase(), path.to_owned())
            }
            Some(_) => ("docker.io".to_owned(), rest.to_owned()),
            None => ("docker.io".to_owned(), format!("library/{rest}")),
        };
        let (registry, repository) = match (registry.as_str(), repository.contains('/')) {
            ("index.docker.io" | "docker.io", false) => ("docker.io".to_owned(), format!("library/{repository}")),
            ("index.docker.io", true) => ("docker.io".to_owned(), repository),
            _ => (registry, repository),
        };
        Self { registry, repository, tag, digest }
    }

    /// Reads a pattern for [`Self::is_under`]. With a registry in it the rest is taken as it stands:
    /// `docker.io/mesh` is everything of the user `mesh`, not the image `library/mesh`.
    #[must_use]
    pub fn pattern(pattern: &'a str) -> Self {
        let mut parsed = Self::parse(pattern);
        if let Some(own) = parsed.repository.strip_prefix("library/")
            && pattern.contains('/')
            && !pattern.contains("library/")
        {
            parsed.repository = own.to_owned();
        }
        parsed
    }

    /// Whether this image lies under `pattern`, an image reference whose last segment may be left
    /// out or be `*`. Compares whole segments: `registry.example.com/shop` covers
    /// `registry.example.com/shop/web:1` and not `registry.example.com/shopping/web`.
    /// A tag or digest in the pattern must be equal.
    #[must_use]
    pub fn is_under(&self, pattern: &ImageRef<'_>) -> bool {
        let wanted = pattern.repository.strip_suffix("/*").unwrap_or(&pattern.repository);
        let under = self.repository.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        self.registry == pattern.registry
            && (under || wanted == "*" || wanted.is_empty())
            && pattern.tag.is_none_or(|tag| self.tag == Some(tag))
            && pattern.digest.is_none_or(|digest| self.digest == Some(digest))
    }
}

fn split_last(text: &str, at: char) -> (&str, Option<&str>) {
    text.rsplit_once(at).map_or((text, None), |(head, tail)| (head, Some(tail)))
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
            assert_eq!(
                (parsed.registry.as_str(), parsed.repository.as_str()),
                ("docker.io", "library/nginx"),
                "{image}"
            );
        }
        let full = ImageRef::parse("Registry.example.com:5000/shop/web:1.2@sha256:ab");
        assert_eq!(full.registry, "registry.example.com:5000");
        assert_eq!(full.repository, "shop/web");
        assert_eq!((full.tag, full.digest), (Some("1.2"), Some("sha256:ab")));
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
}
