//! `check` denies the bad file of `examples/` and admits the good one.

use std::process::Command;

fn check(file: &str) -> Option<i32> {
    let path = format!("{}/examples/{file}", env!("CARGO_MANIFEST_DIR"));
    let status = Command::new(env!("CARGO_BIN_EXE_podreeve")).args(["check", &path]).status();
    status.expect("podreeve runs").code()
}

#[test]
fn the_bad_file_is_denied_and_the_good_one_is_not() {
    assert_eq!(check("bad-deployment.yaml"), Some(1));
    assert_eq!(check("good-deployment.yaml"), Some(0));
}
