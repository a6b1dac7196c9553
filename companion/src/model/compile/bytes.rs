//! Which convolutions of a plan compute with bytes, and how their inputs become bytes: found with photos.

use jicho::engine::plan::{Bytes, Conv, LANES, LARGEST_BYTE, Plan, Step, Storage};
use jicho::engine::{CompiledEngine, Engine};
use jicho::frame::InputPixels;
use jicho::manifest::Preprocessing;
use jicho::recognize::normalize;
use rayon::prelude::*;

/// At most this many photos calibrate a plan; more tell hardly anything new.
pub const MAX_PHOTOS: usize = 48;
/// So many values of each tensor of each photo tell how its values are spread.
const SAMPLES: usize = 1024;
/// The shares of the whole range that are tried, in percent: what lies beyond is clipped, so that the rest becomes finer.
const SHARES: [u8; 17] = [20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 90, 95, 100];
/// How far answers with bytes may be from those without, as the mean over photos of [`distance`]. Networks of the registry
/// are 0.01 to 0.08 apart, unrelated answers 1.4.
const MAX_DISTANCE: f32 = 0.12;
/// So many photos measure what each convolution's bytes cost.
const MEASURED: usize = 8;

/// Lets the convolutions compute with bytes whose weights are stored so, except those whose bytes cost most where all
/// together cost too much.
///
/// # Errors
/// A plan that does not run on one of the photos.
pub fn calibrate(plan: &mut Plan<'static>, photos: &[InputPixels], preprocessing: &Preprocessing) -> jicho::Result<()> {
    let mut steps: Vec<usize> = (0..plan.program.steps.len()).filter(|step| can(plan, *step)).collect();
    let samples = samples(plan, photos, preprocessing)?;
    let bytes: Vec<Option<Bytes>> = plan.program.steps.iter().map(|step| best(&samples[step.inputs()[0]])).collect();
    let photos = &photos[..photos.len().min(MEASURED)];
    let answers = |plan: &Plan<'_>| -> jicho::Result<Vec<Vec<f32>>> {
        let engine = CompiledEngine::new(plan)?;
        photos.par_iter().map(|photo| engine.run_pixels(photo, preprocessing)).collect()
    };
    let plain = answers(plan)?;
    let cost = |steps: &[usize]| -> jicho::Result<f32> {
        let theirs = answers(&with(plan, &bytes, steps))?;
        let apart = plain.iter().zip(&theirs).map(|(ours, theirs)| distance(ours.clone(), theirs.clone()));
        Ok(apart.sum::<f32>() / photos.len().max(1) as f32)
    };
    if cost(&steps)? > MAX_DISTANCE {
        let costs = steps.iter().map(|step| cost(&[*step])).collect::<jicho::Result<Vec<f32>>>()?;
        let mut order: Vec<(f32, usize)> = costs.into_iter().zip(steps).collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0));
        steps = order.into_iter().map(|(_, step)| step).collect();
        while !steps.is_empty() && cost(&steps)? > MAX_DISTANCE {
            steps.pop();
        }
    }
    *plan = with(plan, &bytes, &steps);
    Ok(())
}

/// The plan whose `steps` compute with bytes.
fn with(plan: &Plan<'static>, bytes: &[Option<Bytes>], steps: &[usize]) -> Plan<'static> {
    let mut plan = plan.clone();
    for &index in steps {
        if let Step::Conv(conv) = &mut plan.program.steps[index] {
            conv.bytes = bytes[index];
        }
    }
    plan
}

/// How far the answers of processors may be from each other, as the largest [`distance`] over photos: some round products
/// and sums of `f32` once, some twice, and a value between two bytes then falls to one or the other. In deep networks with
/// narrow layers this grows to as much as bytes cost altogether.
pub const MAX_SPREAD: f32 = 0.03;

/// How far the answers of this processor are from those of one that rounds products and sums each by itself.
///
/// # Errors
/// A plan that does not run on one of the photos.
pub fn spread(plan: &Plan<'_>, photos: &[InputPixels], preprocessing: &Preprocessing) -> jicho::Result<f32> {
    let bytes = plan.to_bytes()?;
    let engines = [CompiledEngine::load(&bytes)?, CompiledEngine::load_with(&bytes, "portable")?];
    let apart = |photo: &InputPixels| -> jicho::Result<f32> {
        let [ours, theirs] = &engines;
        Ok(distance(ours.run_pixels(photo, preprocessing)?, theirs.run_pixels(photo, preprocessing)?))
    };
    let photos = &photos[..photos.len().min(MEASURED)];
    let apart = photos.par_iter().map(apart).collect::<jicho::Result<Vec<f32>>>()?;
    Ok(apart.into_iter().fold(0.0, f32::max))
}

/// How many convolutions compute with bytes.
pub fn count(plan: &Plan<'_>) -> usize {
    plan.program.steps.iter().filter(|step| matches!(step, Step::Conv(Conv { bytes: Some(_), .. }))).count()
}

fn can(plan: &Plan<'_>, step: usize) -> bool {
    let Step::Conv(Conv { input, weights, .. }) = &plan.program.steps[step] else { return false };
    matches!(weights.storage, Storage::I8 { .. }) && plan.program.tensors[*input].channels.is_multiple_of(LANES)
}

/// Values of each tensor, sorted.
fn samples(plan: &Plan<'_>, photos: &[InputPixels], preprocessing: &Preprocessing) -> jicho::Result<Vec<Vec<f32>>> {
    let engine = CompiledEngine::new(plan)?;
    let tensors = &plan.program.tensors;
    let of_photo = |photo: &InputPixels| -> jicho::Result<Vec<Vec<f32>>> {
        let mut samples = vec![Vec::new(); tensors.len()];
        engine.run_observed(
            &mut |layout, input| photo.write_tensor(preprocessing, layout, input),
            |tensor, values| {
                // An odd step meets every channel.
                let step = (values.len() / SAMPLES) | 1;
                let stride = tensors[tensor].stride;
                let of_channels = values.iter().enumerate().step_by(step);
                let of_channels = of_channels.filter(|(i, _)| i % stride < tensors[tensor].channels);
                samples[tensor].extend(of_channels.map(|(_, value)| *value));
                let ends = [f32::min, f32::max].map(|end| values.iter().copied().fold(values[0], end));
                samples[tensor].extend(ends);
            },
        )?;
        Ok(samples)
    };
    let all = photos.par_iter().map(of_photo).collect::<jicho::Result<Vec<_>>>()?;
    let mut samples = vec![Vec::new(); tensors.len()];
    for photo in all {
        samples.iter_mut().zip(photo).for_each(|(all, one)| all.extend(one));
    }
    samples.par_iter_mut().for_each(|values| values.sort_by(f32::total_cmp));
    Ok(samples)
}

/// The scale and zero with which bytes come nearest to the values.
fn best(sorted: &[f32]) -> Option<Bytes> {
    let (low, high) = (sorted.first()?.min(0.0), sorted.last()?.max(0.0));
    if !(low.is_finite() && high.is_finite()) {
        return None;
    }
    let error = |bytes: &Bytes| -> f64 {
        let Bytes { scale, zero } = *bytes;
        let near = |value: f32| {
            let byte = (value / scale + f32::from(zero)).round_ties_even().clamp(0.0, f32::from(LARGEST_BYTE));
            (byte - f32::from(zero)) * scale
        };
        sorted.iter().map(|value| f64::from(value - near(*value)).powi(2)).sum()
    };
    let of = |low: f32, high: f32| {
        let scale = ((high - low) / f32::from(LARGEST_BYTE)).clamp(1e-6, 1e6);
        Bytes { scale, zero: (-low / scale).round() as u8 }
    };
    let nearest = |of: &dyn Fn(f32) -> Bytes| {
        let tried = SHARES.map(|share| f32::from(share) / 100.0);
        let tried = tried.map(|share| (error(&of(share)), share)).into_iter();
        tried.min_by(|a, b| a.0.total_cmp(&b.0)).map_or(1.0, |(_, share)| share)
    };
    // One end after the other: values may lie far out at one of them alone.
    let high = high * nearest(&|share| of(low, high * share));
    let low = low * nearest(&|share| of(low * share, high));
    Some(of(low, high))
}

/// How far two answers are from each other, both divided by their lengths.
pub fn distance(mut ours: Vec<f32>, mut theirs: Vec<f32>) -> f32 {
    if ours.len() != theirs.len() {
        return f32::INFINITY;
    }
    normalize(&mut ours);
    normalize(&mut theirs);
    ours.iter().zip(&theirs).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_exact_and_outliers_are_clipped() {
        let mut values: Vec<f32> = (0..100_000).map(|i| (i as f32 / 50_000.0 - 1.0) * 3.0).collect();
        let whole = best(&values).unwrap();
        assert!((whole.scale - 6.0 / 127.0).abs() < 0.003 && whole.zero.abs_diff(64) <= 1, "{whole:?}");
        values.push(12.0);
        let clipped = best(&values).unwrap();
        assert!(clipped.scale < 0.75 * 15.0 / 127.0, "{clipped:?}");
        // The other end stays as it is.
        assert!((f32::from(clipped.zero) * clipped.scale - 3.0).abs() < 0.2, "{clipped:?}");
        // Values that are never negative take all the bytes.
        let positive = best(&[0.0, 0.5, 1.0, 6.0]).unwrap();
        assert_eq!(positive.zero, 0);
        // Nothing but zeros has a scale all the same; what is not finite has none.
        assert!(best(&[0.0; 9]).unwrap().scale > 0.0);
        assert_eq!(best(&[0.0, f32::INFINITY]), None);
        assert_eq!(best(&[]), None);
    }
}
