//! `securityContext.runAsNonRoot` and `runAsUser`, of any container or of its pod.

mod edit;
mod effective;
mod image;

use crate::rule::pss::{Level, Standard, Version};
use crate::rule::{
    Check, Example, Finding, Findings, Fix, Judges, Location, PodRule, Pss, Rule, Severity, compile, display_flag,
    params,
};
use crate::workload::Pod;
use crate::workload::pod::PodSecurityContext;
use effective::{EffectiveUser, on_pod};
use image::UserRepair;
use schemars::JsonSchema;
use serde::Deserialize;
use std::num::NonZeroU32;

pub static RULE: Rule = Rule {
    id: "run-as-non-root",
    title: "Containers run as another user than root",
    docs: "For each container `runAsNonRoot` must be `true` and `runAsUser` must not be `0`, set on the container or, \
if it is not set there, on the pod. With `runAsNonRoot: true` the kubelet refuses to start an image whose user is \
root, so give the image a numeric `USER` or set `runAsUser`.\n\n\
The repair sets `runAsNonRoot: true` if a `runAsUser` other than 0 is in effect, or if the parameter `user` gives one: \
then it sets both. It never changes a user that is set. Where podreeve knows the image, its `USER` decides: a number on every \
platform needs only `runAsNonRoot: true`, and a name also the number that the image has for it. An image that starts as root and \
changes its user with `gosu` or the like is left alone, because it would not start.\n\n\
With `groups: true` the group 0 in `runAsGroup`, `fsGroup` and `supplementalGroups` violates too. `pss` and `version` \
make the rule judge as the Pod Security Standard `restricted` does: bad values on the pod count even if all containers \
override them, and from v1.35 pods with `hostUsers: false` are left alone.",
    why: "root in the container is root on the node as soon as a fault lets it out",
    owasp: &[53],
    severity: Severity::High,
    params: params::<Params>,
    judges: Judges::Pod(PodRule {
        judges_image: true,
        instead: "give the image a numeric `USER` other than 0",
        pss: Some(Pss::Restricted),
        fixes: true,
        compile: compile::<RunAsNonRoot>,
        examples: &[
            Example::bad(
                "nothing set anywhere",
                r#"{"securityContext":{"runAsNonRoot":null,"runAsUser":null}}"#,
                &["securityContext.runAsNonRoot"],
            )
            .spec(r#"{"securityContext":{"runAsNonRoot":null,"runAsUser":null}}"#)
            .no_repair(),
            Example::bad("a user for all is given", r#"{"securityContext":null}"#, &["securityContext.runAsNonRoot"])
                .spec(r#"{"securityContext":null}"#)
                .params(r#"{"user":10001}"#),
            Example::bad(
                "a user on the container",
                r#"{"securityContext":{"runAsNonRoot":null,"runAsUser":1000}}"#,
                &["securityContext.runAsNonRoot"],
            )
            .spec(r#"{"securityContext":{"runAsNonRoot":null,"runAsUser":null}}"#),
            Example::bad(
                "a user on the pod",
                r#"{"securityContext":{"runAsNonRoot":null,"runAsUser":null}}"#,
                &["securityContext.runAsNonRoot"],
            )
            .spec(r#"{"securityContext":{"runAsNonRoot":null,"runAsUser":1000}}"#),
            Example::bad(
                "false on the container overrides the pod",
                r#"{"securityContext":{"runAsNonRoot":false}}"#,
                &["securityContext.runAsNonRoot"],
            ),
            Example::bad(
                "false on the pod and nothing on the container",
                r#"{"securityContext":{"runAsNonRoot":null}}"#,
                &["spec.securityContext.runAsNonRoot"],
            )
            .spec(r#"{"securityContext":{"runAsNonRoot":false}}"#),
            Example::bad(
                "user 0 on the container overrides the pod, against runAsNonRoot",
                r#"{"securityContext":{"runAsUser":0}}"#,
                &["securityContext.runAsUser"],
            )
            .spec(r#"{"securityContext":{"runAsUser":1000}}"#)
            .no_repair(),
            Example::bad(
                "user 0 on the pod and nothing on the container",
                r#"{"securityContext":{"runAsUser":null,"runAsNonRoot":null}}"#,
                &["spec.securityContext.runAsUser"],
            )
            .spec(r#"{"securityContext":{"runAsUser":0,"runAsNonRoot":false}}"#)
            .params(r#"{"user":10001}"#)
            .no_repair(),
            Example::bad(
                "Windows too",
                r#"{"securityContext":{"runAsNonRoot":null,"runAsUser":null}}"#,
                &["securityContext.runAsNonRoot"],
            )
            .spec(r#"{"os":{"name":"windows"},"securityContext":{"runAsNonRoot":null,"runAsUser":null}}"#)
            .params(r#"{"user":10001}"#)
            .no_repair(),
            Example::bad(
                "group 0",
                "",
                &[
                    "spec.securityContext.fsGroup",
                    "spec.securityContext.supplementalGroups[1]",
                    "spec.securityContext.runAsGroup",
                ],
            )
            .spec(r#"{"securityContext":{"runAsGroup":0,"fsGroup":0,"supplementalGroups":[1000,0]}}"#)
            .params(r#"{"groups":true}"#)
            .no_repair(),
            Example::bad(
                "group 0 on the container",
                r#"{"securityContext":{"runAsGroup":0}}"#,
                &["securityContext.runAsGroup"],
            )
            .spec(r#"{"securityContext":{"runAsGroup":1000}}"#)
            .params(r#"{"groups":true}"#)
            .no_repair(),
            Example::bad(
                "restricted counts the pod's values that all override",
                "",
                &["spec.securityContext.runAsNonRoot", "spec.securityContext.runAsUser"],
            )
            .spec(r#"{"hostUsers":null,"securityContext":{"runAsNonRoot":false,"runAsUser":0}}"#)
            .params(r#"{"pss":"restricted"}"#)
            .no_repair(),
            Example::bad(
                "restricted reports the pod's user once, if a container inherits it",
                r#"{"securityContext":{"runAsUser":null}}"#,
                &["spec.securityContext.runAsUser"],
            )
            .spec(r#"{"hostUsers":null,"securityContext":{"runAsUser":0}}"#)
            .params(r#"{"pss":"restricted"}"#)
            .no_repair(),
            Example::bad(
                "restricted reports the pod's false once, if a container inherits it",
                r#"{"securityContext":{"runAsNonRoot":null}}"#,
                &["spec.securityContext.runAsNonRoot"],
            )
            .spec(r#"{"hostUsers":null,"securityContext":{"runAsNonRoot":false}}"#)
            .params(r#"{"pss":"restricted"}"#)
            .no_repair(),
            Example::bad(
                "restricted before v1.35 in a user namespace",
                r#"{"securityContext":{"runAsUser":0}}"#,
                &["securityContext.runAsUser"],
            )
            .params(r#"{"pss":"restricted","version":"v1.34"}"#)
            .no_repair(),
            Example::good("true on the pod, nothing on the container", r#"{"securityContext":null}"#),
            Example::good("true on the container, false on the pod", r#"{"securityContext":{"runAsNonRoot":true}}"#)
                .spec(r#"{"securityContext":{"runAsNonRoot":false,"runAsUser":0}}"#),
            Example::good("the image brings the user", r#"{"securityContext":{"runAsNonRoot":true,"runAsUser":null}}"#)
                .spec(r#"{"securityContext":{"runAsUser":null}}"#),
            Example::good("group 0 passes by default", r#"{"securityContext":{"runAsGroup":0}}"#),
            Example::good(
                "restricted in a user namespace",
                r#"{"securityContext":{"runAsUser":0,"runAsNonRoot":false}}"#,
            )
            .params(r#"{"pss":"restricted","version":"v1.35"}"#),
            Example::good(
                "baseline does not require it",
                r#"{"securityContext":{"runAsUser":0,"runAsNonRoot":false}}"#,
            )
            .spec(r#"{"hostUsers":null}"#)
            .params(r#"{"pss":"baseline"}"#),
            Example::good("restricted did not read the user before v1.23", r#"{"securityContext":{"runAsUser":0}}"#)
                .params(r#"{"pss":"restricted","version":"v1.22"}"#),
        ],
        ..PodRule::DEFAULT
    }),
};

/// Parameters of `run-as-non-root`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Params {
    /// The user that the repair gives to a container for which none is set.
    user: Option<NonZeroU32>,
    /// Judge `runAsGroup`, `fsGroup` and `supplementalGroups` too; false when left out.
    groups: bool,
    /// Judge as this level of the Pod Security Standards does; `baseline` has no such check.
    pss: Option<Level>,
    /// The version of that standard; the latest when left out.
    version: Option<Version>,
}

/// The compiled form of [`Params`].
#[derive(Debug, Deserialize)]
#[serde(try_from = "Params")]
struct RunAsNonRoot {
    user: Option<NonZeroU32>,
    groups: bool,
    pss: Option<Standard>,
}

impl TryFrom<Params> for RunAsNonRoot {
    type Error = String;
    fn try_from(Params { user, groups, pss, version }: Params) -> Result<Self, String> {
        match pss {
            Some(_) if groups => Err("`pss` does not judge `groups`".to_owned()),
            _ => Ok(Self { user, groups, pss: Standard::new(pss, version)? }),
        }
    }
}

impl Check for RunAsNonRoot {
    fn check<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        let of_namespace = pod.spec.host_users == Some(false);
        if self.pss.is_some_and(|s| !s.restricted_since(0) || (of_namespace && s.since(35))) {
            return;
        }
        let judges_user = self.pss.is_none_or(|standard| standard.since(23));
        let (mut reported_user, mut reported_non_root) = (!judges_user, false);
        findings.of_each(pod.all_containers(), |container, findings| {
            let non_root = EffectiveUser::new(pod, container, |pod| pod.run_as_non_root, |own| own.run_as_non_root);
            let user = EffectiveUser::new(pod, container, |pod| pod.run_as_user, |own| own.run_as_user);
            if judges_user && user.value() == Some(0) {
                reported_user |= user.is_inherited();
                let wanted = if non_root.value() == Some(true) { USER } else { USER_AND_NON_ROOT };
                let finding = user.finding(container, "runAsUser", "0 (root)", wanted);
                let contradicts = non_root.value() == Some(true);
                findings.add(if contradicts { finding.why(CONTRADICTION) } else { finding });
            } else if non_root.value() != Some(true) {
                reported_non_root |= non_root.is_inherited();
                let mut finding = non_root.finding(container, "runAsNonRoot", display_flag(non_root.value()), "true");
                if let Some((found, why)) = image::root(pod, container).filter(|_| user.value().is_none()) {
                    finding.found = format!("{}; {found}", finding.found).into();
                    finding.why = why.map(Into::into);
                }
                findings.add(finding);
            }
            let group = EffectiveUser::new(pod, container, |pod| pod.run_as_group, |own| own.run_as_group);
            if self.groups && group.value() == Some(0) {
                findings.add(group.finding(container, "runAsGroup", "group 0", OTHER_GROUP));
            }
        });
        let Some(pods) = &pod.spec.security_context else { return };
        // Upstream counts the pod's values even if no container inherits them.
        if self.pss.is_some() && pods.run_as_non_root == Some(false) && !reported_non_root {
            findings.add(Finding::new(on_pod("runAsNonRoot"), "false", "true"));
        }
        if self.pss.is_some() && pods.run_as_user == Some(0) && !reported_user {
            findings.add(Finding::new(on_pod("runAsUser"), "0 (root)", USER));
        }
        if self.groups {
            groups(pods, findings);
        }
    }

    fn fix(&self, pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix) -> bool {
        let Some(container) = finding.container().filter(|_| finding.at.has_key("runAsNonRoot")) else { return false };
        // Upstream counts the pod's value too, so true on the container would repair nothing.
        let of_pod = pod.spec.security_context.as_ref().and_then(|pods| pods.run_as_non_root);
        if self.pss.is_some() && of_pod == Some(false) {
            return false;
        }
        let own = container.container.security_context.as_ref();
        let user = EffectiveUser::new(pod, container, |pod| pod.run_as_user, |own| own.run_as_user);
        let is_windows = pod.is_windows() || pod.chooses_windows();
        match (user.value(), image::repair(pod, container), self.user) {
            (Some(0), ..) | (None, UserRepair::Breaks, _) | (None, UserRepair::Unknown, None) => return false,
            (None, ..) if is_windows => return false,
            (Some(_), ..) | (None, UserRepair::Starts, _) => {}
            (None, UserRepair::Needs(user), _) => {
                fix.set(&Location::security_context(container, "runAsUser", false), user.into());
            }
            (None, UserRepair::Unknown, Some(user)) => {
                fix.suggest_only();
                fix.remark("the image must run as this user, else it does not start");
                fix.set(&Location::security_context(container, "runAsUser", false), user.get().into());
            }
        }
        let is_set = own.is_some_and(|own| own.run_as_non_root.is_some());
        fix.set(&Location::security_context(container, "runAsNonRoot", is_set), true.into());
        true
    }

    fn repairs_by_images(&self) -> bool {
        true
    }

    fn suggest(&self, pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix) -> bool {
        edit::suggest(pod, finding, fix, self.user.map_or(USER_ID, NonZeroU32::get))
    }
}

/// A user that few images have by accident, for edits that a person reads.
const USER_ID: u32 = 10_001;
const USER: &str = "a user other than 0";
const USER_AND_NON_ROOT: &str = "a user other than 0, and runAsNonRoot true";
const OTHER_GROUP: &str = "a group other than 0";
const CONTRADICTION: &str =
    "runAsNonRoot true contradicts it, so the kubelet would refuse to start the container; one of the two is a mistake";

fn groups<'p>(pods: &'p PodSecurityContext<'p>, findings: &mut Findings<'p>) {
    if pods.fs_group == Some(0) {
        findings.add(Finding::new(on_pod("fsGroup"), "file system group 0", OTHER_GROUP));
    }
    for (index, _) in pods.supplemental_groups.iter().enumerate().filter(|(_, group)| **group == 0) {
        findings.add(Finding::new(on_pod("supplementalGroups").index(index), "supplemental group 0", OTHER_GROUP));
    }
}
