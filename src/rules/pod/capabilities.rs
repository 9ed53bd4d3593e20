//! `securityContext.capabilities` of any container.

mod names;

use crate::rule::pss::{Level, Standard, Version};
use crate::rule::{
    Cause, Check, Example, Finding, Findings, Fix, Judges, Location, PodRule, Pss, Rule, Severity, compile,
    display_value, params,
};
use crate::workload::{ContainerRef, Pod, pod};
use names::{BASELINE, KNOWN, ROOT, plain};
use schemars::JsonSchema;
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "capabilities",
    title: "Containers drop ALL capabilities and add only what is allowed",
    docs: "Each container must have `drop: [ALL]` and may `add` only the capabilities of `allow` (default \
`NET_BIND_SERVICE`). A capability is a single right of root. Names are read as runtimes read them: `CAP_SYS_ADMIN`, \
`sys_admin` and ` SYS_ADMIN` are all `SYS_ADMIN`, while only `ALL` in any case drops all.\n\n\
The repair adds `ALL` to `drop`. It never removes an added capability: remove it yourself, or exempt the container \
that needs it.\n\n\
`pss` and `version` make the rule judge as that Pod Security Standard does: `baseline` allows the runtime's default \
capabilities and requires no drop, `restricted` (from v1.22) requires that `ALL` is dropped; both compare names \
exactly.",
    why: "every capability is a part of root's power, and an attacker who takes over a program can use all that it \
has",
    owasp: &[58, 46],
    severity: Severity::High,
    params: params::<Params>,
    judges: Judges::Pod(PodRule {
        instead: "drop ALL, and add what is allowed",
        pss: Some(Pss::Both),
        fixes: true,
        implied_by: &[Cause::container("privileged")],
        compile: compile::<Capabilities>,
        examples: &[
            Example::bad(
                "no securityContext",
                r#"{"securityContext":null}"#,
                &["securityContext.capabilities.drop"],
            ),
            Example::bad(
                "an empty drop list",
                r#"{"securityContext":{"capabilities":{"drop":[]}}}"#,
                &["securityContext.capabilities.drop"],
            ),
            Example::bad(
                "drops something else",
                r#"{"securityContext":{"capabilities":{"drop":["NET_RAW"]}}}"#,
                &["securityContext.capabilities.drop"],
            ),
            Example::bad(
                "CAP_ALL is a name that no runtime knows",
                r#"{"securityContext":{"capabilities":{"drop":["CAP_ALL"]}}}"#,
                &["securityContext.capabilities.drop"],
            ),
            Example::bad(
                "bad ones and a good one",
                r#"{"securityContext":{"capabilities":{"add":["NET_RAW","NET_BIND_SERVICE","SYS_ADMIN"]}}}"#,
                &["securityContext.capabilities.add[0]", "securityContext.capabilities.add[2]"],
            )
            .no_repair(),
            Example::bad(
                "every spelling of SYS_ADMIN",
                r#"{"securityContext":{"capabilities":{"add":["CAP_SYS_ADMIN","sys_admin"," SYS_ADMIN","cap_sys_admin"]}}}"#,
                &[
                    "securityContext.capabilities.add[0]",
                    "securityContext.capabilities.add[1]",
                    "securityContext.capabilities.add[2]",
                    "securityContext.capabilities.add[3]",
                ],
            )
            .no_repair(),
            Example::bad(
                "all, nothing and a typing error",
                r#"{"securityContext":{"capabilities":{"add":["all","","NET_BIND_SERVICES"]}}}"#,
                &[
                    "securityContext.capabilities.add[0]",
                    "securityContext.capabilities.add[1]",
                    "securityContext.capabilities.add[2]",
                ],
            )
            .no_repair(),
            Example::bad(
                "nothing is allowed",
                r#"{"securityContext":{"capabilities":{"add":["NET_BIND_SERVICE"]}}}"#,
                &["securityContext.capabilities.add[0]"],
            )
            .params(r#"{"allow":[]}"#)
            .no_repair(),
            Example::bad(
                "baseline compares names exactly",
                r#"{"securityContext":{"capabilities":{"add":["CHOWN","chown","CAP_CHOWN","NET_RAW"],"drop":null}}}"#,
                &[
                    "securityContext.capabilities.add[1]",
                    "securityContext.capabilities.add[2]",
                    "securityContext.capabilities.add[3]",
                ],
            )
            .params(r#"{"pss":"baseline"}"#)
            .no_repair(),
            Example::bad(
                "restricted compares names exactly",
                r#"{"securityContext":{"capabilities":{"add":["NET_BIND_SERVICE","CHOWN"],"drop":["all","ALL"]}}}"#,
                &["securityContext.capabilities.add[1]"],
            )
            .params(r#"{"pss":"restricted"}"#)
            .no_repair(),
            Example::bad(
                "restricted requires ALL in capitals",
                r#"{"securityContext":{"capabilities":{"drop":["all"]}}}"#,
                &["securityContext.capabilities.drop"],
            )
            .params(r#"{"pss":"restricted"}"#),
            Example::bad(
                "restricted judged Windows before v1.25",
                r#"{"securityContext":{"capabilities":null}}"#,
                &["securityContext.capabilities.drop"],
            )
            .spec(r#"{"os":{"name":"windows"}}"#)
            .params(r#"{"pss":"restricted","version":"v1.24"}"#),
            Example::good("drops ALL", r#"{"securityContext":{"capabilities":{"drop":["ALL"]}}}"#),
            Example::good("runtimes read ALL in any case", r#"{"securityContext":{"capabilities":{"drop":["all"]}}}"#),
            Example::good(
                "NET_BIND_SERVICE in two spellings",
                r#"{"securityContext":{"capabilities":{"add":["NET_BIND_SERVICE","cap_net_bind_service"],"drop":["NET_RAW","ALL"]}}}"#,
            ),
            Example::good(
                "allowed by name",
                r#"{"securityContext":{"capabilities":{"add":["CHOWN","CAP_SETUID"],"drop":["ALL"]}}}"#,
            )
            .params(r#"{"allow":["chown","CAP_SETUID"]}"#),
            Example::good("Windows has no such field", r#"{"securityContext":{"capabilities":null}}"#)
                .spec(r#"{"os":{"name":"windows"}}"#),
            Example::good("restricted leaves Windows alone", r#"{"securityContext":{"capabilities":null}}"#)
                .spec(r#"{"os":{"name":"windows"}}"#)
                .params(r#"{"pss":"restricted","version":"v1.25"}"#),
            Example::good("restricted was baseline before v1.22", r#"{"securityContext":{"capabilities":{"add":["CHOWN"],"drop":null}}}"#)
                .params(r#"{"pss":"restricted","version":"v1.21"}"#),
        ],
        ..PodRule::DEFAULT
    }),
};

/// Parameters of `capabilities`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Params {
    /// Capabilities that may be added, in any case, with or without `CAP_`; `NET_BIND_SERVICE` when left out.
    allow: Option<Vec<Capability>>,
    /// Judge as this level of the Pod Security Standards does; then there is no `allow`.
    pss: Option<Level>,
    /// The version of that standard; the latest when left out.
    version: Option<Version>,
}

/// The name of a capability that Linux has, in capitals and without `CAP_`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
struct Capability(String);

impl TryFrom<String> for Capability {
    type Error = String;
    fn try_from(name: String) -> Result<Self, String> {
        let plain = plain(&name);
        match &*plain {
            "ALL" => Err("`ALL` would allow every capability; exempt the container that needs it".to_owned()),
            known if KNOWN.contains(&known) => Ok(Self(plain.into_owned())),
            _ => Err(format!("Linux has no capability `{name}`")),
        }
    }
}

/// The compiled form of [`Params`].
#[derive(Debug, Deserialize)]
#[serde(try_from = "Params")]
struct Capabilities {
    allow: Vec<String>,
    pss: Option<Standard>,
}

impl TryFrom<Params> for Capabilities {
    type Error = String;
    fn try_from(Params { allow, pss, version }: Params) -> Result<Self, String> {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let pss = Standard::new(pss, version)?;
        let allow = match (allow, pss) {
            (Some(_), Some(_)) => {
                return Err("`pss` has its own list, so it cannot be combined with `allow`".to_owned());
            }
            (Some(allow), None) => allow.into_iter().map(|capability| capability.0).collect(),
            (None, Some(standard)) if !standard.restricted_since(22) => names(&BASELINE),
            (None, _) => names(&["NET_BIND_SERVICE"]),
        };
        Ok(Self { allow, pss })
    }
}

impl Check for Capabilities {
    fn check<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        let spares_windows = self.pss.is_none_or(|standard| standard.restricted_since(25));
        if pod.is_windows() && spares_windows {
            return;
        }
        let mut add = |finding: Finding<'p>| findings.add(if spares_windows { finding.of_linux(pod) } else { finding });
        for container in pod.all_containers() {
            self.added(container, &mut add);
            if self.pss.is_none_or(|standard| standard.restricted_since(22)) {
                self.dropped(container, &mut add);
            }
        }
    }

    fn fix(&self, pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix) -> bool {
        let drop = finding.at.has_key("drop") && !pod.chooses_windows();
        if drop {
            fix.suggest_only();
            fix.append(&finding.at, "ALL".into());
        }
        drop
    }

    fn suggest(&self, pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix) -> bool {
        let is_added = finding.at.has_key("add") && !pod.chooses_windows();
        if is_added {
            fix.remove(&finding.at);
        }
        is_added
    }
}

impl Capabilities {
    fn added<'p>(&self, container: ContainerRef<'p>, add: &mut impl FnMut(Finding<'p>)) {
        let Some(context) = &container.container.security_context else { return };
        let Some(capabilities) = &context.capabilities else { return };
        for (index, name) in capabilities.add.iter().enumerate() {
            let plain = plain(name);
            let read = if self.pss.is_some() { &**name } else { &*plain };
            if self.allow.iter().any(|allowed| allowed == read) {
                continue;
            }
            let at = Location::security_context(container, "capabilities", true).key("add", true).index(index);
            let wanted = if self.allow.is_empty() { "none".to_owned() } else { self.allow.join(", ") };
            let finding = Finding::new(at, display_value(Some(name)), wanted);
            let no_escalation = context.allow_privilege_escalation == Some(false);
            add(match &*plain {
                "SYS_ADMIN" if no_escalation => {
                    // The API server compares this one spelling exactly.
                    let refused = **name == *"CAP_SYS_ADMIN";
                    finding.severity(Severity::Critical).why(if refused { WHY_REFUSED } else { WHY_NO_EFFECT })
                }
                name if ROOT.contains(&name) => finding.severity(Severity::Critical).why(WHY_ROOT),
                name if KNOWN.contains(&name) => finding,
                _ if drops_all(capabilities) => finding.why(WHY_UNKNOWN_WITH_DROP),
                _ => finding.why(WHY_UNKNOWN),
            });
        }
    }

    fn dropped<'p>(&self, container: ContainerRef<'p>, add: &mut impl FnMut(Finding<'p>)) {
        let capabilities = container.container.security_context.as_ref().and_then(|s| s.capabilities.as_ref());
        let list = capabilities.and_then(|c| c.drop.as_ref());
        let is_all = |name: &str| if self.pss.is_some() { name == "ALL" } else { name.eq_ignore_ascii_case("ALL") };
        if !list.is_some_and(|list| list.iter().any(|name| is_all(name))) {
            let at = Location::security_context(container, "capabilities", capabilities.is_some())
                .key("drop", list.is_some());
            // The same text for every list without ALL, so that a longer list is no new violation.
            add(Finding::new(at, "no ALL", "ALL in the list"));
        }
    }
}

fn drops_all(capabilities: &pod::Capabilities<'_>) -> bool {
    capabilities.drop.iter().flatten().any(|name| name.eq_ignore_ascii_case("ALL"))
}

const WHY_REFUSED: &str = "this capability is as good as root on the node; the API server refuses it together with \
allowPrivilegeEscalation false, because they contradict each other";
const WHY_NO_EFFECT: &str = "this capability is as good as root on the node; allowPrivilegeEscalation false contradicts it and has \
no effect";
const WHY_UNKNOWN_WITH_DROP: &str = "Linux has no such capability, so with drop ALL the container does not get what it \
needs, and some runtimes do not start it";
const WHY_ROOT: &str = "this capability is as good as root on the node";
const WHY_UNKNOWN: &str =
    "Linux has no such capability: one runtime ignores the name and another does not start the container";
