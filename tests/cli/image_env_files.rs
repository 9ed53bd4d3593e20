//! `podreeve image`: files with the variables of programs, such as `.env`.

use super::binary::Dir;
use super::built::{Image, Tar};
use serde_json::json;

#[test]
fn a_file_of_variables_with_a_password_is_found_and_not_shown() {
    let variables = "LOG=debug\nDB_PASSWORD=hunter2hunter2\n";
    let image = Image::new("amd64", &json!({"User": "1000"}))
        .layer(
            "COPY . /app",
            Tar::default()
                .file("app/.env", variables)
                .file("app/.env.example", variables)
                .file("app/node_modules/a/.env", variables)
                .file("app/tests/.env", variables)
                .file("opt/.env", "DB_PASSWORD=\nAPI_TOKEN=${API_TOKEN}\n")
                .file("opt/settings", variables)
                .symlink("srv/.env.production", "/opt/settings"),
        )
        .layer("RUN rm /app/.env", Tar::default().file("app/.wh..env", ""));
    let dir = Dir::new("image-env-files", &[]);
    dir.write("web.tar", image.docker_save("shop/web:1"));
    let json = dir.run(&["image", "web.tar", "-o", "json"]);
    assert_eq!((json.code, json.err.as_str()), (Some(1), ""), "{json:?}");
    let report = json.json();
    let secrets: Vec<(&str, &str)> = report["violations"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|one| one["rule"] == "image-secrets")
        .map(|one| (one["place"].as_str().expect("text"), one["found"].as_str().expect("text")))
        .collect();
    let what = "variables with a secret";
    let deleted = format!("{what}, which layers[1] deletes or overwrites in vain");
    let linked = format!("{what}, to which /srv/.env.production leads");
    assert_eq!(secrets, [("layers[0]/app/.env", deleted.as_str()), ("layers[0]/opt/settings", linked.as_str())]);
    let text = dir.run(&["image", "web.tar"]);
    for shown in [json.out, text.out] {
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn a_step_that_writes_variables_to_a_file_is_found() {
    let image = Image::new("amd64", &json!({"User": "1000"}))
        .layer("RUN /bin/sh -c printf 'TOKEN=%s' hunter2 > /app/.env # buildkit", Tar::default().program("app"))
        .empty_step("RUN /bin/sh -c cp .env.example .env # buildkit");
    let dir = Dir::new("image-env-step", &[]);
    dir.write("web.tar", image.docker_save("shop/web:1"));
    let ran = dir.run(&["image", "web.tar"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.out.contains("history[0]") && !ran.out.contains("history[1]"), "{}", ran.out);
    assert!(!ran.out.contains("hunter2"), "{}", ran.out);
}
