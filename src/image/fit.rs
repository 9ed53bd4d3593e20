//! Makes facts small enough to be kept. An image is input of a stranger, who can make the lists of what it has as long as they like.

use super::facts::ContentFacts;
use super::{Gap, ImageFacts, Part};

/// How much of each list stays, in turn.
const STEPS: [usize; 4] = [1000, 100, 10, 0];
/// Why a list lacks something.
const WHY: &str = "there are more than podreeve can keep";

/// Shortens the facts until they fit. First what is only shown goes, then the ends of lists, each of which becomes a gap: what stays is
/// judged, and the image is never taken for one of which all is known.
pub fn fit(platforms: &mut [ImageFacts], fits: impl Fn(&[ImageFacts]) -> bool) {
    if fits(platforms) {
        return;
    }
    platforms.iter_mut().for_each(hide_details);
    for most in STEPS {
        if fits(platforms) {
            return;
        }
        for facts in platforms.iter_mut() {
            shorten(facts, most);
        }
    }
}

/// What reports alone show.
fn hide_details(facts: &mut ImageFacts) {
    for added in facts.layers.iter_mut().filter_map(|layer| layer.added.as_mut()) {
        added.largest.clear();
        added.package_names.clear();
    }
    facts.content.iter_mut().for_each(|content| content.wasted_files.truncate(1));
}

fn shorten(facts: &mut ImageFacts, most: usize) {
    let Some(content) = &mut facts.content else { return };
    let ContentFacts {
        packages,
        unknown_packages,
        privileged_files,
        build_tools,
        package_managers,
        user_switchers,
        ssh_servers,
        repositories,
        secrets,
        unverified,
        wasted_files,
        filled,
        ..
    } = content;
    let cut = [
        (Part::Packages, cut(packages, most) | cut(unknown_packages, most)),
        (Part::PrivilegedFiles, cut(privileged_files, most)),
        (
            Part::Programs,
            cut(build_tools, most) | cut(package_managers, most) | cut(user_switchers, most) | cut(ssh_servers, most),
        ),
        (Part::Repositories, cut(repositories, most)),
        (Part::Secrets, cut(secrets, most)),
        (Part::Settings, cut(unverified, most)),
        (Part::Folders, cut(filled, most)),
    ];
    wasted_files.truncate(most);
    for (part, _) in cut.into_iter().filter(|(_, is_cut)| *is_cut) {
        Gap::new(&[part], WHY).add(&mut facts.gaps);
        content.truncated = true;
    }
}

/// Whether something went.
fn cut<T>(list: &mut Vec<T>, most: usize) -> bool {
    let is_longer = list.len() > most;
    list.truncate(most);
    is_longer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Parts;
    use crate::image::facts::{PrivilegedFile, Secret};

    fn large() -> ImageFacts {
        let path = |index: usize| format!("{index}/{}", "a".repeat(4000));
        let file = |index| PrivilegedFile {
            path: path(index),
            layer: 0,
            mode: "4755".to_owned(),
            setuid: true,
            setgid: false,
            capabilities: None,
        };
        let secret = |index| Secret { path: path(index), layer: 0, kind: "a private key".to_owned(), removed_in: None };
        let content = ContentFacts {
            privileged_files: (0..900).map(file).collect(),
            secrets: (0..50).map(secret).collect(),
            ..ContentFacts::default()
        };
        ImageFacts { content: Some(content), ..ImageFacts::default() }
    }

    #[test]
    fn what_does_not_fit_is_a_gap_and_what_fits_stays() {
        let within = |bytes: usize| {
            move |platforms: &[ImageFacts]| serde_json::to_vec(platforms).is_ok_and(|json| json.len() <= bytes)
        };
        for (bytes, files, secrets, missing) in [
            (8_000_000, 900, 50, Parts::NONE),
            (1_000_000, 100, 50, Parts::of(&[Part::PrivilegedFiles])),
            (200_000, 10, 10, Parts::of(&[Part::PrivilegedFiles, Part::Secrets])),
            (5000, 0, 0, Parts::of(&[Part::PrivilegedFiles, Part::Secrets])),
        ] {
            let mut platforms = [large()];
            fit(&mut platforms, within(bytes));
            let [facts] = &platforms;
            let content = facts.content.as_ref().unwrap();
            assert_eq!((content.privileged_files.len(), content.secrets.len()), (files, secrets), "{bytes}");
            assert_eq!((facts.missing(), content.truncated), (missing, missing != Parts::NONE), "{bytes}");
            assert!(within(bytes)(&platforms), "{bytes}");
        }
    }
}
