//! Mixes images: half of them get a square of another image pasted in (CutMix, Yun 2019), the other half are blended with
//! another (mixup, Zhang 2018). Labels and targets are mixed by the same shares. Networks learn more from few photos that
//! way.

use jicho::recognize::normalize;
use rand_chacha::ChaCha8Rng;

use super::random::{below, uniform};
use super::student::Shard;

/// The largest share of the image that is mixed in.
const MAX_SHARE: f32 = 0.5;

/// Mixes each image of a shard, with the probability `chance`, with another of the shard. `rng` gives the random numbers of
/// each image.
pub fn mix(shard: &mut Shard, side: usize, chance: f32, mut rng: impl FnMut(usize) -> ChaCha8Rng) {
    let (images, each) = (shard.labels.len(), 3 * side * side);
    if chance <= 0.0 || images < 2 {
        return;
    }
    let length = shard.targets.len() / images;
    let before = shard.clone();
    for image in 0..images {
        let mut rng = rng(image);
        if uniform(&mut rng, 0.0, 1.0) >= chance {
            continue;
        }
        let other = (image + 1 + below(&mut rng, images - 1)) % images;
        let wanted = uniform(&mut rng, 0.0, MAX_SHARE);
        let to = &mut shard.pixels[image * each..][..each];
        let from = &before.pixels[other * each..][..each];
        let share = if uniform(&mut rng, 0.0, 1.0) < 0.5 {
            to.iter_mut().zip(from).for_each(|(to, v)| *to += wanted * (v - *to));
            wanted
        } else {
            paste(to, from, side, (wanted.sqrt() * side as f32) as usize, &mut rng)
        };
        shard.labels[image].other = before.labels[other].class;
        shard.labels[image].share = share;
        if length > 0 {
            let to = &mut shard.targets[image * length..][..length];
            to.iter_mut().zip(&before.targets[other * length..]).for_each(|(to, v)| *to += share * (v - *to));
            normalize(to);
        }
    }
}

/// Pastes a random square of `from`, `square` pixels wide, at the same position. Returns its share of the image.
fn paste(to: &mut [f32], from: &[f32], side: usize, square: usize, rng: &mut ChaCha8Rng) -> f32 {
    let [row, column] = [(); 2].map(|()| below(rng, side - square + 1));
    for line in row..row + square {
        let span = 3 * (line * side + column)..3 * (line * side + column + square);
        to[span.clone()].copy_from_slice(&from[span]);
    }
    (square * square) as f32 / (side * side) as f32
}

#[cfg(test)]
mod tests {
    use super::super::loss::MixedLabel;
    use super::super::random::stream;
    use super::*;

    const SIDE: usize = 20;

    /// Image `i` is of class `i`, all its pixels are `i`, its target is unit vector `i`.
    fn shard() -> Shard {
        let images = 0..4usize;
        Shard {
            pixels: images.clone().flat_map(|i| vec![i as f32; 3 * SIDE * SIDE]).collect(),
            labels: images.clone().map(|i| MixedLabel::from(Some(i))).collect(),
            targets: images.flat_map(|i| (0..4).map(move |t| if t == i { 1.0 } else { 0.0 })).collect(),
        }
    }

    #[test]
    fn pixels_labels_and_targets_are_mixed_by_the_same_shares() {
        for seed in 0..50 {
            let mut mixed = shard();
            mix(&mut mixed, SIDE, 1.0, |image| stream(seed, [image as u64, 0, 0]));
            for (image, truth) in mixed.labels.iter().enumerate() {
                let other = truth.other.unwrap();
                assert!(truth.class == Some(image) && other != image && (0.0..=MAX_SHARE).contains(&truth.share));
                let pixels = &mixed.pixels[image * 3 * SIDE * SIDE..][..3 * SIDE * SIDE];
                let mean = pixels.iter().sum::<f32>() / pixels.len() as f32;
                let wanted = image as f32 + truth.share * (other as f32 - image as f32);
                assert!((mean - wanted).abs() < 1e-3, "{mean} {wanted}");
                let target = &mixed.targets[image * 4..][..4];
                assert!((target.iter().map(|v| v * v).sum::<f32>() - 1.0).abs() < 1e-5);
                assert!((target[other] / target[image] - truth.share / (1.0 - truth.share)).abs() < 1e-4);
            }
        }
    }

    #[test]
    fn without_chance_or_another_image_nothing_changes() {
        let mut same = shard();
        mix(&mut same, SIDE, 0.0, |_| stream(1, [0; 3]));
        assert_eq!(same.pixels, shard().pixels);
        assert_eq!(same.labels, shard().labels);
        let mut alone =
            Shard { pixels: vec![1.0; 3 * SIDE * SIDE], labels: vec![MixedLabel::from(Some(0))], targets: vec![1.0] };
        mix(&mut alone, SIDE, 1.0, |_| stream(1, [0; 3]));
        assert_eq!(alone.labels, [MixedLabel::from(Some(0))]);
    }
}
