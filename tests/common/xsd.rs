//! A validator of XML by an XSD, for the part of XSD that our schemas use. An unknown part is an error, so nothing passes unchecked.
#![allow(dead_code, reason = "each test binary uses its own part")]

use roxmltree::{Document, Node};

/// What is wrong with the document, by the schema.
pub fn faults(schema: &str, xml: &str) -> Vec<String> {
    let schema = Document::parse(schema).expect("the schema is XML");
    let document = match Document::parse(xml) {
        Ok(document) => document,
        Err(error) => return vec![error.to_string()],
    };
    let mut schema = Schema { root: schema.root_element(), faults: Vec::new() };
    let root = document.root_element();
    match schema.global("element", root.tag_name().name()) {
        Some(declared) => schema.element(declared, root),
        None => schema.faults.push(format!("no schema for <{}>", root.tag_name().name())),
    }
    schema.faults
}

struct Schema<'s> {
    root: Node<'s, 's>,
    faults: Vec<String>,
}

fn parts<'s>(node: Node<'s, 's>) -> impl Iterator<Item = Node<'s, 's>> {
    node.children().filter(Node::is_element)
}

fn tag<'n>(node: Node<'n, '_>) -> &'n str {
    node.tag_name().name()
}

impl<'s> Schema<'s> {
    fn global(&self, kind: &str, name: &str) -> Option<Node<'s, 's>> {
        parts(self.root).find(|part| tag(*part) == kind && part.attribute("name") == Some(name))
    }

    fn fault(&mut self, node: Node<'_, '_>, what: &str) {
        let at = node.document().text_pos_at(node.range().start);
        self.faults.push(format!("{at}: <{}>: {what}", tag(node)));
    }

    fn element(&mut self, declared: Node<'s, 's>, node: Node<'_, '_>) {
        let named = declared.attribute("type");
        let complex = parts(declared).find(|part| tag(*part) == "complexType");
        if let Some(complex) = complex.or_else(|| self.global("complexType", named?)) {
            return self.complex(complex, node);
        }
        assert_eq!(named, Some("xs:string"), "a type that the validator does not know");
        if parts_of(node).next().is_some() || node.attributes().next().is_some() {
            self.fault(node, "has more than text");
        }
    }

    fn complex(&mut self, complex: Node<'s, 's>, node: Node<'_, '_>) {
        let children: Vec<Node<'_, '_>> = parts_of(node).collect();
        let mut at = 0;
        for part in parts(complex).filter(|part| tag(*part) != "attribute") {
            at = self.particle(part, &children, at, node);
        }
        if let Some(child) = children.get(at) {
            self.fault(*child, "is not allowed here");
        }
        let has_text =
            node.children().any(|child| child.is_text() && !child.text().unwrap_or_default().trim().is_empty());
        if has_text && complex.attribute("mixed") != Some("true") {
            self.fault(node, "has a text");
        }
        let declared: Vec<Node<'s, 's>> = parts(complex).filter(|part| tag(*part) == "attribute").collect();
        for attribute in node.attributes() {
            match declared.iter().find(|part| part.attribute("name") == Some(attribute.name())) {
                None => self.fault(node, &format!("the attribute {} is not allowed", attribute.name())),
                Some(part) if self.fits(part.attribute("type").expect("a type"), attribute.value()) => {}
                Some(_) => self.fault(node, &format!("{}={:?}", attribute.name(), attribute.value())),
            }
        }
        for part in declared.iter().filter(|part| part.attribute("use") == Some("required")) {
            let name = part.attribute("name").expect("a name");
            if node.attribute(name).is_none() {
                self.fault(node, &format!("the attribute {name} is missing"));
            }
        }
    }

    /// The index behind the children that the particle takes.
    fn particle(&mut self, part: Node<'s, 's>, children: &[Node<'_, '_>], mut at: usize, above: Node<'_, '_>) -> usize {
        let least: usize = part.attribute("minOccurs").map_or(1, |least| least.parse().expect("a number"));
        let most = match part.attribute("maxOccurs") {
            Some("unbounded") => usize::MAX,
            most => most.map_or(1, |most| most.parse().expect("a number")),
        };
        let mut taken = 0;
        while taken < most {
            let before = at;
            match tag(part) {
                "sequence" => {
                    for inner in parts(part) {
                        at = self.particle(inner, children, at, above);
                    }
                }
                "choice" => {
                    let name = children.get(at).map(|child| tag(*child));
                    if let Some(chosen) =
                        parts(part).find(|inner| inner.attribute("name").or(inner.attribute("ref")) == name)
                    {
                        at = self.particle(chosen, children, at, above);
                    }
                }
                "element" => {
                    let name = part.attribute("name").or(part.attribute("ref")).expect("a name");
                    if let Some(child) = children.get(at).filter(|child| tag(**child) == name) {
                        let declared =
                            if part.attribute("ref").is_some() { self.global("element", name) } else { Some(part) };
                        self.element(declared.expect("the reference resolves"), *child);
                        at += 1;
                    }
                }
                other => panic!("<{other}> in the schema, which the validator does not know"),
            }
            if at == before {
                break;
            }
            taken += 1;
        }
        // A sequence reports what is missing in it by itself.
        if taken < least && tag(part) == "element" {
            self.fault(
                above,
                &format!("<{}> is missing", part.attribute("name").or(part.attribute("ref")).expect("a name")),
            );
        }
        at
    }

    fn fits(&self, named: &str, value: &str) -> bool {
        if named == "xs:string" {
            return true;
        }
        let simple = self.global("simpleType", named).expect("the type is in the schema");
        let restriction = parts(simple).next().expect("a restriction");
        parts(restriction).all(|facet| {
            assert_eq!(tag(facet), "pattern", "a facet that the validator does not know");
            let pattern = facet.attribute("value").expect("a pattern");
            // JSON Schema's patterns match anywhere, XSD's the whole value.
            let schema = serde_json::json!({"pattern": format!("^(?:{pattern})$")});
            jsonschema::is_valid(&schema, &serde_json::json!(value))
        })
    }
}

fn parts_of<'n, 'i>(node: Node<'n, 'i>) -> impl Iterator<Item = Node<'n, 'i>> {
    node.children().filter(Node::is_element)
}
