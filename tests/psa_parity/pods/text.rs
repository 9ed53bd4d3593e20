//! A pod as JSON text, in one of the many ways to write it.

use super::Rng;
use super::fields::VOLUME_SOURCES;
use serde_json::Value;
use std::fmt::Write;

/// The pod's JSON, with nothing in it that an API server would not send.
pub fn written(rng: &mut Rng, pod: &mut Value) -> String {
    // The API server drops what it does not know, and podreeve refuses a source that it does not know.
    let volumes = pod["spec"]["volumes"].as_array_mut();
    for members in volumes.into_iter().flatten().filter_map(Value::as_object_mut) {
        members.retain(|key, _| key == "name" || VOLUME_SOURCES.contains(&key.as_str()));
    }
    if rng.percent(70) {
        return pod.to_string();
    }
    let mut text = String::new();
    spell(rng, pod, &mut text);
    text
}

/// The same JSON in another form: members in any order, white space, letters escaped.
fn spell(rng: &mut Rng, value: &Value, text: &mut String) {
    let mut list =
        |rng: &mut Rng, brackets: [char; 2], length: usize, member: &mut dyn FnMut(&mut Rng, usize, &mut String)| {
            text.push(brackets[0]);
            for index in 0..length {
                text.push_str(if index > 0 { "," } else { "" });
                text.push_str(if rng.percent(3) { " \t" } else { "" });
                member(rng, index, text);
            }
            text.push(brackets[1]);
        };
    match value {
        Value::Array(parts) => {
            list(rng, ['[', ']'], parts.len(), &mut |rng, index, text| spell(rng, &parts[index], text));
        }
        Value::Object(members) => {
            let mut members: Vec<(&String, &Value)> = members.iter().collect();
            for last in (1..members.len()).rev() {
                members.swap(last, rng.below(last + 1));
            }
            list(rng, ['{', '}'], members.len(), &mut |rng, index, text| {
                spell_text(rng, members[index].0, text);
                text.push(':');
                spell(rng, members[index].1, text);
            });
        }
        Value::String(string) => spell_text(rng, string, text),
        other => text.push_str(&other.to_string()),
    }
}

fn spell_text(rng: &mut Rng, string: &str, text: &mut String) {
    // Kubernetes reads quantities without decoding escapes, and refuses the pod.
    let maybe_quantity = string.starts_with(|first: char| first.is_ascii_digit());
    if !(rng.percent(4) && string.is_ascii() && !maybe_quantity) {
        text.push_str(&Value::from(string).to_string());
        return;
    }
    text.push('"');
    for letter in string.bytes() {
        // Quotes and what needs an escape get one, too.
        if rng.percent(20) || !letter.is_ascii_alphanumeric() {
            let _ = write!(text, "\\u{:04x}", u32::from(letter));
        } else {
            text.push(char::from(letter));
        }
    }
    text.push('"');
}
