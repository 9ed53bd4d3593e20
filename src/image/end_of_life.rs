//! When distributions stop to get security updates.

use super::captures::OsRelease;
use jiff::civil::Date;

/// The distribution, its version, and the last day of its general support, as its project announced it.
/// What is paid for, such as Ubuntu Pro or RHEL's extended support, is not counted.
const ENDS: &[(&str, &str, (i16, i8, i8))] = &[
    ("debian", "9", (2022, 6, 30)),
    ("debian", "10", (2024, 6, 30)),
    ("debian", "11", (2026, 8, 31)),
    ("debian", "12", (2028, 6, 30)),
    ("debian", "13", (2030, 6, 30)),
    ("ubuntu", "16.04", (2021, 4, 30)),
    ("ubuntu", "18.04", (2023, 5, 31)),
    ("ubuntu", "20.04", (2025, 5, 31)),
    ("ubuntu", "22.04", (2027, 4, 30)),
    ("ubuntu", "24.04", (2029, 4, 30)),
    ("ubuntu", "24.10", (2025, 7, 10)),
    ("ubuntu", "25.04", (2026, 1, 15)),
    ("ubuntu", "25.10", (2026, 7, 31)),
    ("ubuntu", "26.04", (2031, 4, 30)),
    ("alpine", "3.15", (2023, 11, 1)),
    ("alpine", "3.16", (2024, 5, 23)),
    ("alpine", "3.17", (2024, 11, 22)),
    ("alpine", "3.18", (2025, 5, 9)),
    ("alpine", "3.19", (2025, 11, 1)),
    ("alpine", "3.20", (2026, 4, 1)),
    ("alpine", "3.21", (2026, 11, 1)),
    ("alpine", "3.22", (2027, 5, 1)),
    ("alpine", "3.23", (2027, 11, 1)),
    ("centos", "7", (2024, 6, 30)),
    ("centos", "8", (2024, 5, 31)),
    ("centos", "9", (2027, 5, 31)),
    ("rhel", "7", (2024, 6, 30)),
    ("rhel", "8", (2029, 5, 31)),
    ("rhel", "9", (2032, 5, 31)),
    ("rhel", "10", (2035, 5, 31)),
    ("rocky", "8", (2029, 5, 31)),
    ("rocky", "9", (2032, 5, 31)),
    ("rocky", "10", (2035, 5, 31)),
    ("almalinux", "8", (2029, 3, 1)),
    ("almalinux", "9", (2032, 5, 31)),
    ("almalinux", "10", (2035, 5, 31)),
    ("amzn", "2", (2026, 6, 30)),
    ("amzn", "2023", (2029, 6, 30)),
    ("fedora", "40", (2025, 5, 13)),
    ("fedora", "41", (2025, 12, 15)),
    ("fedora", "42", (2026, 5, 13)),
    ("opensuse-leap", "15.5", (2024, 12, 31)),
    ("opensuse-leap", "15.6", (2026, 4, 30)),
    ("photon", "3.0", (2024, 3, 1)),
    ("photon", "4.0", (2026, 3, 1)),
];

/// The last day with security updates; none where it is not known, as for a rolling distribution.
pub fn end_of_life(os: &OsRelease) -> Option<Date> {
    let listed = || {
        let is_version = |version: &str| {
            let rest = os.version.strip_prefix(version);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        ENDS.iter().find(|(id, version, _)| *id == os.id && is_version(version))
    };
    os.support_end.or_else(|| listed().and_then(|(.., (year, month, day))| Date::new(*year, *month, *day).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn a_version_ends_with_its_release() {
        let of = |id: &str, version: &str| {
            end_of_life(&OsRelease { id: id.to_owned(), version: version.to_owned(), ..OsRelease::default() })
        };
        assert_eq!(of("debian", "12"), Some(date(2028, 6, 30)));
        assert_eq!(of("alpine", "3.20.3"), Some(date(2026, 4, 1)));
        assert_eq!((of("alpine", "3.2"), of("debian", ""), of("arch", "1")), (None, None, None));
        let own = OsRelease { support_end: Some(date(2030, 1, 1)), ..OsRelease::default() };
        assert_eq!(end_of_life(&own), Some(date(2030, 1, 1)));
        for (id, version, (year, month, day)) in ENDS {
            assert!(Date::new(*year, *month, *day).is_ok(), "{id} {version}");
        }
    }
}
