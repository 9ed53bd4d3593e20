//! `check --fix`: files in all styles that people write are edited, and nothing else in them changes.

mod dockerfiles;
mod property;
mod reports;
mod styles;
mod tools;
mod writes;

use super::binary::{Dir, Ran};

const BAD: &str = "\
# Web
apiVersion: v1
kind: Pod
metadata:
  name: web # its name
spec:
  containers:
  - name: web
    image: 'registry.example.com/web:1'   # pinned
    # as small as it can be
    securityContext:
      runAsUser: 0
      privileged: true # for now
  - name: side
    image: \"registry.example.com/side:1\"
";

/// What `--fix --unsafe-fixes` makes of [`BAD`].
const GOOD: &str = "\
# Web
apiVersion: v1
kind: Pod
metadata:
  name: web # its name
spec:
  containers:
  - name: web
    image: 'registry.example.com/web:1'   # pinned
    # as small as it can be
    securityContext:
      runAsUser: 10001
";

fn fix(dir: &Dir, args: &[&str]) -> Ran {
    dir.run(&[&["check", "--no-config", "--fix"], args].concat())
}
