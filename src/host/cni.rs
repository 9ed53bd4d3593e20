//! Files of CNI: the bridges that they make for pods.

use super::Host;
use crate::node::config::Setting;
use crate::node::{CniBridge, Daemon, Node, Read, has_extension};
use serde_json::Value;
use std::collections::BTreeMap;

const FOLDER: &str = "/etc/cni/net.d";

/// The bridges of each file in the folders that runtimes read.
pub fn cni(host: &dyn Host, node: &Node) -> BTreeMap<String, Read<Vec<CniBridge>>> {
    let of_daemon = |daemon: &Daemon| -> Vec<String> {
        let is_folder = |key: &str| key.ends_with(".cni.conf_dir") || key == "crio.network.network_dir";
        let all = daemon.config.settings.iter().filter(|(key, _)| is_folder(key));
        all.map(|(_, setting)| setting).map(Setting::display).filter(|path| path.starts_with('/')).collect()
    };
    let mut folders: Vec<String> = node.containerd.iter().chain(&node.crio).flat_map(of_daemon).collect();
    folders.push(FOLDER.to_owned());
    let mut all = BTreeMap::new();
    for folder in folders {
        let files = host.list(&folder);
        if files.unknown().is_some() {
            all.insert(folder.clone(), files.clone().map(|_| Vec::new()));
        }
        for name in files.is().into_iter().flatten().filter(|name| has_extension(name, &["conf", "conflist", "json"])) {
            let path = format!("{folder}/{name}");
            let parse =
                |bytes: Vec<u8>| serde_json::from_slice(&bytes).map_err(|error| format!("it is no JSON: {error}"));
            let bridges = host.read(&path).and_then(parse).map(|document: Value| bridges(&document));
            if bridges.is().is_none_or(|bridges| !bridges.is_empty()) {
                all.insert(path, bridges);
            }
        }
    }
    all
}

/// The bridges of a network, which has one plugin or a list of them.
fn bridges(document: &Value) -> Vec<CniBridge> {
    let listed = document.get("plugins").and_then(Value::as_array);
    let plugins = listed.map_or_else(|| vec![document], |plugins| plugins.iter().collect());
    let is_bridge = |plugin: &&Value| plugin.get("type").is_some_and(|kind| kind == "bridge");
    let bridge = |plugin: &Value| CniBridge {
        name: plugin.get("bridge").and_then(Value::as_str).unwrap_or("cni0").to_owned(),
        hairpin: plugin.get("hairpinMode").is_some_and(|mode| mode == true),
    };
    plugins.into_iter().filter(is_bridge).map(bridge).collect()
}
