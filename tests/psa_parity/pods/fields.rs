//! Values for every field that a check of upstream reads.

use super::{LISTS, Maker, NAMES, array, child};
use serde_json::{Value, json};

pub const VOLUME_SOURCES: [&str; 30] = [
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

impl Maker<'_> {
    pub fn pod_field(&mut self, pod: &mut Value) {
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

    pub fn container_field(&mut self, pod: &mut Value) {
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
            // Half of the sources are of kinds that many checks judge.
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
}
