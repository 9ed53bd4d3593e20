//! A decision as a line of JSON.

use super::pair::push;
use super::{AFTER_RULES, END, Line, TARGET, would};
use crate::observe::stamp::stamp;
use crate::outcome::Tally;
use std::fmt::Write;

pub fn write(out: &mut String, line: &Line<'_>) {
    let start = out.len();
    out.push_str("{\"timestamp\":\"");
    stamp(out, line.timestamp);
    out.push_str("\",\"level\":\"INFO\",\"target\":\"");
    out.push_str(TARGET);
    out.push_str("\",\"message\":\"decided\"");
    for (key, value, always) in [
        (",\"hook\":", line.hook, true),
        (",\"uid\":", &*line.uid, true),
        (",\"user\":", &line.user, true),
        (",\"caller\":", line.caller, false),
        (",\"operation\":", &line.operation, true),
        (",\"kind\":", &line.kind, true),
        (",\"sub_resource\":", &line.sub_resource, false),
        (",\"namespace\":", &line.namespace, true),
        (",\"name\":", &line.name, true),
    ] {
        if always || !value.is_empty() {
            push(out, key, value);
        }
    }
    out.push_str(if line.dry_run { ",\"dry_run\":true" } else { ",\"dry_run\":false" });
    push(out, ",\"mode\":", line.mode);
    push(out, ",\"verdict\":", line.verdict);
    for (key, value) in [(",\"problem\":", &line.problem), (",\"detail\":", &line.detail)] {
        if !value.is_empty() {
            push(out, key, value);
        }
    }
    if line.labels {
        out.push_str(",\"pod_security_labels\":true");
    }
    out.push_str(",\"rules\":[");
    for (n, Tally { rule, effect, count, held_back }) in line.rules.iter().enumerate() {
        if out.len() - start > line.max - AFTER_RULES {
            break;
        }
        let comma = if n == 0 { "" } else { "," };
        let _ = write!(out, "{comma}{{\"rule\":\"{rule}\",\"effect\":\"{effect}\",\"count\":{count}");
        for (key, count) in would(*held_back) {
            let _ = write!(out, ",\"{key}\":{count}");
        }
        out.push('}');
    }
    let _ = write!(out, "],\"micros\":{},\"violations\":", line.micros);
    let room = line.max.saturating_sub(out.len() - start + END);
    let left_out = line.violations.write(out, room);
    if left_out > 0 {
        let _ = write!(out, ",\"left_out\":{left_out}");
    }
    out.push_str("}\n");
}
