//! The reader of plain JSON decides nothing: it reads all that serde_json reads, and alike.

use podreeve::json::{Fill, read};
use podreeve::review::{Request, Review};
use podreeve::rules::{GOOD_POD, RULES};
use podreeve::workload::{Pod, kinds};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::Value;
use std::fmt::Debug;

/// What both read; none when only serde_json reads it.
fn both<'a, T: Fill<'a> + Default + Deserialize<'a> + Debug>(text: &'a str) -> Option<String> {
    let mut plain = T::default();
    read(text, &mut plain)?;
    let plain = format!("{plain:?}");
    if let Ok(serde) = serde_json::from_str::<T>(text) {
        assert_eq!(plain, format!("{serde:?}"), "{text}");
    }
    Some(plain)
}

/// Every key that a rule judges, each with a value of its own.
const EVERY_KEY: &str = r#"{"metadata":{"name":"n1","generateName":"n2","annotations":{"other":"x\n",
"container.apparmor.security.beta.kubernetes.io/a":"n3","seccomp.security.alpha.kubernetes.io/pod":null}},
"spec":{"hostNetwork":true,"hostPID":false,"hostIPC":true,"hostUsers":false,"automountServiceAccountToken":true,
"serviceAccountName":"n4","restartPolicy":"n5","os":{"name":"n6"},"nodeSelector":{"a":"b"},
"securityContext":{"runAsNonRoot":true,"runAsUser":1,"runAsGroup":2,"fsGroup":3,"supplementalGroups":[4,-5],
"seccompProfile":{"type":"n7","localhostProfile":"n8"},"appArmorProfile":{"type":"n9"},
"seLinuxOptions":{"type":"n10","user":"n11","role":"n12"},"windowsOptions":{"hostProcess":true},"sysctls":[{"name":"n13"}]},
"resources":{"limits":{"cpu":1,"memory":"n14","ephemeral-storage":"n15","pids":16,"example.com/gpu":"1","nothing":{}},
"requests":{"cpu":"n17"}},
"volumes":[{"name":"n18","hostPath":{"path":"n19"}},{"name":"n20","emptyDir":{"medium":"n21","sizeLimit":"n22"}},
{"projected":{"sources":[{"serviceAccountToken":{}},{"secret":{}}]},"name":null},{"csi":{"driver":"x"},"nfs":null},
{"name":"n58","image":{"reference":"n59","pullPolicy":"n60"}}],
"initContainers":[{"name":"n23","restartPolicy":"n24","restartPolicyRules":[{"action":"x","exitCodes":{"operator":"n25"}}]}],
"ephemeralContainers":[{"name":"n26"}],
"containers":[{"name":"n27\u0041","image":"n28","imagePullPolicy":"n29","command":["n30"],"args":["n31",""],
"securityContext":{"privileged":true,"allowPrivilegeEscalation":false,"readOnlyRootFilesystem":true,"runAsNonRoot":false,
"runAsUser":32,"runAsGroup":33,"capabilities":{"add":["n34"],"drop":[]},"seccompProfile":{"type":"n35"},
"appArmorProfile":{"type":"n36"},"seLinuxOptions":{"role":"n37"},"windowsOptions":{"hostProcess":false},"procMount":"n38"},
"resources":{"limits":{"memory":"n39"},"requests":null},
"ports":[{"name":"n40","containerPort":41,"hostPort":42,"hostIP":"n43"}],"env":[{"name":"n44","value":"n45"},{"name":"n46"}],
"volumeMounts":[{"name":"n47","mountPath":"n48","readOnly":true,"mountPropagation":"n49"}],
"volumeDevices":[{"name":"n50","devicePath":"n51"}],
"livenessProbe":{"exec":{"command":["n52"]},"httpGet":{"host":"n53","port":"n54"},"tcpSocket":{"host":"n55","port":56},"grpc":{"port":57}},
"readinessProbe":{},"startupProbe":{"exec":null},"lifecycle":{"postStart":{"exec":{}},"preStop":{"httpGet":{}}}}]},"status":{}}"#;

#[test]
fn every_key_is_read() {
    let read = both::<Pod<'_>>(EVERY_KEY).expect("it is plain");
    // Whatever is in the text is in the pod, so that no key is missing on both sides.
    for n in 1..=60 {
        let found = read.contains(&format!("\"n{n}\"")) || read.contains(&format!("{n}")) || n == 27;
        assert!(found, "n{n} is in {read}");
    }
    assert!(read.contains("n27A"), "{read}");
}

#[test]
fn recorded_reviews_are_plain() {
    let files: Vec<_> = std::fs::read_dir("tests/reviews").unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() >= 5);
    for file in files.iter().filter(|file| file.extension().is_some_and(|e| e == "json")) {
        let text = std::fs::read_to_string(file).unwrap();
        assert!(both::<Review<'_>>(&text).is_some(), "{}", file.display());
        let (_, mut request) = Review::parse(&text).unwrap();
        if let Some(object) = request.object {
            let mut pod = Pod::default();
            assert!(object.read(&mut pod).is_some(), "{}", file.display());
            same_pod(&mut request);
        }
    }
}

#[test]
fn examples_are_plain() {
    assert!(both::<Pod<'_>>(GOOD_POD).is_some());
    for example in RULES.iter().flat_map(|rule| rule.examples) {
        let text = example.pod().to_string();
        let read = both::<Pod<'_>>(&text);
        assert!(read.is_some() || has_fraction(&example.pod()), "{}", example.name);
    }
}

/// Whether the pod was read on the way or not, it is the pod of the object.
fn same_pod(request: &mut Request<'_>) {
    let Some(kind) = kinds::find(&request.kind.group, &request.kind.kind) else { return };
    let object = request.object.expect("an object");
    let [first, second] = [request.take_pod(kind, object), request.take_pod(kind, object)];
    assert_eq!(format!("{first:?}"), format!("{second:?}"));
    assert_eq!(format!("{second:?}"), format!("{:?}", kind.pod(object)));
}

/// The API server sends the kind first; whoever does not is answered alike.
#[test]
fn the_object_is_the_same_wherever_it_stands() {
    let object = r#"{"metadata":{"managedFields":[{"a":"}"}],"name":"a"},"spec":{"hostPID":true}}"#;
    let kind = r#""kind":{"group":"","version":"v1","kind":"Pod"}"#;
    let fraction = r#"{"spec":{"securityContext":{"runAsUser":1.0}}}"#;
    let unread = r#"{"spec":{"hostPID":1}}"#;
    for object in [object, fraction, unread, "{}", "null"] {
        let before = format!(
            r#"{{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{{"uid":"u",{kind},"object":{object},"name":"n"}}}}"#
        );
        let after = before.replace(&format!("{kind},"), "").replace(r#""name":"n""#, &format!(r#""name":"n",{kind}"#));
        let [before, after] = [&before, &after].map(|text| {
            let (_, mut request) = Review::parse(text).unwrap();
            assert_eq!(&*request.name, "n");
            assert_eq!(request.object.map_or("null", |object| object.get()), object);
            if request.object.is_some() {
                same_pod(&mut request);
            }
            format!("{:?}", request.object.map(|object| kinds::find("", "Pod").unwrap().pod(object)))
        });
        assert_eq!(before, after);
    }
}

fn has_fraction(value: &Value) -> bool {
    match value {
        Value::Array(list) => list.iter().any(has_fraction),
        Value::Object(map) => map.values().any(has_fraction),
        _ => value.is_f64(),
    }
}

#[test]
fn what_is_rare_or_wrong_is_left_to_serde_json() {
    for text in [
        r#"{"spec":{"hostPID":true,"hostPID":false}}"#,
        r#"{"spec":{"host\u0050ID":true}}"#,
        r#"{"spec":{"hostPID":1}}"#,
        r#"{"spec":[]}"#,
        r#"{"spec":{"containers":[null]}}"#,
        r#"{"spec":{"containers":[{"name":"a"},]}}"#,
        r#"{"spec":{"securityContext":{"runAsUser":-0}}}"#,
        r#"{"spec":{"securityContext":{"runAsUser":1.5}}}"#,
        r#"{"spec":{"securityContext":{"runAsUser":99999999999999999999}}}"#,
        r#"{"spec":{"volumes":[{"hostPath":{},"hostPath":{}}]}}"#,
        r#"{"spec":{}} x"#,
        r#"{"spec":{}"#,
        r#"{"spec":{},}"#,
        "{\"metadata\":{\"name\":\"a\nb\"}}",
        "",
    ] {
        assert_eq!(both::<Pod<'_>>(text), None, "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// A byte changed, left out or put in: what is still read is read alike.
    #[test]
    fn damaged_pods_are_read_alike_or_not(at in 0..EVERY_KEY.len(), with in "[\"{}\\[\\]:,\\\\ 0-9a-z]{0,3}", cut in 0..4_usize) {
        let mut text = EVERY_KEY.to_owned();
        let end = (at + cut).min(text.len());
        text.replace_range(at..end, &with);
        both::<Pod<'_>>(&text);
    }
}
