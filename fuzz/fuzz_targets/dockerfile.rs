//! Whatever the file: no panic, findings and edits inside the file, and edits that leave a file that is read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use podreeve::dockerfile::Dockerfile;
use podreeve::rule::Judges;
use podreeve::rules::RULES;
use serde_json::Value;

fuzz_target!(|text: &str| {
    let file = Dockerfile::parse(text);
    for error in &file.errors {
        assert_eq!(file.place(error.at.span.clone()), error.at);
    }
    for rule in RULES {
        let Judges::Dockerfile(of_file) = &rule.judges else { continue };
        let check = (of_file.compile)(Value::Null).expect("the defaults");
        let mut findings = Vec::new();
        check.check(&file, &mut findings);
        for finding in &findings {
            assert!(file.text().get(finding.at.span.clone()).is_some(), "{}: {:?}", rule.id, finding.at);
            if let Some(edit) = check.suggest(&file, finding) {
                let mut edited = file.text().to_owned();
                edited.replace_range(edit.span, &edit.text);
                assert_eq!(Dockerfile::parse(&edited).errors.len(), file.errors.len(), "{}", rule.id);
            }
        }
    }
});
