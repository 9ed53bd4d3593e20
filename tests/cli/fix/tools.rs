//! What a tool wrote is not edited: the report names its source.

use super::{BAD, fix};
use crate::binary::Dir;
use std::fs;

/// Runs `--fix` on a file, which stays as it is, and returns the text of the report.
fn left(dir: &Dir, file: &str) -> String {
    let before = fs::read(dir.0.join(file)).expect("a file");
    let ran = fix(dir, &["--unsafe-fixes", file]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert_eq!(fs::read(dir.0.join(file)).expect("a file"), before, "{file}");
    ran.out
}

#[test]
fn helm_names_its_template() {
    let chart = BAD.replace("name: web # its name", "name: web\n  labels: {helm.sh/chart: shop-1.2.3}");
    let output =
        format!("---\n# Source: shop/templates/web.yaml\n{BAD}---\n# Source: shop/charts/db/templates/db.yaml\n{BAD}");
    let dir = Dir::new("helm", &[("out.yaml", &output), ("stripped.yaml", &chart)]);
    let out = left(&dir, "out.yaml");
    assert!(out.starts_with("fixed 0 of 18 in out.yaml\n"), "{out}");
    for line in [
        "out.yaml:4: not edited: Pod default/web: helm made it from shop/templates/web.yaml; edit it there\n",
        ": not edited: Pod default/web: helm made it from shop/charts/db/templates/db.yaml; edit it there\n",
    ] {
        assert!(out.contains(line), "{line}\n{out}");
    }
    assert!(left(&dir, "stripped.yaml").contains("helm made it from the chart shop-1.2.3; edit it there\n"));
}

#[test]
fn stdin_is_not_written() {
    let dir = Dir::new("stdin", &[]);
    let output = format!("---\n# Source: shop/templates/web.yaml\n{BAD}");
    let ran = dir.run_with(&["check", "--fix", "--unsafe-fixes", "-"], &output);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.out.starts_with("fixed 0 of 9 in -\n-: not edited: stdin is not written; "), "{}", ran.out);
    assert!(ran.out.contains("helm made it from shop/templates/web.yaml; edit it there"), "{}", ran.out);
}

#[test]
fn kustomize_names_its_source() {
    let origin = BAD.replace(
        "name: web # its name",
        "name: web\n  annotations:\n    config.kubernetes.io/origin: |\n      path: ../base/web.yaml\n",
    );
    let kustomization = "resources: [web.yaml]\npatches: [{path: patch.yaml}]\n";
    let dir = Dir::new(
        "kustomize",
        &[
            ("out.yaml", &origin),
            ("overlay/kustomization.yaml", kustomization),
            ("overlay/web.yaml", BAD),
            ("overlay/patch.yaml", BAD),
            ("overlay/rendered.yaml", BAD),
            ("app/kustomization.yaml", "patches: [{path: deep/patch.yaml}]\n"),
            ("app/deep/patch.yaml", BAD),
        ],
    );
    assert!(left(&dir, "out.yaml").contains("kustomize made it from ../base/web.yaml; edit it there\n"));
    assert!(left(&dir, "overlay/patch.yaml").contains("a patch of overlay/kustomization.yaml; "));
    assert!(left(&dir, "app/deep/patch.yaml").contains("kustomization.yaml; "));
    let unlisted = "overlay/kustomization.yaml does not list it, so it may be what kustomize made; ";
    assert!(left(&dir, "overlay/rendered.yaml").contains(unlisted));
    // What a kustomization lists is a source.
    let ran = fix(&dir, &["--unsafe-fixes", "overlay/web.yaml"]);
    assert!(ran.out.starts_with("fixed 9 of 9 in overlay/web.yaml\n"), "{}", ran.out);
}

/// A template is its own source, and one without braces is read.
#[test]
fn a_template_with_braces_is_passed_over() {
    let dir = Dir::new(
        "chart",
        &[
            ("shop/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.0.0\n"),
            ("shop/templates/plain.yaml", BAD),
            ("shop/templates/web.yaml", &BAD.replace("name: web # its name", "name: '{{ .Release.Name }}'")),
        ],
    );
    let before = fs::read(dir.0.join("shop/templates/web.yaml")).expect("a file");
    let ran = fix(&dir, &["--unsafe-fixes", "shop/templates"]);
    assert!(ran.out.starts_with("fixed 9 of 9 in shop/templates/plain.yaml\n"), "{}", ran.out);
    assert_eq!(fs::read(dir.0.join("shop/templates/web.yaml")).expect("a file"), before);
}
