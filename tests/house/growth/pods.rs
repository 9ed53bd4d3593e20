//! Large pods as text. Text is written element by element from templates: to make and to serialise a `Value` for each of
//! 64,000 elements takes several times as long as judging them.

use crate::api::{Api, Path, Repeated, Shape};
use serde_json::{Map, Value, json};
use std::fmt::Write;

/// The text of one element, with holes for its number: `@n` is the number, `@i` the number as a port or a user can have
/// it, and `@b` true for even numbers.
struct Template(Vec<(String, Hole)>);

#[derive(Clone, Copy)]
enum Hole {
    None,
    Number,
    Integer,
    Boolean,
}

impl Template {
    fn new(text: &str) -> Self {
        let mut pieces = text.split('@').map(|piece| match piece.split_at_checked(1) {
            Some(("n", rest)) => (rest.to_owned(), Hole::Number),
            Some(("i", rest)) => (rest.to_owned(), Hole::Integer),
            Some(("b", rest)) => (rest.to_owned(), Hole::Boolean),
            _ => (piece.to_owned(), Hole::None),
        });
        Self(pieces.by_ref().collect())
    }

    /// Numbers and booleans come as strings, because JSON has no holes.
    fn of(element: &Value) -> Self {
        Self::new(&element.to_string().replace("\"@i\"", "@i").replace("\"@b\"", "@b"))
    }

    fn write(&self, number: usize, out: &mut String) {
        for (text, hole) in &self.0 {
            let written = match hole {
                Hole::None => Ok(()),
                Hole::Number => write!(out, "{number}"),
                Hole::Integer => write!(out, "{}", number % 60_000),
                Hole::Boolean => write!(out, "{}", number.is_multiple_of(2)),
            };
            written.expect("a string takes everything");
            out.push_str(text);
        }
    }
}

/// An element of a type: each template has all scalars, and one of the objects in it. The templates take turns.
fn elements(api: &Api, name: &str) -> Vec<Template> {
    let mut scalars = Map::new();
    let mut objects = Vec::new();
    for (field, schema) in api.fields(name) {
        let value = match (api.field(schema), scalar(schema)) {
            ((Shape::One, Some(inner)), _) => {
                objects.push((field.clone(), strings(api, &inner)));
                continue;
            }
            ((Shape::One, None), Some("string")) => "x@n",
            ((Shape::One, None), Some("integer")) => "@i",
            ((Shape::One, None), Some("boolean")) => "@b",
            _ => continue,
        };
        scalars.insert(field.clone(), json!(value));
    }
    if objects.is_empty() {
        return vec![Template::of(&Value::Object(scalars))];
    }
    let with = |(field, object)| {
        let mut element = scalars.clone();
        element.insert(field, object);
        Template::of(&Value::Object(element))
    };
    objects.into_iter().map(with).collect()
}

/// An object of a type with all its strings.
fn strings(api: &Api, name: &str) -> Value {
    let is_string = |schema: &Value| api.field(schema) == (Shape::One, None) && scalar(schema) == Some("string");
    let strings = api.fields(name).filter(|(_, schema)| is_string(schema));
    strings.map(|(field, _)| (field.clone(), json!("/x@n"))).collect::<Map<_, _>>().into()
}

fn scalar(schema: &Value) -> Option<&str> {
    schema["type"].as_str().or_else(|| schema["type"][0].as_str())
}

/// A pod with room for any number of elements at the end of a path, and for any number of other containers.
pub struct Frame {
    text: String,
    /// The part of the text that the elements replace.
    room: &'static str,
    elements: Vec<Template>,
    containers: [Template; 1],
}

/// The part of a frame's text that the other containers replace.
const CONTAINERS: &str = ",\"@containers\"";
const NAME: &str = "\"name\":\"web\"";

impl Frame {
    pub fn new(api: &Api, path: &Path, what: &Repeated) -> Self {
        let key = path.last().map_or("", |(key, _)| key.as_str());
        let one = |text: &str| vec![Template::new(text)];
        let (end, room, elements) = match what {
            Repeated::Elements(_) if matches!(key, "supplementalGroups" | "values") => {
                (json!(["@end"]), "\"@end\"", one("@n"))
            }
            Repeated::Elements(None) => (json!(["@end"]), "\"@end\"", one("\"x@n\"")),
            Repeated::Elements(Some(name)) => (json!(["@end"]), "\"@end\"", elements(api, name)),
            // Of other annotations the reader keeps nothing.
            Repeated::Entries if key == "annotations" => {
                let entry = "\"container.apparmor.security.beta.kubernetes.io/x@n\":\"1\"";
                (json!({"@end": ""}), "\"@end\":\"\"", one(entry))
            }
            Repeated::Entries => (json!({"@end": ""}), "\"@end\":\"\"", one("\"x@n/y\":\"1\"")),
            Repeated::UnknownKeys => (json!({"@end": ""}), "\"@end\":\"\"", one("\"x@n\":{}")),
        };
        let last = path.len().saturating_sub(1);
        let value = path.iter().enumerate().rev().fold(end, |value, (index, (key, shape))| {
            let is_end = index == last && !matches!(what, Repeated::UnknownKeys);
            let value = if *shape == Shape::List && !is_end { json!([value]) } else { value };
            json!({ key: value })
        });
        let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {}});
        json_patch::merge(&mut pod, &value);
        let containers = &mut pod["spec"]["containers"];
        if !containers.is_array() {
            *containers = json!([{}]);
        }
        containers.as_array_mut().expect("a list").push(json!("@containers"));
        let container = json!({
            "name": "x@n", "image": "x@n", "volumeMounts": [{"name": "x@n", "mountPath": "/x@n"}],
            "env": [{"name": "x@n", "value": "x@n"}], "ports": [{"containerPort": "@i", "name": "x@n"}],
            "livenessProbe": {"httpGet": {"port": "x@n"}}, "securityContext": {"privileged": true},
        });
        let text = pod.to_string();
        assert!(text.contains(room) && text.contains(CONTAINERS) && text.contains(NAME), "no room in {text}");
        Self { text, room, elements, containers: [Template::of(&container)] }
    }

    /// The pod with so many elements and other containers.
    pub fn pod(&self, elements: usize, containers: usize) -> String {
        let mut others = String::new();
        if containers > 0 {
            others.push(',');
            write_list(&self.containers, containers, &mut others);
        }
        let mut list = String::new();
        write_list(&self.elements, elements, &mut list);
        self.text.replacen(CONTAINERS, &others, 1).replacen(self.room, &list, 1)
    }

    /// The same pod before an update.
    pub fn before(pod: &str) -> String {
        pod.replacen(NAME, "\"name\":\"old\"", 1)
    }
}

fn write_list(templates: &[Template], count: usize, out: &mut String) {
    for (number, template) in (0..count).zip(templates.iter().cycle()) {
        if number > 0 {
            out.push(',');
        }
        template.write(number, out);
    }
}
