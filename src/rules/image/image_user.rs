//! The user of an image.

use crate::image::facts::User;
use crate::image::{ImageFacts, Place};
use crate::rule::{
    Finding, ImageCheck, ImageExample, ImageFindings, ImageRule, InContainer, Judges, NOT_SET, Rule, Severity,
    compile_image, params,
};
use crate::workload::{ContainerRef, Pod};
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "image-user",
    title: "The user of an image is a number, and not root",
    docs: "A container runs as the image's `USER` unless the pod names another. Without `USER` that is root. The kubelet can verify \
`runAsNonRoot: true` only if the user is a number: it refuses to start a container whose image names a user, because it does \
not look into the image. All platforms of an image are judged.\n\n\
Create a user in the build and name its number: `USER 10001`. An image that starts as root and changes its user with \
`gosu` or `su-exec` needs root in the pod, too; the report names such a program. Images of Windows are judged only \
in pods for Linux: a node does not look at what an image says of its system.",
    why: "a process of root in a container is root on the node as soon as it breaks out",
    owasp: &[53],
    severity: Severity::High,
    params: params::<ImageUser>,
    judges: Judges::Image(ImageRule {
        compile: compile_image::<ImageUser>,
        instead: "name the number of a user of its own at the end of the Dockerfile: `USER 10001`",
        examples: &[
            ImageExample::bad("no user", r#"{"run":{"User":""}}"#, &["config.User"]),
            ImageExample::bad("root by number", r#"{"run":{"User":"0:0"}}"#, &["config.User"]),
            ImageExample::bad(
                "another name of root",
                r#"{"run":{"User":"toor"},"content":{"uid":0}}"#,
                &["config.User"],
            ),
            ImageExample::bad("a name", r#"{"run":{"User":"app:app"},"content":{"uid":1000}}"#, &["config.User"]),
            ImageExample::bad("a number that is too large", r#"{"run":{"User":"4294967295"}}"#, &["config.User"]),
            ImageExample::good("a number", r#"{"run":{"User":"10001:0"}}"#),
        ],
    }),
};

/// It has no parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ImageUser {}

/// What a name does, also one of another user than root.
const OF_A_NAME: &str =
    "the kubelet cannot tell whether a name is root, and starts no such container under runAsNonRoot";

const WANTED: &str = "the number of a user that is not root";

impl ImageCheck for ImageUser {
    fn judges_user(&self) -> bool {
        true
    }

    fn in_container(&self, pod: &Pod<'_>, container: ContainerRef<'_>) -> InContainer {
        let own = container.container.security_context.as_ref().and_then(|context| context.run_as_user);
        let pods = pod.spec.security_context.as_ref().and_then(|context| context.run_as_user);
        if own.or(pods).is_some() { InContainer::Overridden } else { InContainer::Counts }
    }

    fn check<'i>(&self, image: &'i ImageFacts, _: Date, findings: &mut ImageFindings<'i>) {
        let at = Place::Config("User");
        let switcher = image.switcher();
        let root = |found: String| match switcher {
            Some(tool) => Finding::new(at, format!("{found}; it has {}, which changes the user", tool.name), WANTED),
            None => Finding::new(at, found, WANTED),
        };
        findings.extend(match image.user() {
            User::Number(_) => None,
            User::Unset => Some(root(format!("{NOT_SET}, so root"))),
            User::Root("root") => Some(root("root".to_owned())),
            User::Root(user) => Some(root(format!("{user}, which is root"))),
            User::Named(user, uid) => {
                let number = uid.map(|uid| format!(", the user {uid}")).unwrap_or_default();
                let found = format!("the name {}{number}", crate::text::clean(user, 64));
                Some(Finding::new(at, found, WANTED).why(OF_A_NAME).severity(Severity::Low))
            }
        });
    }
}
