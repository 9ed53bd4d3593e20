//! What the rules about `resources` share: quantities in parameters, and the quantity that is in effect for a container.

mod suggest;

use crate::rule::{Finding, Location, NOT_EPHEMERAL, display_value};
use crate::workload::{ContainerRef, Pod, quantity};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use std::borrow::Cow;
pub use suggest::{Suggestion, suggest};

/// A quantity in the parameters of a rule, above zero.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "NumberOrText")]
pub struct Amount {
    /// The quantity as it is written.
    pub text: String,
    /// Billionths of the unit.
    pub nano: i128,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum NumberOrText {
    Number(serde_json::Number),
    Text(String),
}

impl TryFrom<NumberOrText> for Amount {
    type Error = String;
    fn try_from(value: NumberOrText) -> Result<Self, String> {
        let text = match value {
            NumberOrText::Number(number) => number.to_string(),
            NumberOrText::Text(text) => text,
        };
        match quantity::parse(&text) {
            Some(nano) if nano > 0 => Ok(Self { text, nano }),
            Some(_) => Err(format!("`{text}` limits nothing; give a quantity above zero")),
            None => Err(match quantity::meant(&text).as_slice() {
                [] => format!("`{text}` is not a quantity such as `500m`, `2` or `128Mi`"),
                meant => format!("`{text}` is not a quantity; {} is", quoted(meant)),
            }),
        }
    }
}

impl JsonSchema for Amount {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Quantity".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"x-kubernetes-int-or-string": true})
    }
}

/// Refuses a `default` above `max`, because the repaired pod would be denied.
pub fn in_order(default: Option<&Amount>, max: Option<&Amount>) -> Result<(), String> {
    match (default, max) {
        (Some(default), Some(max)) if default.nano > max.nano => {
            Err(format!("`default` {} is above `max` {}", default.text, max.text))
        }
        _ => Ok(()),
    }
}

/// The containers that can have resources.
pub fn containers<'p>(pod: &'p Pod<'p>) -> impl Iterator<Item = ContainerRef<'p>> {
    pod.all_containers().filter(|container| NOT_EPHEMERAL.contains(&container.kind))
}

/// A quantity of a container's `resources`, or of the pod's where the container has none.
#[derive(Debug, Clone, Copy)]
pub struct EffectiveQuantity<'p> {
    container: ContainerRef<'p>,
    list: &'static str,
    resource: &'static str,
    /// The quantity as it is written; none if it is absent.
    pub text: Option<&'p str>,
    /// In billionths of the unit, above zero. None for zero, negative and unreadable quantities, because they limit nothing.
    pub nano: Option<i128>,
    inherited: bool,
}

impl<'p> EffectiveQuantity<'p> {
    /// The quantity of `list` (`limits` or `requests`) and `resource` that is in effect for this container.
    pub fn new(pod: &'p Pod<'p>, container: ContainerRef<'p>, list: &'static str, resource: &'static str) -> Self {
        let own = Self::own(container, list, resource);
        let pods = if own.nano.is_none() { Self::of_pod(pod, list, resource) } else { None };
        match pods {
            Some((text, nano)) => Self { text: Some(text), nano: Some(nano), inherited: true, ..own },
            None => own,
        }
    }

    /// The container's own quantity.
    pub fn own(container: ContainerRef<'p>, list: &'static str, resource: &'static str) -> Self {
        let quantities = container.container.resources.as_ref().and_then(|r| r.list(list));
        let text = quantities.and_then(|q| q.get(resource)).map(|scalar| &*scalar.text);
        Self { container, list, resource, text, nano: text.and_then(positive), inherited: false }
    }

    /// The pod's quantity, if it limits anything.
    fn of_pod(pod: &'p Pod<'p>, list: &'static str, resource: &'static str) -> Option<(&'p str, i128)> {
        let text = &*pod.spec.resources.as_ref()?.list(list)?.get(resource)?.text;
        Some((text, positive(text)?))
    }

    /// The field of the quantity; if it is absent, the field that the container should have.
    pub fn at(&self) -> Location<'p> {
        if self.inherited {
            return Location::spec().key("resources", true).key(self.list, true).key(self.resource, true);
        }
        let resources = self.container.container.resources.as_ref();
        let quantities = resources.and_then(|r| r.list(self.list));
        Location::container(self.container)
            .key("resources", resources.is_some())
            .key(self.list, quantities.is_some())
            .key(self.resource, self.text.is_some())
    }

    /// A finding at the field of the quantity. If the text is no quantity, the finding says so.
    pub fn finding(&self, wanted: impl Into<Cow<'static, str>>) -> Finding<'p> {
        let finding = note_no_quantity(Finding::new(self.at(), display_value(self.text), wanted), self.text);
        if self.inherited { finding.inherited_by(self.container) } else { finding }
    }

    /// Whether a repair may write another quantity: the field is absent, or its quantity limits nothing. The meaning of any
    /// other text is known to its author alone.
    #[must_use]
    pub fn is_free(&self) -> bool {
        self.nano.is_none() && is_free(self.text)
    }

    /// For memory and storage: the finding of a quantity with a fraction of a byte, which Kubernetes rounds up.
    pub fn fraction(&self) -> Option<Finding<'p>> {
        let text = self.text.filter(|_| self.nano.is_some_and(is_fraction))?;
        Some(self.finding(meant_bytes(text, "whole bytes")).why(why_bytes(text)))
    }
}

/// With less memory no program starts, so the author meant something else.
pub const LEAST_MEMORY: i128 = 4 * (1 << 20) * quantity::UNIT;

/// No node has more cores, so the author meant something else.
const MOST_CPU: i128 = 100_000 * quantity::UNIT;

impl<'p> EffectiveQuantity<'p> {
    /// For memory: the finding of a quantity with which no program starts.
    pub fn too_small(&self) -> Option<Finding<'p>> {
        let text = self.text.filter(|_| self.nano.is_some_and(|nano| nano < LEAST_MEMORY))?;
        Some(self.finding(meant_bytes(text, "at least 4Mi")).why(why_bytes(text)))
    }

    /// For CPU: the finding of a quantity that no node has.
    pub fn too_large(&self) -> Option<Finding<'p>> {
        let text = self.text.filter(|_| self.nano.is_some_and(|nano| nano > MOST_CPU))?;
        let meant = text.strip_suffix('M').map(|number| format!("{number}m")).filter(|meant| positive(meant).is_some());
        let wanted = meant.unwrap_or_else(|| "cores, such as 500m or 2".to_owned());
        Some(self.finding(wanted).why(format!("{text} is more than 100000 cores, so no node can run the pod")))
    }
}

/// Whether a repair may replace this text.
pub fn is_free(text: Option<&str>) -> bool {
    text.is_none_or(|text| quantity::parse(text).is_some_and(|nano| nano <= 0))
}

/// Whether a quantity of bytes has a fraction of a byte, and is so small that the fraction is no effect of rounding.
pub const fn is_fraction(nano: i128) -> bool {
    nano % quantity::UNIT != 0 && nano < LEAST_MEMORY
}

/// The finding; if the text is no quantity, it says so, and what was probably meant.
pub fn note_no_quantity<'p>(mut finding: Finding<'p>, text: Option<&str>) -> Finding<'p> {
    let Some(text) = text.filter(|text| quantity::parse(text).is_none()) else { return finding };
    let meant = quantity::meant(text);
    if !meant.is_empty() {
        finding.wanted = meant.join(" or ").into();
    }
    finding.why(format!("{} is no quantity, so the API server refuses the pod", display_value(Some(text))))
}

/// What was meant by a quantity of very few bytes: `512Mi` by `512m` and by `512`.
pub fn meant_bytes(text: &str, otherwise: &'static str) -> Cow<'static, str> {
    let number = text.strip_suffix('m').unwrap_or(text);
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if is_number { format!("{number}M or {number}Mi").into() } else { otherwise.into() }
}

/// Why a quantity of very few bytes is wrong.
pub fn why_bytes(text: &str) -> String {
    let bytes = positive(text).unwrap_or_default();
    let amount = match bytes / quantity::UNIT {
        0 => "less than a byte".to_owned(),
        1 => "about a byte".to_owned(),
        bytes => format!("{bytes} bytes"),
    };
    let unit = if text.ends_with('m') { ", because m is a thousandth" } else { "" };
    format!("{text} is {amount}{unit}: no program runs in that")
}

/// The quantities in backticks, joined by `or`.
fn quoted(quantities: &[String]) -> String {
    quantities.iter().map(|quantity| format!("`{quantity}`")).collect::<Vec<_>>().join(" or ")
}

/// The finding of a container's limit below its own request.
pub fn below_request<'p>(container: ContainerRef<'p>, resource: &'static str) -> Option<Finding<'p>> {
    let limit = EffectiveQuantity::own(container, "limits", resource);
    let request = EffectiveQuantity::own(container, "requests", resource);
    (limit.nano? < request.nano?).then(|| contradiction(limit.at(), limit.text, request.text))
}

/// The finding of the pod's limit below the pod's request.
pub fn pods_below_request<'p>(pod: &'p Pod<'p>, resource: &'static str) -> Option<Finding<'p>> {
    let (limit, nano) = EffectiveQuantity::of_pod(pod, "limits", resource)?;
    let (request, requested) = EffectiveQuantity::of_pod(pod, "requests", resource)?;
    let at = Location::spec().key("resources", true).key("limits", true).key(resource, true);
    (nano < requested).then(|| contradiction(at, Some(limit), Some(request)))
}

fn contradiction<'p>(at: Location<'p>, limit: Option<&'p str>, request: Option<&'p str>) -> Finding<'p> {
    let wanted = format!("at least the request of {}", display_value(request));
    Finding::new(at, display_value(limit), wanted)
        .why("limit and request contradict each other, so the API server refuses the pod")
}

/// The quantity in billionths, if it is above zero.
pub fn positive(text: &str) -> Option<i128> {
    quantity::parse(text).filter(|nano| *nano > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantity_that_limits_nothing_is_refused() {
        for wrong in [r#""0""#, "0", r#""-1""#, r#""4 GB""#, r#""""#, r#""128mi""#, "null", "[]"] {
            assert!(serde_json::from_str::<Amount>(wrong).is_err(), "{wrong}");
        }
        for (text, nano) in [("2", 2_000_000_000), ("0.5", 500_000_000), (r#""500m""#, 500_000_000)] {
            assert_eq!(serde_json::from_str::<Amount>(text).map(|amount| amount.nano).ok(), Some(nano), "{text}");
        }
    }

    #[test]
    fn the_message_says_what_was_meant_by_a_parameter() {
        let message = |text: &str| serde_json::from_str::<Amount>(text).map_err(|error| error.to_string()).unwrap_err();
        assert_eq!(message(r#""512MB""#), "`512MB` is not a quantity; `512M` or `512Mi` is");
        assert_eq!(message(r#""much""#), "`much` is not a quantity such as `500m`, `2` or `128Mi`");
    }

    #[test]
    fn the_message_says_how_few_bytes_a_quantity_is() {
        for (text, meant, why) in [
            ("512m", "512M or 512Mi", "512m is less than a byte, because m is a thousandth: no program runs in that"),
            ("1500m", "1500M or 1500Mi", "1500m is about a byte, because m is a thousandth: no program runs in that"),
            ("512", "512M or 512Mi", "512 is 512 bytes: no program runs in that"),
            ("1Ki", "at least 4Mi", "1Ki is 1024 bytes: no program runs in that"),
            ("1e3", "at least 4Mi", "1e3 is 1000 bytes: no program runs in that"),
        ] {
            assert_eq!((&*meant_bytes(text, "at least 4Mi"), &*why_bytes(text)), (meant, why), "{text}");
        }
    }

    #[test]
    fn a_default_above_max_is_refused() {
        let amount = |text: &str| Amount { text: text.to_owned(), nano: positive(text).unwrap() };
        assert!(in_order(Some(&amount("2Gi")), Some(&amount("1Gi"))).is_err());
        assert!(in_order(Some(&amount("1024Mi")), Some(&amount("1Gi"))).is_ok());
        assert!(in_order(None, Some(&amount("1"))).is_ok());
    }
}
