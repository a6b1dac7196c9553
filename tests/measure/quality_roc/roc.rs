//! How well a number tells two kinds apart.

/// The probability that one of `bad` exceeds one of `good`, ties counting half.
pub fn auroc(good: &[f64], bad: &[f64]) -> f64 {
    let mut good = good.to_vec();
    good.sort_by(f64::total_cmp);
    let rank = |value: &f64| {
        let below = good.partition_point(|g| g < value);
        let up_to = good.partition_point(|g| g <= value);
        (below + up_to) as f64 / 2.0
    };
    bad.iter().map(rank).sum::<f64>() / (good.len() * bad.len()) as f64
}

/// The value that a share of all do not exceed.
pub fn quantile(values: &[f64], share: f64) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * share).round() as usize]
}
