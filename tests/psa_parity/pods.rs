//! Pods to compare verdicts by, made from a seed: pod n of a seed is always the same.
//!
//! Most are near the edge: a pod that passes, or one of upstream's fixtures, with a few things changed in every
//! field that a check of upstream reads, its neighbours, and the spellings next to the right one. All of them
//! can be read as pods by the API server, which has no `null` in its lists.

use serde_json::{Map, Value, json};
use std::fmt::Write;

/// SplitMix64: small, and the same everywhere.
pub struct Rng(u64);

impl Rng {
    /// Independent numbers for each pod of a seed.
    pub fn of(seed: u64, index: u64) -> Self {
        let mut rng = Self(seed);
        Self(rng.next() ^ index.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).expect("less than a usize")
    }

    pub fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn pick<'v, T: ?Sized>(&mut self, values: &[&'v T]) -> &'v T {
        values[self.below(values.len())]
    }
}

pub const LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];
pub const NAMES: [&str; 5] = ["a", "b", "app", "init", ""];

const VOLUME_SOURCES: [&str; 30] = [
    "awsElasticBlockStore",
    "azureDisk",
    "azureFile",
    "cephfs",
    "cinder",
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "fc",
    "flexVolume",
    "flocker",
    "gcePersistentDisk",
    "gitRepo",
    "glusterfs",
    "hostPath",
    "image",
    "iscsi",
    "nfs",
    "persistentVolumeClaim",
    "photonPersistentDisk",
    "portworxVolume",
    "projected",
    "quobyte",
    "rbd",
    "scaleIO",
    "secret",
    "storageos",
    "vsphereVolume",
];

const SYSCTLS: [&str; 24] = [
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
    "net/ipv4/tcp_rmem",
    "net.ipv4.tcp_rmem ",
    "net.ipv4.*",
    "net.ipv6.conf.all.forwarding",
    "net.core.somaxconn",
    "net.ipv4.tcp_keepalive_timeout",
    "kernel.msgmax",
    "kernel.shm*",
    "kernel.yama.ptrace_scope",
    "fs.mqueue.msg_max",
    "KERNEL.SHM_RMID_FORCED",
    "",
];

const CAPABILITIES: [&str; 32] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
    "NET_RAW",
    "NET_ADMIN",
    "SYS_ADMIN",
    "SYS_PTRACE",
    "BPF",
    "ALL",
    "all",
    "All",
    "CAP_ALL",
    " ALL",
    "CAP_NET_BIND_SERVICE",
    "net_bind_service",
    "Net_Bind_Service",
    "NET_BIND_SERVICE ",
    "CAP_CHOWN",
    "chown",
    "cap_sys_admin",
    "",
    "NET_BIND",
];

/// One pod of a seed, as JSON text in one line.
pub fn pod(seed: u64, index: u64, fixtures: &[Value]) -> String {
    let mut maker = Maker { rng: Rng::of(seed, index), fixtures };
    let mut pod = match maker.rng.below(100) {
        0..45 => maker.good_pod(true),
        45..58 => maker.good_pod(false),
        58..82 => maker.fixture(),
        _ => maker.wild_pod(),
    };
    let changes = match maker.rng.below(100) {
        0..4 => 0,
        4..44 => 1,
        44..68 => 2,
        68..82 => 3,
        _ => 4 + maker.rng.below(6),
    };
    for _ in 0..changes {
        maker.change(&mut pod);
    }
    written(&mut maker.rng, &mut pod)
}

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

/// The same JSON in other words: members in any order, white space, letters escaped.
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
    // Kubernetes reads quantities without taking escapes apart, and refuses the pod.
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

pub struct Maker<'f> {
    pub rng: Rng,
    pub fixtures: &'f [Value],
}

impl Maker<'_> {
    fn fixture(&mut self) -> Value {
        self.fixtures[self.rng.below(self.fixtures.len())].clone()
    }

    /// A pod that passes `restricted`, or one that says nothing and passes `baseline`.
    fn good_pod(&mut self, restricted: bool) -> Value {
        let mut spec = Map::new();
        for list in LISTS {
            let count = if list == "containers" { 1 + self.rng.below(2) } else { self.rng.below(2) };
            let containers: Vec<Value> = (0..count)
                .map(|_| {
                    let mut container = json!({"name": self.rng.pick(&NAMES), "image": "registry.example.com/app:1"});
                    if restricted {
                        container["securityContext"] =
                            json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}});
                    }
                    container
                })
                .collect();
            if !containers.is_empty() {
                spec.insert(list.to_owned(), Value::Array(containers));
            }
        }
        if restricted {
            let mut context = json!({"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}});
            // Half of them say it in each container.
            if self.rng.percent(50) {
                for container in spec.values_mut().filter_map(Value::as_array_mut).flatten() {
                    container["securityContext"]["runAsNonRoot"] = true.into();
                    container["securityContext"]["seccompProfile"] = json!({"type": "RuntimeDefault"});
                }
                context = json!({});
            }
            spec.insert("securityContext".to_owned(), context);
        }
        if self.rng.percent(20) {
            spec.insert("os".to_owned(), json!({"name": self.rng.pick(&["linux", "windows"])}));
        }
        if self.rng.percent(20) {
            spec.insert("hostUsers".to_owned(), self.rng.percent(50).into());
        }
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "default"}, "spec": spec})
    }

    /// Everything at once.
    fn wild_pod(&mut self) -> Value {
        let mut pod = self.good_pod(false);
        for _ in 0..3 + self.rng.below(12) {
            self.pod_field(&mut pod);
        }
        for _ in 0..3 + self.rng.below(15) {
            self.container_field(&mut pod);
        }
        pod
    }

    pub fn change(&mut self, pod: &mut Value) {
        match self.rng.below(100) {
            0..28 => self.pod_field(pod),
            28..66 => self.container_field(pod),
            66..72 => self.add_container(pod),
            72..80 => self.splice(pod),
            80..88 => twist(&mut self.rng, pod),
            _ => self.restructure(pod),
        }
    }

    /// A container of any list; one is added where there is none.
    pub fn container<'p>(&mut self, pod: &'p mut Value) -> &'p mut Value {
        let there: Vec<&str> = LISTS
            .into_iter()
            .filter(|list| pod["spec"][*list].as_array().is_some_and(|containers| !containers.is_empty()))
            .collect();
        let list = if there.is_empty() { "containers" } else { self.rng.pick(&there) };
        let containers = array(child(&mut pod["spec"], list));
        if containers.is_empty() {
            containers.push(json!({"name": "a"}));
        }
        let index = self.rng.below(containers.len());
        &mut containers[index]
    }

    pub fn add_container(&mut self, pod: &mut Value) {
        let list = self.rng.pick(&LISTS);
        let new = match self.rng.below(4) {
            0 => json!({}),
            1 => json!({"name": self.rng.pick(&NAMES)}),
            _ => self.container(pod).clone(),
        };
        array(child(&mut pod["spec"], list)).push(new);
    }

    fn pod_field(&mut self, pod: &mut Value) {
        match self.rng.below(14) {
            0 => {
                let field = self.rng.pick(&["hostNetwork", "hostPID", "hostIPC"]);
                *child(&mut pod["spec"], field) = self.flag();
            }
            1 => *child(&mut pod["spec"], "hostUsers") = self.flag(),
            2 => *child(&mut pod["spec"], "os") = self.os(),
            3..=5 => {
                let volume = self.volume();
                array(child(&mut pod["spec"], "volumes")).push(volume);
            }
            6 | 7 => {
                let (key, value) = self.annotation(pod);
                *child(child(&mut pod["metadata"], "annotations"), &key) = value;
            }
            8 => {
                let name = self.rng.pick(&SYSCTLS);
                let sysctl = match self.rng.below(8) {
                    0 => json!({"value": "1"}),
                    1 => json!({"name": null, "value": "1"}),
                    _ => json!({"name": name, "value": "1"}),
                };
                array(child(child(&mut pod["spec"], "securityContext"), "sysctls")).push(sysctl);
            }
            9 => {
                let blank = self.blank();
                let field = self.rng.pick(&["securityContext", "volumes", "initContainers", "ephemeralContainers"]);
                let is_list = field != "securityContext" && blank.is_object();
                *child(&mut pod["spec"], field) = if is_list { json!([]) } else { blank };
            }
            _ => {
                let (field, value) = match self.rng.below(6) {
                    0 => ("fsGroup", self.id()),
                    1 => ("supplementalGroups", json!([0, 1000])),
                    2 => ("fsGroupChangePolicy", json!("OnRootMismatch")),
                    _ => self.shared_field(),
                };
                *child(child(&mut pod["spec"], "securityContext"), field) = value;
            }
        }
    }

    fn container_field(&mut self, pod: &mut Value) {
        let (field, value) = match self.rng.below(20) {
            0 => ("securityContext", self.blank()),
            1 => ("name", self.rng.pick(&NAMES).into()),
            2 | 3 => ("ports", self.ports()),
            4 => ("livenessProbe", self.handler()),
            5 => ("readinessProbe", self.handler()),
            6 => ("startupProbe", self.handler()),
            7 => ("lifecycle", self.lifecycle()),
            8 => ("volumeMounts", self.mounts()),
            9 => {
                let noise = [
                    ("restartPolicy", json!("Always")),
                    ("resources", json!({"limits": {"cpu": "1", "example.com/device": 1}})),
                    ("env", json!([{"name": "DOCKER_HOST", "value": "tcp://10.0.0.1:2375"}])),
                    ("volumeDevices", json!([{"name": "a", "devicePath": "/dev/a"}])),
                    (
                        "restartPolicyRules",
                        json!([{"action": "Restart", "exitCodes": {"operator": "In", "values": [1]}}]),
                    ),
                    ("imagePullPolicy", json!("Never")),
                ];
                noise[self.rng.below(noise.len())].clone()
            }
            _ => {
                let (field, value) = match self.rng.below(14) {
                    0 => ("privileged", self.flag()),
                    1 | 2 => ("allowPrivilegeEscalation", self.flag()),
                    3 => ("readOnlyRootFilesystem", self.flag()),
                    4 => {
                        ("procMount", self.text(&["Default", "Unmasked", "default", "DefaultProcMount", "Masked", ""]))
                    }
                    5..=7 => ("capabilities", self.capabilities()),
                    _ => self.shared_field(),
                };
                *child(child(self.container(pod), "securityContext"), field) = value;
                return;
            }
        };
        *child(self.container(pod), field) = value;
    }

    /// A field that the security contexts of pods and containers have in common.
    fn shared_field(&mut self) -> (&'static str, Value) {
        match self.rng.below(8) {
            0 | 1 => ("runAsNonRoot", self.flag()),
            2 => ("runAsUser", self.id()),
            3 => ("runAsGroup", self.id()),
            4 => ("seccompProfile", self.seccomp()),
            5 => ("appArmorProfile", self.apparmor()),
            6 => ("seLinuxOptions", self.selinux()),
            _ => ("windowsOptions", self.windows()),
        }
    }

    fn flag(&mut self) -> Value {
        [json!(true), json!(false), Value::Null][self.rng.below(3)].clone()
    }

    fn blank(&mut self) -> Value {
        if self.rng.percent(50) { Value::Null } else { json!({}) }
    }

    /// One of the texts, or rarely null.
    fn text(&mut self, texts: &[&str]) -> Value {
        if self.rng.percent(6) { Value::Null } else { self.rng.pick(texts).into() }
    }

    fn id(&mut self) -> Value {
        [json!(0), json!(0), json!(1), json!(1000), json!(-1), json!(i64::MAX), Value::Null][self.rng.below(7)].clone()
    }

    fn os(&mut self) -> Value {
        match self.rng.below(10) {
            0 => Value::Null,
            1 => json!({}),
            _ => {
                json!({"name": self.text(&["windows", "windows", "linux", "Windows", "WINDOWS", " windows", "win", ""])})
            }
        }
    }

    /// An object with some of these members.
    fn some(&mut self, members: &[(&str, Value)]) -> Value {
        if self.rng.percent(5) {
            return self.blank();
        }
        let members = members.iter().filter(|_| self.rng.percent(75));
        Value::Object(members.map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
    }

    fn seccomp(&mut self) -> Value {
        let kind = self.text(&["RuntimeDefault", "Localhost", "Unconfined", "runtime/default", "runtimeDefault", ""]);
        let path = self.text(&["profiles/a.json", "", "../a.json"]);
        self.some(&[("type", kind), ("localhostProfile", path)])
    }

    fn apparmor(&mut self) -> Value {
        let kind = self.text(&["RuntimeDefault", "Localhost", "Unconfined", "localhost", "runtime/default", ""]);
        let profile = self.text(&["a", ""]);
        self.some(&[("type", kind), ("localhostProfile", profile)])
    }

    fn selinux(&mut self) -> Value {
        let kind = self.text(&[
            "container_t",
            "container_init_t",
            "container_kvm_t",
            "container_engine_t",
            "container_device_t",
            "spc_t",
            "Container_t",
            "",
        ]);
        let user = self.text(&["", "", "system_u"]);
        let role = self.text(&["", "", "system_r", " "]);
        let level = self.text(&["s0:c123,c456", ""]);
        self.some(&[("type", kind), ("user", user), ("role", role), ("level", level)])
    }

    fn windows(&mut self) -> Value {
        let process = self.flag();
        let user = self.text(&["ContainerAdministrator", ""]);
        self.some(&[("hostProcess", process), ("runAsUserName", user)])
    }

    fn capabilities(&mut self) -> Value {
        let list = |maker: &mut Self, usual: &str| match maker.rng.below(8) {
            0 => Value::Null,
            1 => json!([]),
            2 | 3 => json!([usual]),
            _ => (0..=maker.rng.below(3)).map(|_| maker.rng.pick(&CAPABILITIES)).collect(),
        };
        let (add, drop) = (list(self, "NET_BIND_SERVICE"), list(self, "ALL"));
        self.some(&[("add", add), ("drop", drop)])
    }

    fn ports(&mut self) -> Value {
        match self.rng.below(10) {
            0 => Value::Null,
            1 => json!([]),
            _ => (0..=self.rng.below(3))
                .map(|_| {
                    let number = [json!(80), json!(8080), json!(65_535), json!(-1), json!(0), json!(0), Value::Null]
                        [self.rng.below(7)]
                    .clone();
                    let address = self.text(&["", "127.0.0.1", "0.0.0.0"]);
                    self.some(&[("containerPort", json!(8080)), ("hostPort", number), ("hostIP", address)])
                })
                // A list holds no null.
                .map(|port| if port.is_null() { json!({}) } else { port })
                .collect(),
        }
    }

    /// A probe or a lifecycle handler.
    fn handler(&mut self) -> Value {
        let host = self.text(&["", "", "localhost", "127.0.0.1", "10.0.0.1", "example.com", " "]);
        let port = if self.rng.percent(50) { json!(8080) } else { json!("http") };
        let action = self.some(&[("host", host), ("port", port), ("scheme", json!("HTTPS"))]);
        let other = self.text(&["", "localhost"]);
        let headers = json!([{"name": "Host", "value": "example.com"}]);
        match self.rng.below(10) {
            0 => Value::Null,
            1 => json!({}),
            2..=4 => json!({"httpGet": action}),
            5..=7 => json!({"tcpSocket": action}),
            8 => json!({"httpGet": action, "tcpSocket": {"host": other, "port": 1}, "exec": {"command": ["x"]}}),
            _ => json!({"httpGet": {"port": 1, "httpHeaders": headers}, "grpc": {"port": 1}, "sleep": {"seconds": 1}}),
        }
    }

    fn lifecycle(&mut self) -> Value {
        let (start, stop) = (self.handler(), self.handler());
        self.some(&[("postStart", start), ("preStop", stop), ("stopSignal", json!("SIGTERM"))])
    }

    fn mounts(&mut self) -> Value {
        let propagation = self.text(&["None", "HostToContainer", "Bidirectional", ""]);
        let read_only = self.flag();
        let name = self.rng.pick(&NAMES);
        json!([{"name": name, "mountPath": "/x", "readOnly": read_only, "mountPropagation": propagation}])
    }

    fn volume(&mut self) -> Value {
        let mut volume = json!({"name": self.rng.pick(&NAMES)});
        let sources = [0, 1, 1, 1, 1, 1, 1, 1, 2, 3][self.rng.below(10)];
        for _ in 0..sources {
            // Half are of the kinds that many checks speak of.
            let source = match self.rng.below(8) {
                0 | 1 => "hostPath",
                2 => "emptyDir",
                3 => "configMap",
                _ => self.rng.pick(&VOLUME_SOURCES),
            };
            volume[source] = match self.rng.below(8) {
                0 => Value::Null,
                1..4 if source == "hostPath" => json!({"path": self.text(&["/", "/etc", "/srv", ""]), "type": ""}),
                _ => json!({}),
            };
        }
        volume
    }

    fn annotation(&mut self, pod: &Value) -> (String, Value) {
        let names: Vec<&str> = LISTS
            .iter()
            .filter_map(|list| pod["spec"][*list].as_array())
            .flatten()
            .filter_map(|container| container["name"].as_str())
            .chain(["absent", ""])
            .collect();
        let name = self.rng.pick(&names);
        let key = match self.rng.below(12) {
            0..5 => format!("container.apparmor.security.beta.kubernetes.io/{name}"),
            5..8 => format!("container.seccomp.security.alpha.kubernetes.io/{name}"),
            8 | 9 => "seccomp.security.alpha.kubernetes.io/pod".to_owned(),
            10 => format!("Container.apparmor.security.beta.kubernetes.io/{name}"),
            _ => "container.apparmor.security.beta.kubernetes.io".to_owned(),
        };
        let value = self.text(&[
            "runtime/default",
            "docker/default",
            "localhost/a",
            "localhost/",
            "localhost",
            "unconfined",
            "Unconfined",
            "RuntimeDefault",
            " runtime/default",
            "",
        ]);
        (key, value)
    }

    /// Puts a part of one of upstream's fixtures into the same place.
    fn splice(&mut self, pod: &mut Value) {
        let mut other = self.fixture();
        let (from, to) = if self.rng.percent(40) {
            (other["spec"].take(), child(pod, "spec"))
        } else {
            let mut from = self.container(&mut other).take();
            let to = self.container(pod);
            if self.rng.percent(60) && from["securityContext"].is_object() {
                (from["securityContext"].take(), child(to, "securityContext"))
            } else {
                (from, to)
            }
        };
        let Value::Object(from) = from else { return };
        let fields: Vec<&String> = from.keys().collect();
        if let Some(field) = (!fields.is_empty()).then(|| fields[self.rng.below(fields.len())]) {
            *child(to, field) = from[field].clone();
        }
    }

    /// Takes something away, empties, doubles or moves it.
    fn restructure(&mut self, pod: &mut Value) {
        match self.rng.below(10) {
            0 => {
                // From one list of containers to another.
                let (from, to) = (self.rng.pick(&LISTS), self.rng.pick(&LISTS));
                if let Some(moved) = pod["spec"][from].as_array_mut().and_then(Vec::pop) {
                    array(child(&mut pod["spec"], to)).push(moved);
                }
            }
            1 => {
                let context = pod["spec"]["securityContext"].clone();
                *child(self.container(pod), "securityContext") = context;
            }
            2 => {
                let context = child(self.container(pod), "securityContext").clone();
                *child(&mut pod["spec"], "securityContext") = context;
            }
            _ => {
                let places = places(pod, &is_any);
                let Some(place) = (!places.is_empty()).then(|| &places[self.rng.below(places.len())]) else { return };
                let (parent, key) = place.rsplit_once('/').unwrap_or_default();
                let what = self.rng.below(4);
                match pod.pointer_mut(parent) {
                    Some(Value::Array(list)) => {
                        let index: usize = key.parse().expect("a place in a list is a number");
                        match what {
                            0 => list.insert(index, list[index].clone()),
                            1 => empty(&mut list[index]),
                            _ => drop(list.remove(index)),
                        }
                    }
                    Some(Value::Object(members)) => match what {
                        0 => drop(members.insert(unescaped(key), Value::Null)),
                        1 => empty(&mut members[&unescaped(key)]),
                        _ => drop(members.remove(&unescaped(key))),
                    },
                    _ => {}
                }
            }
        }
        // What was emptied may be what the next change stands in.
        for part in ["metadata", "spec"] {
            if !pod[part].is_object() {
                pod[part] = json!({});
            }
        }
    }
}

/// Writes a text, or the name of a field, in another way.
fn twist(rng: &mut Rng, pod: &mut Value) {
    let rename = rng.percent(25);
    let places = places(pod, if rename { &is_any } else { &Value::is_string });
    let Some(place) = (!places.is_empty()).then(|| &places[rng.below(places.len())]) else { return };
    let (parent, key) = place.rsplit_once('/').unwrap_or_default();
    if rename && !parent.is_empty() {
        if let Some(Value::Object(members)) = pod.pointer_mut(parent) {
            let key = unescaped(key);
            let value = members.remove(&key).unwrap_or_default();
            let renamed = if rng.percent(50) { key.to_ascii_lowercase() } else { capitalised(&key) };
            members.insert(renamed, value);
        }
        return;
    }
    let Some(Value::String(text)) = pod.pointer_mut(place) else { return };
    *text = match rng.below(12) {
        0 => text.to_ascii_uppercase(),
        1 => text.to_ascii_lowercase(),
        2 => capitalised(text),
        3 => format!(" {text}"),
        4 => format!("{text} "),
        5 => format!("{text}x"),
        6 => format!("CAP_{text}"),
        7 => text.replace('_', "-").replace('.', "/"),
        8 => format!("{text}\n"),
        9 => format!("{text}\u{200b}"),
        10 => format!("\"{text}\\"),
        _ => String::new(),
    };
}

/// Fields whose text must be a quantity or a time to be read at all.
const TYPED: [&str; 7] =
    ["resources", "limits", "requests", "sizeLimit", "divisor", "creationTimestamp", "deletionTimestamp"];

fn is_any(_: &Value) -> bool {
    true
}

/// JSON pointers to all values of this sort below the pod's metadata and spec.
fn places(pod: &Value, wanted: &dyn Fn(&Value) -> bool) -> Vec<String> {
    fn walk(value: &Value, at: &str, wanted: &dyn Fn(&Value) -> bool, found: &mut Vec<String>) {
        let mut step = |key: &str, value: &Value| {
            if !TYPED.contains(&key) {
                let at = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
                if wanted(value) {
                    found.push(at.clone());
                }
                walk(value, &at, wanted, found);
            }
        };
        match value {
            Value::Array(list) => list.iter().enumerate().for_each(|(index, value)| step(&index.to_string(), value)),
            Value::Object(members) => members.iter().for_each(|(key, value)| step(key, value)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(pod, "", wanted, &mut found);
    found.retain(|place| place.starts_with("/metadata") || place.starts_with("/spec"));
    found
}

fn unescaped(key: &str) -> String {
    key.replace("~1", "/").replace("~0", "~")
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
}

fn empty(value: &mut Value) {
    match value {
        Value::Array(list) => list.clear(),
        Value::Object(members) => members.clear(),
        Value::String(text) => text.clear(),
        Value::Number(number) => *number = 0.into(),
        Value::Bool(flag) => *flag = false,
        Value::Null => {}
    }
}

/// The member of an object; whatever is no object becomes one.
pub fn child<'v>(parent: &'v mut Value, key: &str) -> &'v mut Value {
    if !parent.is_object() {
        *parent = json!({});
    }
    &mut parent[key]
}

/// The value as a list; whatever is none becomes one.
pub fn array(value: &mut Value) -> &mut Vec<Value> {
    if !value.is_array() {
        *value = json!([]);
    }
    match value {
        Value::Array(list) => list,
        _ => unreachable!("it was made a list"),
    }
}
