use super::*;
use crate::image::Part;
use crate::image::facts::{ContentFacts, Tool};
use crate::image::platform::Platform;
use std::cell::Cell;

/// A platform of an image whose layers are read.
fn platform(change: impl FnOnce(&mut ImageFacts, &mut ContentFacts)) -> ImageFacts {
    let mut facts = ImageFacts { platform: "linux/amd64".parse().unwrap(), ..ImageFacts::default() };
    let mut content = ContentFacts::default();
    change(&mut facts, &mut content);
    facts.content = Some(content);
    facts
}

fn user(written: &str, uid: Option<u32>, switcher: &str) -> ImageFacts {
    platform(|facts, content| {
        written.clone_into(&mut facts.run.user);
        content.uid = uid;
        let tool = Tool { name: switcher.to_owned(), path: format!("usr/bin/{switcher}"), layer: 0 };
        content.user_switchers.extend((!switcher.is_empty()).then_some(tool));
    })
}

#[test]
fn of_several_platforms_the_worst_user_counts() {
    let root = |written: &str, switcher: Option<&str>| ImageUser::Root {
        written: written.into(),
        switcher: switcher.map(Into::into),
    };
    let windows =
        ImageFacts { platform: Platform { os: "windows".to_owned(), ..Platform::default() }, ..ImageFacts::default() };
    for (platforms, wanted) in [
        (vec![], ImageUser::Unknown),
        (vec![windows.clone()], ImageUser::Unknown),
        (vec![user("1000:0", None, ""), windows], ImageUser::Number(1000)),
        (vec![user("1000", None, ""), user("1000:1000", None, "")], ImageUser::Number(1000)),
        (vec![user("1000", None, ""), user("1001", None, "")], ImageUser::Numbers),
        (vec![user("1000", None, ""), user("1001", None, ""), user("1000", None, "")], ImageUser::Numbers),
        (vec![user("1000", None, ""), user("", None, "gosu")], root("", Some("gosu"))),
        (vec![user("0:0", None, ""), user("1000", None, "")], root("0", None)),
        (vec![user("app", Some(1000), ""), user("app", Some(1000), "")], ImageUser::Named("app".into(), Some(1000))),
        (vec![user("app", Some(1000), ""), user("app", Some(1001), "")], ImageUser::Named("app".into(), None)),
        (vec![user("app", Some(1000), ""), user("1000", None, "")], ImageUser::Unknown),
        (vec![user("app", Some(0), "")], root("app", None)),
    ] {
        assert_eq!(ImageTraits::new(&platforms).user, wanted, "{platforms:?}");
    }
}

#[test]
fn a_program_of_each_distribution_changes_the_user_only_where_it_is_started() {
    let switcher = |of: &str, entrypoint: &[&str]| {
        let mut facts = user("", None, of);
        facts.run.entrypoint = entrypoint.iter().map(|word| (*word).to_owned()).collect();
        match ImageTraits::new(&[facts]).user {
            ImageUser::Root { switcher, .. } => switcher.is_some(),
            other => panic!("{other:?}"),
        }
    };
    assert!(!switcher("setpriv", &["python3", "/app/x.py"]));
    assert!(!switcher("runuser", &["/docker-entrypoint.sh"]));
    assert!(switcher("setpriv", &["/usr/bin/setpriv", "--reuid=app", "app"]));
    assert!(switcher("runuser", &["/bin/sh", "-c", "exec runuser -u app -- app"]));
    assert!(switcher("gosu", &["/docker-entrypoint.sh"]));
}

#[test]
fn an_empty_dir_is_offered_only_where_it_hides_nothing() {
    let one = |filled: &[&str]| {
        platform(|facts, content| {
            facts.run.volumes = vec!["/var/lib/data/".to_owned(), "/a:b".to_owned(), "/".to_owned()];
            facts.run.working_dir = "/work".to_owned();
            facts.run.cmd = vec!["nginx".to_owned()];
            content.filled = filled.iter().map(|path| (*path).to_owned()).collect();
        })
    };
    let of = |platforms: &[ImageFacts]| {
        let traits = ImageTraits::new(platforms);
        (traits.writable.join(" "), traits.filled.join(" "))
    };
    let all = "/run /var/cache/nginx /var/lib/data /work";
    assert_eq!(of(&[one(&[])]), (all.to_owned(), String::new()));
    // Files on one platform are enough.
    let filled = one(&["/var/lib/data/", "/work", "/run"]);
    assert_eq!(of(&[one(&[]), filled]), ("/var/cache/nginx".to_owned(), "/var/lib/data".to_owned()));
    // A runtime fills these folders, and what is not absolute means nothing to a pod.
    let of_runtime = platform(|facts, _| {
        let volumes = [
            "/proc",
            "/proc/sys",
            "/sys/fs",
            "/dev/shm",
            "/run/secrets/a",
            "//var/run/secrets/./b",
            "data",
            "/process",
        ];
        facts.run.volumes = volumes.map(str::to_owned).to_vec();
        facts.run.working_dir = "relative".to_owned();
    });
    assert_eq!(of(&[of_runtime]), ("/process".to_owned(), String::new()));
    // Which folders have files is not known.
    let full = ImageFacts { gaps: vec![crate::image::Gap::new(&[Part::Folders], "full")], ..one(&[]) };
    assert_eq!(of(&[full]), (String::new(), String::new()));
    // Without the layers it is unknown.
    let unread = ImageFacts { content: None, ..one(&[]) };
    assert_eq!(of(&[one(&[]), unread]), (String::new(), String::new()));
}

#[test]
fn ports_commands_and_checks_are_read() {
    let one = |port: &str, test: &[&str]| {
        platform(|facts, _| {
            facts.run.exposed_ports = vec![port.to_owned(), "53/udp".to_owned(), "x".to_owned()];
            facts.run.entrypoint = vec!["/usr/sbin/sshd".to_owned()];
            let test = test.iter().map(|word| (*word).to_owned()).collect();
            facts.run.healthcheck = Some(crate::image::config::Healthcheck { test });
        })
    };
    let traits = ImageTraits::new(&[one("80", &["CMD", "true"]), one("8080/tcp", &["CMD", "true"])]);
    assert_eq!(traits.ports, [(53, "udp".into()), (80, "tcp".into()), (8080, "tcp".into())]);
    assert_eq!(&*traits.commands[0].entrypoint[0], "/usr/sbin/sshd");
    assert_eq!(traits.healthcheck, Some(vec!["true".into()]));
    let shell = ImageTraits::new(&[one("1", &["CMD-SHELL", "curl -f localhost"])]).healthcheck;
    assert_eq!(shell, Some(["/bin/sh", "-c", "curl -f localhost"].map(Into::into).to_vec()));
    for none in [&["NONE"] as &[&str], &[], &["CMD"]] {
        assert_eq!(ImageTraits::new(&[one("1", none)]).healthcheck, None, "{none:?}");
    }
}

/// An index can name any number of platforms, and each of them may be the one that runs.
#[test]
fn every_command_and_every_low_port_counts() {
    let one = |number: usize| {
        platform(|facts, _| {
            facts.run.cmd = vec![format!("/app-{number}")];
            facts.run.exposed_ports =
                vec![format!("{number}/tcp"), format!("{number}/UDP"), format!("{number}/x{number}")];
        })
    };
    let mut platforms: Vec<ImageFacts> = (1..=64).map(one).collect();
    platforms.push(platform(|facts, _| facts.run.cmd = vec!["/usr/sbin/sshd".to_owned()]));
    let traits = ImageTraits::new(&platforms);
    assert_eq!(traits.commands.len(), 65);
    assert_eq!(&*traits.commands[64].cmd[0], "/usr/sbin/sshd");
    assert!(traits.ports.len() == 128 && traits.ports.contains(&(22, "tcp".into())), "{:?}", traits.ports);
}

#[test]
fn an_unknown_image_does_what_the_settings_say() {
    let image = |kind, runs_already| UnknownImage { runs_already, ..UnknownImage::new(kind, "x") };
    let effect = |settings: &str, kind, runs_already, signature| {
        let settings: ImageSettings = serde_json::from_str(settings).unwrap();
        settings.effect(&image(kind, runs_already), signature)
    };
    for kind in [UnknownKind::NotCovered, UnknownKind::NotFound, UnknownKind::Invalid] {
        assert_eq!(effect("{}", kind, true, false), UnknownEffect::Warn);
        assert_eq!(effect("{}", kind, true, true), UnknownEffect::Deny);
        assert_eq!(effect(r#"{"onUnknown":"allow","onUnavailable":"deny"}"#, kind, false, true), UnknownEffect::Audit);
        assert_eq!(effect(r#"{"onUnknown":"deny"}"#, kind, true, false), UnknownEffect::Deny);
    }
    for kind in [UnknownKind::Unavailable, UnknownKind::Refused] {
        assert_eq!(effect("{}", kind, false, false), UnknownEffect::Warn);
        assert_eq!(effect("{}", kind, false, true), UnknownEffect::Deny);
        assert_eq!(effect("{}", kind, true, true), UnknownEffect::Warn);
        assert_eq!(effect(r#"{"onUnavailable":"deny","onUnknown":"allow"}"#, kind, true, false), UnknownEffect::Deny);
        let running = r#"{"onUnavailable":"allowRunning"}"#;
        assert_eq!(effect(running, kind, false, false), UnknownEffect::Deny);
        assert_eq!(effect(running, kind, true, false), UnknownEffect::Warn);
    }
    assert!(serde_json::from_str::<ImageSettings>(r#"{"onunknown":"deny"}"#).is_err());
}

#[test]
fn what_was_found_is_remembered_for_its_judge_and_day() {
    let image = KnownImage::new(Digest::sha256(b"a"), Vec::new(), Reader::Podreeve);
    let (calls, day) = (Cell::new(0), jiff::civil::date(2026, 11, 27));
    let judge = |image: &KnownImage, judge: u64, today| {
        *image.remembered(judge, today, || {
            calls.set(calls.get() + 1);
            (judge, today)
        })
    };
    for _ in 0..3 {
        assert_eq!(judge(&image, 1, day), (1, day));
        assert_eq!(judge(&image, 2, day), (2, day));
    }
    assert_eq!(calls.get(), 2);
    assert_eq!(judge(&image, 1, day.tomorrow().unwrap()), (1, day.tomorrow().unwrap()));
    assert_eq!(calls.get(), 3);
    // When all cells are taken, the rest is found each time.
    for number in 3..9 {
        assert_eq!(judge(&image, number, day), (number, day));
    }
    assert_eq!((judge(&image, 1, day), judge(&image, 8, day), calls.get()), ((1, day), (8, day), 10));
    let unjudged = image.unjudged();
    assert_eq!((judge(&unjudged, 8, day), judge(&unjudged, 8, day), calls.get()), ((8, day), (8, day), 11));
}

#[test]
fn pull_secrets_are_read_in_the_namespaces_of_their_scope() {
    let scope = |names: &[&str]| PullSecretScope { namespaces: names.iter().map(|name| (*name).to_owned()).collect() };
    assert!(scope(&[]).has("shop") && scope(&["shop"]).has("shop") && !scope(&["shop"]).has("shop-2"));
}
