//! Combines several frames of one product into one answer.

/// The mean of vectors of one length. Dot products with the mean point equal the mean of the per-frame cosines.
pub(super) fn mean(rows: &[Vec<f32>]) -> Vec<f32> {
    let mut mean = vec![0.0; rows.first().map_or(0, Vec::len)];
    for row in rows {
        mean.iter_mut().zip(row).for_each(|(sum, value)| *sum += value / rows.len() as f32);
    }
    mean
}

/// The normalised geometric mean of probabilities: a class that one frame rules out stays ruled out.
pub(super) fn pool(rows: &[Vec<f32>]) -> Vec<f32> {
    if let [one] = rows {
        return one.clone();
    }
    let logarithms: Vec<Vec<f32>> = rows.iter().map(|row| row.iter().map(|p| p.max(1e-9).ln()).collect()).collect();
    super::softmax(&mean(&logarithms), 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_that_agree_outvote_one_that_does_not() {
        let rows = [vec![0.6, 0.4], vec![0.7, 0.3], vec![0.1, 0.9]];
        let pooled = pool(&rows[..2]);
        assert!(pooled[0] > 0.6 && pooled[0] < 0.7, "{pooled:?}");
        assert!((pool(&rows).iter().sum::<f32>() - 1.0).abs() < 1e-6);
        assert_eq!(pool(&rows[..1]), rows[0]);
        let means = mean(&rows);
        assert!((means[0] - 1.4 / 3.0).abs() < 1e-6 && (means[1] - 1.6 / 3.0).abs() < 1e-6);
    }
}
