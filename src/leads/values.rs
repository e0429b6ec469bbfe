//! Values as fields take them: ids, days, times, currencies; and the words for what is none.

use serde_json::Value;

use crate::members::shown;
use crate::problem::{Found, Place, Problem};

pub(super) fn must_be(expected: &str, value: &Value, place: &Place) -> Problem {
    Problem::new(place, format!("must be {expected}, not {}", shown(value)))
}

pub(super) fn check_currency(value: &Value, place: &Place, found: &mut Found) {
    let is_code = |code: &&str| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_alphabetic());
    let Some(code) = value.as_str().filter(is_code) else {
        return found.problem(must_be("a currency of three letters", value, place).hint("\"EUR\""));
    };
    if code.bytes().any(|byte| byte.is_ascii_lowercase()) {
        let capitals = format!("{:?}", code.to_ascii_uppercase());
        found.warning(Problem::new(place, "ISO 4217 writes a currency in capitals").hint(capitals));
    }
}

/// 8-4-4-4-12 hexadecimal digits (RFC 9562, section 4), of any version.
pub(super) fn is_uuid(text: &str) -> bool {
    let groups = text.split('-').map(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(group.len()));
    groups.eq([8, 4, 4, 4, 12].map(Some))
}

/// A day of the Gregorian calendar, `YYYY-MM-DD` (RFC 3339, section 5.6).
pub(super) fn is_date(text: &str) -> bool {
    let Some([year, month, day]) = numbers(text, '-', [4, 2, 2]) else { return false };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

/// As `is_date`, or `HH:MM:SS`.
pub(super) fn is_date_or_time(text: &str) -> bool {
    is_date(text)
        || numbers(text, ':', [2, 2, 2]).is_some_and(|[hour, minute, second]| hour < 24 && minute < 60 && second < 60)
}

/// Three numbers of so many digits each.
fn numbers(text: &str, separator: char, digits: [usize; 3]) -> Option<[u32; 3]> {
    let mut parts = text.split(separator);
    let mut read = [0; 3];
    for (number, digits) in read.iter_mut().zip(digits) {
        let part = parts.next()?;
        if part.len() != digits || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_one_of_the_calendar() {
        for (text, exists) in [
            ("2024-02-29", true),
            ("2100-02-29", false),
            ("2000-02-29", true),
            ("2026-02-29", false),
            ("2026-04-31", false),
            ("2026-13-01", false),
            ("2026-00-10", false),
            ("2026-01-00", false),
            ("2026-1-1", false),
            ("+026-01-01", false),
            ("2026-01-01T00:00:00Z", false),
            ("2026-01-01-", false),
            ("", false),
        ] {
            assert_eq!(is_date(text), exists, "{text}");
        }
        for (text, exists) in [("23:59:59", true), ("24:00:00", false), ("9:00:00", false), ("2026-01-01", true)] {
            assert_eq!(is_date_or_time(text), exists, "{text}");
        }
    }
}
