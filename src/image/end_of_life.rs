//! When distributions stop to get security updates.

use super::captures::OsRelease;
use crate::text::version_numbers;
use jiff::civil::Date;

/// The distribution, its version, and the last day of its general support, as its project announced it.
/// What is paid for, such as Ubuntu Pro or RHEL's extended support, is not counted.
const ENDS: &[(&str, &str, (i16, i8, i8))] = &[
    ("debian", "8", (2020, 6, 30)),
    ("debian", "9", (2022, 6, 30)),
    ("debian", "10", (2024, 6, 30)),
    ("debian", "11", (2026, 8, 31)),
    ("debian", "12", (2028, 6, 30)),
    ("debian", "13", (2030, 6, 30)),
    ("ubuntu", "14.04", (2019, 4, 25)),
    ("ubuntu", "16.04", (2021, 4, 30)),
    ("ubuntu", "18.04", (2023, 5, 31)),
    ("ubuntu", "18.10", (2019, 7, 18)),
    ("ubuntu", "19.04", (2020, 1, 23)),
    ("ubuntu", "19.10", (2020, 7, 17)),
    ("ubuntu", "20.04", (2025, 5, 31)),
    ("ubuntu", "20.10", (2021, 7, 22)),
    ("ubuntu", "21.04", (2022, 1, 20)),
    ("ubuntu", "21.10", (2022, 7, 14)),
    ("ubuntu", "22.04", (2027, 4, 30)),
    ("ubuntu", "22.10", (2023, 7, 20)),
    ("ubuntu", "23.04", (2024, 1, 25)),
    ("ubuntu", "23.10", (2024, 7, 11)),
    ("ubuntu", "24.04", (2029, 4, 30)),
    ("ubuntu", "24.10", (2025, 7, 10)),
    ("ubuntu", "25.04", (2026, 1, 15)),
    ("ubuntu", "25.10", (2026, 7, 31)),
    ("ubuntu", "26.04", (2031, 4, 30)),
    ("alpine", "3.13", (2022, 11, 1)),
    ("alpine", "3.14", (2023, 5, 1)),
    ("alpine", "3.15", (2023, 11, 1)),
    ("alpine", "3.16", (2024, 5, 23)),
    ("alpine", "3.17", (2024, 11, 22)),
    ("alpine", "3.18", (2025, 5, 9)),
    ("alpine", "3.19", (2025, 11, 1)),
    ("alpine", "3.20", (2026, 4, 1)),
    ("alpine", "3.21", (2026, 11, 1)),
    ("alpine", "3.22", (2027, 5, 1)),
    ("alpine", "3.23", (2027, 11, 1)),
    ("centos", "6", (2020, 11, 30)),
    ("centos", "7", (2024, 6, 30)),
    ("centos", "8", (2024, 5, 31)),
    ("centos", "9", (2027, 5, 31)),
    ("rhel", "6", (2020, 11, 30)),
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
    ("amzn", "1", (2023, 12, 31)),
    ("amzn", "2016", (2023, 12, 31)),
    ("amzn", "2017", (2023, 12, 31)),
    ("amzn", "2018", (2023, 12, 31)),
    ("amzn", "2", (2026, 6, 30)),
    ("amzn", "2023", (2029, 6, 30)),
    ("fedora", "38", (2024, 5, 21)),
    ("fedora", "39", (2024, 11, 26)),
    ("fedora", "40", (2025, 5, 13)),
    ("fedora", "41", (2025, 12, 15)),
    ("fedora", "42", (2026, 5, 13)),
    ("opensuse-leap", "42.3", (2019, 7, 1)),
    ("opensuse-leap", "15.3", (2022, 12, 31)),
    ("opensuse-leap", "15.4", (2023, 12, 7)),
    ("opensuse-leap", "15.5", (2024, 12, 31)),
    ("opensuse-leap", "15.6", (2026, 4, 30)),
    ("ol", "7", (2024, 12, 31)),
    ("ol", "8", (2029, 7, 31)),
    ("ol", "9", (2032, 6, 30)),
    ("sles", "12.5", (2024, 10, 31)),
    ("sles", "15.5", (2024, 12, 31)),
    ("sles", "15.6", (2025, 12, 31)),
    ("mariner", "1.0", (2023, 7, 31)),
    ("mariner", "2.0", (2025, 7, 31)),
    ("photon", "3.0", (2024, 3, 1)),
    ("photon", "4.0", (2026, 3, 1)),
];

/// The last day with security updates, as the distribution says itself, or as its project announced it: the earlier one. An image can say
/// anything of itself, so its own date can only shorten what is known.
#[must_use]
pub fn end_of_life(os: &OsRelease) -> Option<Date> {
    announced(&os.id, &os.version).into_iter().chain(os.support_end).min()
}

/// The last day with security updates; of a version that is older than all in the list, a day after it. None where it is not known, as
/// for a rolling distribution.
#[must_use]
pub fn announced(id: &str, version: &str) -> Option<Date> {
    let all = || ENDS.iter().filter(|(own, ..)| *own == id);
    let listed = || {
        let is_version = |listed: &str| {
            let rest = version.strip_prefix(listed);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        all().find(|(_, version, _)| is_version(version))
    };
    let is_older = |oldest: &Vec<u64>| numbers(version).is_some_and(|version| version < *oldest);
    let oldest = || all().filter_map(|end| Some((numbers(end.1)?, end))).min_by(|(a, _), (b, _)| a.cmp(b));
    let older = || oldest().filter(|(oldest, _)| is_older(oldest)).map(|(_, end)| end);
    let (.., (year, month, day)) = listed().or_else(older)?;
    Date::new(*year, *month, *day).ok()
}

/// `3.14` as its numbers; none if it has anything else.
fn numbers(version: &str) -> Option<Vec<u64>> {
    let is_plain = !version.is_empty() && version.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    is_plain.then(|| version_numbers(version))
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
        assert_eq!(
            (of("alpine", "3.99"), of("debian", ""), of("debian", "sid"), of("arch", "1")),
            (None, None, None, None)
        );
        // The older one is, the longer ago it ended.
        let ended = date(2024, 12, 31);
        for (id, version) in [
            ("alpine", "3.14.10"),
            ("alpine", "3.9.6"),
            ("debian", "8"),
            ("debian", "7"),
            ("ubuntu", "12.04"),
            ("ubuntu", "14.04"),
            ("ubuntu", "23.10"),
            ("fedora", "38"),
            ("fedora", "21"),
            ("opensuse-leap", "15.4"),
            ("opensuse-leap", "15.1"),
            ("opensuse-leap", "42.3"),
            ("centos", "5.11"),
            ("amzn", "1"),
            ("amzn", "2018.03"),
            ("ol", "7.9"),
            ("sles", "12"),
            ("mariner", "1.0"),
        ] {
            assert!(of(id, version).is_some_and(|end| end <= ended), "{id} {version}: {:?}", of(id, version));
        }
        let own = OsRelease { support_end: Some(date(2030, 1, 1)), ..OsRelease::default() };
        assert_eq!(end_of_life(&own), Some(date(2030, 1, 1)));
        let old = OsRelease { id: "debian".to_owned(), version: "8".to_owned(), ..own.clone() };
        assert_eq!(end_of_life(&old), Some(date(2020, 6, 30)));
        let early = OsRelease { id: "debian".to_owned(), version: "13".to_owned(), ..own };
        assert_eq!(end_of_life(&early), Some(date(2030, 1, 1)));
        for (id, version, (year, month, day)) in ENDS {
            assert!(Date::new(*year, *month, *day).is_ok(), "{id} {version}");
        }
    }
}
