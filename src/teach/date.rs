//! The one form of time that releases tell: `2026-01-31T23:59:59Z`.

/// Milliseconds since 1970 of an ISO 8601 time in UTC, fractions of a second left out; none of any other text.
pub(crate) fn millis(iso: &str) -> Option<u64> {
    let shape = |(at, byte): (usize, u8)| match at {
        4 | 7 => byte == b'-',
        10 => byte == b'T',
        13 | 16 => byte == b':',
        _ => byte.is_ascii_digit(),
    };
    let (text, zone) = iso.split_at_checked(19)?;
    let fraction = zone.trim_end_matches('Z').trim_end_matches("+00:00");
    let utc = fraction.len() < zone.len() && fraction.bytes().all(|b| b == b'.' || b.is_ascii_digit());
    if !utc || !text.bytes().enumerate().all(shape) {
        return None;
    }
    let number = |from: usize, to: usize| text.as_bytes()[from..to].iter().fold(0, |n, b| 10 * n + u64::from(b - b'0'));
    let [year, month, day] = [number(0, 4), number(5, 7), number(8, 10)];
    let [hour, minute, second] = [number(11, 13), number(14, 16), number(17, 19)];
    if year < 1970 || !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60
    {
        return None;
    }
    // Years that begin in March end with the leap day (Hinnant, "chrono-Compatible Low-Level Date Algorithms").
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    let seconds = ((days.checked_sub(719_468)? * 24 + hour) * 60 + minute) * 60 + second;
    Some(seconds * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_unix() {
        for (iso, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T12:00:00Z", 951_825_600),
            ("2026-01-01T00:00:00Z", 1_767_225_600),
            ("2026-11-21T18:54:10.567Z", 1_795_287_250),
            ("2026-11-21T18:54:10+00:00", 1_795_287_250),
        ] {
            assert_eq!(millis(iso), Some(seconds * 1000), "{iso}");
        }
        for other in
            ["", "yesterday", "2026-01-01", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00+02:00", "-5-1-1T0:0:0Z"]
        {
            assert_eq!(millis(other), None, "{other}");
        }
    }
}
