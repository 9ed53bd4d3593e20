//! Mounts of the host: `/proc/1/mountinfo`.

use serde::{Deserialize, Serialize};

/// One mount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mount {
    /// Major and minor number of the device, such as `8:1`.
    pub device: String,
    /// The folder of the file system that is mounted.
    pub root: String,
    pub point: String,
    pub read_only: bool,
    pub kind: String,
}

/// All mounts, in the order of the file: later ones cover earlier ones.
#[must_use]
pub fn mounts(text: &str) -> Vec<Mount> {
    let row = |line: &str| {
        let (fields, rest) = line.split_once(" - ")?;
        let mut fields = fields.split(' ');
        let (device, root, point, options) = (fields.nth(2)?, fields.next()?, fields.next()?, fields.next()?);
        let mut rest = rest.split(' ');
        let (kind, super_options) = (rest.next()?, rest.nth(1).unwrap_or(""));
        let is_ro = |options: &str| options.split(',').any(|option| option == "ro");
        Some(Mount {
            device: device.to_owned(),
            root: unescape(root),
            point: unescape(point),
            read_only: is_ro(options) || is_ro(super_options),
            kind: kind.to_owned(),
        })
    };
    text.lines().filter_map(row).collect()
}

/// The kernel writes a space as `\040`.
fn unescape(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let octal = bytes.as_slice_of_three();
        match octal.filter(|_| byte == b'\\') {
            Some(code) => {
                out.push(code);
                bytes.nth(2);
            }
            None => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

trait NextOctal {
    fn as_slice_of_three(&self) -> Option<u8>;
}

impl NextOctal for std::str::Bytes<'_> {
    /// The value of the next three octal digits.
    fn as_slice_of_three(&self) -> Option<u8> {
        let mut ahead = self.clone();
        let mut value = 0_u8;
        for _ in 0..3 {
            let digit = ahead.next().filter(|digit| (b'0'..=b'7').contains(digit))?;
            value = value.checked_mul(8)?.checked_add(digit - b'0')?;
        }
        Some(value)
    }
}

/// The mount that holds a path: the last of those with the longest point.
#[must_use]
pub fn of<'m>(mounts: &'m [Mount], path: &str) -> Option<&'m Mount> {
    let holds = |mount: &&Mount| {
        mount.point == "/"
            || path.strip_prefix(mount.point.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    mounts.iter().filter(holds).max_by_key(|mount| mount.point.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_the_longest_holds_a_path() {
        let text = "21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n\
22 21 8:2 / /var/lib rw - ext4 /dev/sda2 rw\n23 22 8:1 /docker /var/lib/docker rw - ext4 /dev/sda1 rw\n\
24 21 7:0 / /snap/my\\040app ro - squashfs /dev/loop0 ro\n25 22 8:3 / /var/lib rw - ext4 /dev/sda3 ro\nbroken\n";
        let mounts = mounts(text);
        assert_eq!(mounts.len(), 5);
        assert_eq!(mounts[3].point, "/snap/my app");
        assert!(mounts[3].read_only && mounts[4].read_only && !mounts[0].read_only);
        let device = |path| of(&mounts, path).map(|mount| mount.device.as_str());
        assert_eq!(device("/var/lib/docker/overlay2"), Some("8:1"));
        assert_eq!(device("/var/lib/dockershim"), Some("8:3"));
        assert_eq!(device("/var"), Some("8:1"));
        assert_eq!(unescape("a\\999\\04"), "a\\999\\04");
    }
}
