//! Confidence intervals of shares.

/// The two-sided 95 % quantile of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// Wilson's score interval (1927, "Probable inference, the law of succession, and statistical inference") at 95 % of the
/// share `hits` of `count`; none when `count` is 0.
///
/// The interval assumes independent samples. Photos taken in a row are not independent, so the true share may be somewhat
/// outside.
pub fn wilson(hits: usize, count: usize) -> Option<[f64; 2]> {
    if count == 0 {
        return None;
    }
    let n = count as f64;
    let share = hits as f64 / n;
    let scale = 1.0 / (1.0 + Z * Z / n);
    let middle = (share + Z * Z / (2.0 * n)) * scale;
    let half = Z * scale * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    // At the ends, the interval must reach 0 or 1 exactly in spite of rounding.
    let low = if hits == 0 { 0.0 } else { middle - half };
    let high = if hits == count { 1.0 } else { middle + half };
    Some([low, high])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_agree_with_published_ones() {
        // Newcombe (1998), table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
        for (hits, count, low, high) in
            [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
        {
            let [l, h] = wilson(hits, count).unwrap();
            assert!((l - low).abs() < 1e-4 && (h - high).abs() < 1e-4, "{hits} of {count}: {l} {h}");
        }
        assert_eq!(wilson(5, 5).unwrap()[1], 1.0);
        assert_eq!(wilson(0, 0), None);
    }
}
