//! Kubernetes quantities (`100m`, `1.5Gi`, `2e3`) as whole numbers of billionths.
//!
//! Grammar and suffixes: `k8s.io/apimachinery/pkg/api/resource`. A value outside the range of `i128` becomes its limit.

/// Billionths in one unit.
pub const UNIT: i128 = 1_000_000_000;

/// The quantity in billionths of its unit (byte, core), rounded up as the API server does. `None` for a text that is not a quantity.
#[must_use]
pub fn parse(text: &str) -> Option<i128> {
    short(text).or_else(|| any(text))
}

/// Up to nine digits and a common suffix: nearly all quantities have this form.
fn short(text: &str) -> Option<i128> {
    let end = text.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    let (digits, suffix) = text.split_at_checked(end)?;
    if !(1..=9).contains(&digits.len()) {
        return None;
    }
    let number = digits.bytes().fold(0_u64, |number, digit| number * 10 + u64::from(digit - b'0'));
    let nano = match suffix {
        "" => 1_000_000_000,
        "m" => 1_000_000,
        "Mi" => 1_000_000_000 << 20,
        "Gi" => 1_000_000_000 << 30,
        _ => return None,
    };
    Some(i128::from(number) * nano)
}

fn any(text: &str) -> Option<i128> {
    let (negative, rest) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let (number, suffix) = rest.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let (scale, exponent) = scale(suffix)?;
    let mut value: i128 = 0;
    for digit in whole.bytes().chain(fraction.bytes()) {
        value = value.saturating_mul(10).saturating_add(i128::from(digit - b'0'));
    }
    value = value.saturating_mul(scale);
    let exponent = exponent.saturating_add(9).saturating_sub(i32::try_from(fraction.len()).ok()?);
    let magnitude = 10_i128.saturating_pow(exponent.unsigned_abs().min(38));
    value =
        if exponent >= 0 { value.saturating_mul(magnitude) } else { value.saturating_add(magnitude - 1) / magnitude };
    Some(if negative { -value } else { value })
}

/// Binary multiplier and decimal exponent of a suffix.
fn scale(suffix: &str) -> Option<(i128, i32)> {
    Some(match suffix {
        "" => (1, 0),
        "n" => (1, -9),
        "u" => (1, -6),
        "m" => (1, -3),
        "k" => (1, 3),
        "M" => (1, 6),
        "G" => (1, 9),
        "T" => (1, 12),
        "P" => (1, 15),
        "E" => (1, 18),
        "Ki" => (1 << 10, 0),
        "Mi" => (1 << 20, 0),
        "Gi" => (1 << 30, 0),
        "Ti" => (1 << 40, 0),
        "Pi" => (1 << 50, 0),
        "Ei" => (1 << 60, 0),
        _ => (1, suffix.strip_prefix(['e', 'E'])?.parse().ok()?),
    })
}

/// The quantities that the author of a text probably meant: it has a unit that Kubernetes does not know (`512MB`,
/// `2 cores`), the wrong case (`1gib`), a space or a comma. Empty when there is no good guess.
#[must_use]
pub fn meant(text: &str) -> Vec<String> {
    let text = text.trim().trim_matches(['"', '\'']).trim();
    let end =
        text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ',' | '_' | '+' | '-'))).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number = number.replace(',', ".").replace('_', "");
    let unit = unit.trim().to_ascii_lowercase();
    let suffixes: &[&str] = match unit.as_str() {
        "m" | "mcpu" | "mcore" | "mcores" | "millicpu" | "millicore" | "millicores" => &["m"],
        // A unit that Kubernetes leaves out, or no unit: then the number itself has a mistake.
        "" | "b" | "byte" | "bytes" | "c" | "cpu" | "cpus" | "core" | "cores" | "vcpu" | "vcpus" => &[""],
        "k" | "kb" => &["k", "Ki"],
        "mb" | "mbyte" | "mbytes" | "megabyte" | "megabytes" => &["M", "Mi"],
        "g" | "gb" | "gbyte" | "gbytes" | "gigabyte" | "gigabytes" => &["G", "Gi"],
        "t" | "tb" => &["T", "Ti"],
        "p" | "pb" => &["P", "Pi"],
        "ki" | "kib" => &["Ki"],
        "mi" | "mib" => &["Mi"],
        "gi" | "gib" => &["Gi"],
        "ti" | "tib" => &["Ti"],
        "pi" | "pib" => &["Pi"],
        _ => &[],
    };
    let quantities = suffixes.iter().map(|suffix| format!("{number}{suffix}"));
    quantities.filter(|quantity| number.len() <= 20 && parse(quantity).is_some()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_no_quantity_gives_a_guess() {
        for (text, quantities) in [
            ("512MB", "512M 512Mi"),
            ("512mb", "512M 512Mi"),
            ("1.5 GB", "1.5G 1.5Gi"),
            ("1,5Gi", "1.5Gi"),
            ("1g", "1G 1Gi"),
            ("512K", "512k 512Ki"),
            ("512mi", "512Mi"),
            ("1GiB", "1Gi"),
            ("1 Gi", "1Gi"),
            ("1Gi\n", "1Gi"),
            ("\"64Mi\"", "64Mi"),
            ("1_000", "1000"),
            ("100 m", "100m"),
            ("2 cores", "2"),
            ("500mcpu", "500m"),
            ("1024 bytes", "1024"),
            ("50%", ""),
            ("unlimited", ""),
            ("", ""),
            ("MB", ""),
            ("1.2.3", ""),
            ("1-2Mb", ""),
            ("1e", ""),
        ] {
            assert_eq!(parse(text), None, "{text:?}");
            assert_eq!(meant(text).join(" "), quantities, "{text:?}");
        }
    }

    #[test]
    fn reads_what_the_api_server_reads() {
        for (text, nano) in [
            ("1", UNIT),
            ("100m", UNIT / 10),
            ("0.1", UNIT / 10),
            (".5", UNIT / 2),
            ("1.5Gi", 3 * (1 << 29) * UNIT),
            ("2e3", 2000 * UNIT),
            ("2E-3", UNIT / 500),
            ("1E", 1_000_000_000_000_000_000 * UNIT),
            ("-1", -UNIT),
            ("1n", 1),
            ("0.1n", 1),
        ] {
            assert_eq!(parse(text), Some(nano), "{text}");
        }
    }

    #[test]
    fn refuses_what_the_api_server_refuses() {
        for text in ["", "-", ".", "1.2.3", "1 Gi", "1gi", "Gi", "1e", "0x10", "1_000", "1Gi\n"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_short_form_has_the_same_value() {
        for text in ["0", "1", "007", "100m", "999999999Gi", "128Mi", "1234567890", "1k", "-1", "", "m", "1M", "1.5"] {
            assert!(short(text).is_none_or(|nano| any(text) == Some(nano)), "{text}");
        }
        assert_eq!((short("128Mi"), short("5"), short("1.5")), (any("128Mi"), any("5"), None));
    }

    #[test]
    fn saturates() {
        assert_eq!(parse("99999999999999999999999999999999999999999999E"), Some(i128::MAX));
    }
}
