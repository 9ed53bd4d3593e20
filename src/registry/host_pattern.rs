//! Patterns of hosts and images as the kubelet reads them in pull secrets and in `matchImages`.

/// Whether `pattern` covers `image`, a reference without tag and digest. As in the kubelet: a `*` stands for any letters
/// within one label of the host, the number of labels and the port are equal, and the path is a prefix.
pub fn covers(pattern: &str, image: &str) -> bool {
    let (pattern_host, pattern_path) = split(pattern);
    let (host, path) = split(image);
    let (pattern_name, pattern_port) = port(pattern_host);
    let (name, port) = port(host);
    pattern_port == port
        && pattern_name.split('.').count() == name.split('.').count()
        && pattern_name.split('.').zip(name.split('.')).all(|(pattern, label)| label_matches(pattern, label))
        && is_path_prefix(pattern_path, path)
}

/// Docker writes keys with a scheme and the version of an old API: `https://index.docker.io/v1/`.
fn split(text: &str) -> (&str, &str) {
    let text = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or(text);
    let (host, path) = text.split_once('/').unwrap_or((text, ""));
    let path = path.trim_end_matches('/');
    (host, if matches!(path, "v1" | "v2") { "" } else { path })
}

fn port(host: &str) -> (&str, &str) {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => (name, port),
        _ => (host, ""),
    }
}

/// The kubelet compares letters here. Whole segments are safer: credentials for `shop` are none for `shopping`.
fn is_path_prefix(prefix: &str, path: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| prefix.is_empty() || rest.is_empty() || rest.starts_with('/'))
}

/// Linear in the label for each `*`.
fn label_matches(pattern: &str, label: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(first) = parts.next() else { return label.is_empty() };
    let Some(mut rest) = label.strip_prefix(first) else { return false };
    let mut last = None;
    for part in parts {
        if let Some(part) = last.replace(part) {
            let Some(at) = rest.find(part) else { return false };
            rest = rest.get(at + part.len()..).unwrap_or("");
        }
    }
    match last {
        Some(part) => rest.ends_with(part),
        None => rest.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_the_kubelet_does() {
        let yes = [
            ("registry.example.com", "registry.example.com/shop/web"),
            ("https://registry.example.com/v2/", "registry.example.com/shop"),
            ("*.example.com", "registry.example.com/shop"),
            ("registry*.*.com", "registry7.example.com/x"),
            ("registry.example.com:5000", "registry.example.com:5000/x"),
            ("registry.example.com/shop", "registry.example.com/shop/web"),
            ("a*b*c.d", "aXbYc.d/x"),
        ];
        for (pattern, image) in yes {
            assert!(covers(pattern, image), "{pattern} {image}");
        }
        let no = [
            ("*.example.com", "a.registry.example.com/x"),
            ("*.com", "registry.example.com/x"),
            ("registry.example.com", "registry.example.com:5000/x"),
            ("registry.example.com/shop", "registry.example.com/shopping"),
            ("registry.example.com/shop", "registry.example.com"),
            ("registry.example.com", "registry.example.com.evil.test/x"),
            ("a*b.d", "aXc.d/x"),
            ("a*a.d", "a.d/x"),
        ];
        for (pattern, image) in no {
            assert!(!covers(pattern, image), "{pattern} {image}");
        }
    }
}
