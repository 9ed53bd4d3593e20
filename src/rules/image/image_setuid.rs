//! Files that give a process more than its user has.

use crate::image::{ImageFacts, Part, Parts, Place};
use crate::rule::{
    AtMost, Finding, ImageCheck, ImageExample, ImageFindings, ImageRule, InContainer, Judges, Rule, Severity,
    compile_image, params,
};
use crate::workload::{ContainerRef, Pod};
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "image-setuid",
    title: "No file of an image has setuid, setgid or capabilities",
    docs: "A program with setuid or setgid runs with the rights of its owner or group, whoever starts it, and a file with the extended \
attribute `security.capability` gives its process capabilities. Images of distributions have `su`, `mount`, `passwd` and others, \
which a container does not need. The rule reports the regular files that `find / -perm /6000` and `getcap -r /` list in the \
container.\n\n\
In a container with `allowPrivilegeEscalation: false` the bits are without effect, so only reports have them. With \
`onlyEscalationDenies: true`, as in the built-in policy `owasp`, the rule denies nothing but containers in which the field is `true`, and \
`podreeve image` warns. A policy that extends `owasp` inherits the parameter; to deny every image, it says `onlyEscalationDenies: false`.\n\n\
Remove the bits in the build: `RUN find / -xdev -perm /6000 -type f -exec chmod a-s {} +`. `allow` names files that need them, by their path.",
    why: "a process of any user that runs such a file gets the rights of root or of a group",
    owasp: &[6, 7, 8, 24],
    severity: Severity::Medium,
    params: params::<ImageSetuid>,
    judges: Judges::Image(ImageRule {
        compile: compile_image::<ImageSetuid>,
        instead: "remove the bits in the last step of the build: `RUN find / -xdev -perm /6000 -type f -exec chmod a-s {} +`",
        examples: &[
            ImageExample::bad(
                "setuid, setgid and capabilities",
                r#"{"content":{"privilegedFiles":[
                    {"path":"usr/bin/su","layer":0,"mode":"4755","setuid":true,"setgid":false},
                    {"path":"usr/bin/wall","layer":0,"mode":"2755","setuid":false,"setgid":true},
                    {"path":"usr/bin/ping","layer":1,"mode":"0755","setuid":false,"setgid":false,"capabilities":"cap_net_raw"}]}}"#,
                &["layers[0]/usr/bin/su", "layers[0]/usr/bin/wall", "layers[1]/usr/bin/ping"],
            ),
            ImageExample::good("no such file", "{}"),
            ImageExample::good(
                "an allowed file",
                r#"{"content":{"privilegedFiles":[{"path":"usr/bin/su","layer":0,"mode":"4755","setuid":true,"setgid":false}]}}"#,
            )
            .params(r#"{"allow":["/usr/bin/su"]}"#),
            ImageExample::good("layers that are not read", r#"{"content":null}"#),
        ],
    }),
};

/// Parameters of `image-setuid`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct ImageSetuid {
    /// Paths of files that may have them: `/usr/bin/su`. Default: none.
    allow: Vec<String>,
    /// Warn at most, except in a container with `allowPrivilegeEscalation: true`. Default: false.
    only_escalation_denies: bool,
}

const HELD_BACK: &str = "a process of any user that runs such a file gets the rights of root or of a group; the rule only warns while \
its `onlyEscalationDenies` is true, except in a container with `allowPrivilegeEscalation: true`";

impl ImageCheck for ImageSetuid {
    fn parts(&self) -> Parts {
        Parts::of(&[Part::PrivilegedFiles])
    }

    fn most(&self) -> Option<AtMost> {
        self.only_escalation_denies.then_some(AtMost::Warn)
    }

    fn check<'i>(&self, image: &'i ImageFacts, _: Date, findings: &mut ImageFindings<'i>) {
        let Some(content) = &image.content else { return };
        let most = self.most();
        let allows = |path: &str| self.allow.iter().any(|allowed| allowed.trim_start_matches('/') == path);
        for file in content.privileged_files.iter().filter(|file| !allows(&file.path)) {
            let mut has: Vec<String> = Vec::new();
            has.extend(file.setuid.then(|| "setuid".to_owned()));
            has.extend(file.setgid.then(|| "setgid".to_owned()));
            has.extend(file.capabilities.clone());
            let found = format!("{} (mode {})", has.join(", "), file.mode);
            let at = Place::File { layer: file.layer, path: &file.path };
            let finding = Finding::new(at, found, "no setuid, setgid or capabilities").at_most(most);
            findings.push(if most.is_some() { finding.why(HELD_BACK) } else { finding });
        }
    }

    fn in_container(&self, _: &Pod<'_>, container: ContainerRef<'_>) -> InContainer {
        let context = container.container.security_context.as_ref();
        match context.and_then(|context| context.allow_privilege_escalation) {
            Some(true) => InContainer::Worse,
            Some(false) => InContainer::Harmless,
            None => InContainer::Counts,
        }
    }
}
