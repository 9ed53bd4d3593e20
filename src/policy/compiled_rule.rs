//! A rule with the action and the parameters of a policy.

use super::document::PolicySpec;
use super::rule_settings::RuleSetting;
use super::{Action, CompiledExemption, PolicyError, PolicyErrors, all_errors, in_pods, shared_params, wording};
use crate::rule::{BadParams, Bounds, Check, ExecRule, FileCheck, ImageCheck, Judges, NodeCheck, Rule, Same};
use crate::rules::RULES;
use crate::workload::PodFeatures;
use serde_json::Value;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

/// A rule with the action and parameters that a policy gives it.
pub struct CompiledRule {
    pub rule: &'static Rule,
    /// The rule's place in the table.
    pub order: usize,
    pub action: Action,
    /// Whether an exemption of the policy names the rule.
    pub exempted: bool,
    /// From [`Check::requires`], so that it is not called for each pod.
    pub requires: PodFeatures,
    pub linux_only: bool,
    pub check: Box<dyn Check>,
    /// The rules of the policy that imply it, by their place in [`CompiledPolicy::rules`].
    pub causes: Vec<(usize, Same)>,
    /// Which rules of the policy it implies.
    pub implies: Implies,
}

/// Which other rules of its policy a rule implies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Implies {
    /// At least one.
    pub some: bool,
    /// At least one whose action is to repair.
    pub repaired: bool,
}

impl fmt::Debug for CompiledRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule.id, self.action)
    }
}

impl CompiledRule {
    /// A rule without exemptions. `order` is its place in the table.
    #[must_use]
    pub fn new(rule: &'static Rule, order: usize, action: Action, check: Box<dyn Check>) -> Self {
        Self {
            rule,
            order,
            action,
            exempted: false,
            requires: check.requires(),
            linux_only: rule.pod().is_some_and(|pod| pod.linux_only),
            check,
            causes: Vec::new(),
            implies: Implies::default(),
        }
    }
}

/// A rule of another subject than pods, with the action and parameters that a policy gives it. `C` is its check.
pub struct SubjectRule<C: ?Sized> {
    pub rule: &'static Rule,
    /// The rule's place in the table.
    pub order: usize,
    pub action: Action,
    pub check: Arc<C>,
}

impl<C: ?Sized> fmt::Debug for SubjectRule<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule.id, self.action)
    }
}

/// The rules of a policy, by what they judge; those that are off are left out.
#[derive(Debug, Default)]
pub struct CompiledRules {
    pub pods: Vec<CompiledRule>,
    pub files: Vec<SubjectRule<dyn FileCheck>>,
    /// [`Self::pods`] has each of them, too: for the images of pods.
    pub images: Vec<SubjectRule<dyn ImageCheck>>,
    pub nodes: Vec<SubjectRule<dyn NodeCheck>>,
    /// The ids of those that follow a Pod Security Standard.
    pub standard: HashSet<&'static str>,
}

impl CompiledRules {
    /// Adds a rule whose parameters and action are right. A rule that is off is compiled too, so that its parameters are checked
    /// before it is switched on.
    fn add(&mut self, errors: &mut Vec<PolicyError>, setting: &Setting<'_>, exemptions: &[CompiledExemption]) {
        let Setting { rule, order, .. } = *setting;
        match &rule.judges {
            Judges::Pod(pod) | Judges::Exec(ExecRule { pod, .. }) => {
                let Some((action, check)) = setting.compiled(errors, pod.compile) else { return };
                let exempted = exemptions.iter().any(|exemption| exemption.names(rule));
                self.pods.push(CompiledRule { exempted, ..CompiledRule::new(rule, order, action, check) });
            }
            Judges::Dockerfile(file) => {
                let compiled = setting.compiled(errors, file.compile);
                self.files.extend(compiled.map(|(action, check)| SubjectRule {
                    rule,
                    order,
                    action,
                    check: check.into(),
                }));
            }
            Judges::Image(image) => {
                let compiled = setting.compiled(errors, image.compile);
                self.images.extend(compiled.map(|(action, check)| SubjectRule {
                    rule,
                    order,
                    action,
                    check: check.into(),
                }));
            }
            Judges::Node(node) => {
                let compiled = setting.compiled(errors, node.compile);
                self.nodes.extend(compiled.map(|(action, check)| SubjectRule {
                    rule,
                    order,
                    action,
                    check: check.into(),
                }));
            }
        }
    }
}

/// What a policy says of a rule.
struct Setting<'s> {
    rule: &'static Rule,
    order: usize,
    given: &'s RuleSetting,
    /// With those that the policy gives to several rules.
    params: Value,
    /// The policy that this one extends.
    base: Option<&'s str>,
}

impl Setting<'_> {
    /// The action and the check; none if there are errors, or the rule is off.
    fn compiled<C: ?Sized>(
        &self,
        errors: &mut Vec<PolicyError>,
        compile: fn(Value) -> Result<Box<C>, BadParams>,
    ) -> Option<(Action, Box<C>)> {
        let check = all_errors::keep(errors, check(self.rule, self.params.clone(), compile));
        let action = all_errors::keep(errors, action(self.rule, self.given, self.base));
        let (check, action) = (check?, action?);
        (action != Action::Off).then_some((action, check))
    }
}

/// The rules of a policy that extends the policy `base`. Errors are added to `errors`.
pub(super) fn compile(
    errors: &mut Vec<PolicyError>,
    spec: &PolicySpec,
    base: Option<&str>,
    exemptions: &[CompiledExemption],
) -> CompiledRules {
    let mut rules = CompiledRules::default();
    let Some(settings) = &spec.rules else {
        errors.push(PolicyError::at(&["spec", "rules"], wording::MISSING));
        return rules;
    };
    for (order, rule) in RULES.iter().enumerate() {
        let Some(setting) = settings.0.get(rule.id) else { continue };
        let params = shared_params::of(rule, setting.params.clone(), spec);
        if spec.pod_security_standard.is_some() || params.get("pss").is_some_and(|pss| !pss.is_null()) {
            rules.standard.insert(rule.id);
        }
        rules.add(errors, &Setting { rule, order, given: setting, params, base }, exemptions);
    }
    let in_pods = in_pods::rules(&rules.images, exemptions);
    rules.pods.extend(in_pods);
    rules.pods.sort_by_key(|rule| rule.order);
    rules
}

/// The action of the rule.
fn action(rule: &Rule, setting: &RuleSetting, base: Option<&str>) -> Result<Action, PolicyError> {
    let place = ["spec", "rules", rule.id];
    let error = |key: &str, message: String| PolicyError::at(&[key], message).below(&place);
    let action = setting.action.ok_or_else(|| match base {
        Some(base) => error("action", format!("is missing, and `{base}` does not have this rule; add it")),
        None => error("action", wording::MISSING.to_owned()),
    })?;
    if action == Action::Patch && !rule.fixes() {
        let message = format!("`{}` has no repair, so it cannot `patch`; use deny, warn, audit or off", rule.id);
        return Err(error("action", message));
    }
    let needs = rule.pod().and_then(|pod| pod.needs);
    if let Some((key, without)) = needs.filter(|(key, _)| action != Action::Off && setting.params.get(key).is_none()) {
        return Err(error("params", format!("`{key}` is missing, and {without}; add it, or set `action: off`")));
    }
    Ok(action)
}

/// The check of the rule with these parameters, or all errors of the parameters.
pub(super) fn check<C: ?Sized>(
    rule: &Rule,
    params: Value,
    compile: fn(Value) -> Result<Box<C>, BadParams>,
) -> Result<Box<C>, PolicyErrors> {
    let bounds = (!params.is_null()).then(|| Bounds::of(rule));
    let read = |params: &Value| {
        let compiled = compile(params.clone());
        let compiled =
            compiled.and_then(|check| bounds.as_ref().map_or(Ok(()), |bounds| bounds.check(params)).map(|()| check));
        compiled.map_err(|error| {
            // serde_path_to_error writes list positions as `allow[0]`.
            let field = error.field.replace('[', ".").replace(']', "");
            let mut path: Vec<&str> = field.split('.').filter(|part| !part.is_empty()).collect();
            let missing = wording::missing_field(&error.message);
            path.extend(missing.as_deref());
            PolicyError::at(&path, wording::plain(&error.message))
        })
    };
    match all_errors::read(params, read) {
        (Some(check), errors, _) if errors.is_empty() => Ok(check),
        (_, errors, _) => {
            let place = ["spec", "rules", rule.id, "params"];
            Err(PolicyErrors(errors.into_iter().map(|error| error.below(&place)).collect()))
        }
    }
}
