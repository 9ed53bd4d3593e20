//! The next command of a reader: the same scan, of one namespace.

use super::Args;

/// The scan of this namespace with the flags that select the cluster and the policies.
pub fn command(args: &Args, namespace: &str) -> String {
    let mut words = vec!["podreeve".to_owned(), "scan".to_owned()];
    let mut flag = |name: &str, value: &str| words.extend([name.to_owned(), quoted(value)]);
    for (name, value) in args.access.flags() {
        flag(name, &value);
    }
    for policy in &args.policy {
        flag("--policy", policy);
    }
    if !args.exemption_namespaces.is_empty() {
        flag("--exemption-namespaces", &args.exemption_namespaces.join(","));
    }
    if let Some(selector) = &args.selector {
        flag("-l", selector);
    }
    flag("-n", namespace);
    words.join(" ")
}

/// In quotes if a shell could read it as something else.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:@%+".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn the_command_scans_the_same_cluster_by_the_same_policies() {
        let given = [
            "scan",
            "--summary",
            "--context",
            "it's",
            "--policy",
            "a b.yaml",
            "--policy",
            "owasp",
            "-l",
            "app in (a,b)",
            "--exemption-namespaces",
            "a,b",
            "-A",
            "--chunk-size",
            "5",
        ];
        let Command { args } = Command::parse_from(given);
        assert_eq!(
            command(&args, "shop"),
            "podreeve scan --context 'it'\\''s' --policy 'a b.yaml' --policy owasp --exemption-namespaces a,b -l 'app in (a,b)' -n shop"
        );
        let Command { args } = Command::parse_from(["scan"]);
        assert_eq!(command(&args, "shop"), "podreeve scan -n shop");
    }
}
