//! The published schema of policies is that of the code; tests/cli_commands.rs compares the whole files.

use podreeve::policy::document::PolicySpec;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

#[test]
fn the_published_schema_has_the_parameters_of_every_rule() {
    let published: Value = serde_json::from_str(include_str!("../docs/policy.schema.json")).expect("it is JSON");
    let mut made: Value = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<PolicySpec>().into();
    let map = made.as_object_mut().expect("a schema with keys");
    map.remove("$schema");
    map.remove("title");
    let definitions = map.remove("$defs").unwrap_or_else(|| json!({}));
    assert_eq!(published["properties"]["spec"], made);
    assert_eq!(published["$defs"], definitions);
}
