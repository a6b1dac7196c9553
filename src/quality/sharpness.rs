//! Sharpness: how steep edges are.
//!
//! Of the places where luma changes most over [`SPAN`] pixels (the strongest twentieth), the share of that change that
//! lies between two neighbouring pixels: 1 where an edge is a single step, 1/8 where it is a ramp. Strong edges alone,
//! so that plain surfaces do not count as blurred; shares, so that light and contrast do not matter; the worse of both
//! axes, since a shaken picture is sharp along the shake's edges.

use super::luma::Luma;

/// Pixels over which an edge is followed. A wider blur looks like no edge at all.
const SPAN: usize = 8;
/// Changes below this are noise.
const LEAST: usize = 6;
/// Only the strongest one of so many changes counts.
const OF: u32 = 20;

pub(super) fn slope(luma: &Luma) -> f32 {
    slope_along_rows(luma).min(slope_along_rows(&luma.transposed()))
}

fn slope_along_rows(luma: &Luma) -> f32 {
    // By change over SPAN pixels: how often, and the sum of the steepest steps within.
    let mut counts = [0u32; 256];
    let mut steepest = [0u32; 256];
    let mut window = vec![0u8; luma.side];
    for row in luma.rows() {
        let steps = row.len() - 1;
        for (step, pair) in window.iter_mut().zip(row.windows(2)) {
            *step = pair[0].abs_diff(pair[1]);
        }
        // The largest of 2, of 4, of 8 neighbouring steps.
        let mut reach = 1;
        while reach < SPAN {
            for i in 0..steps.saturating_sub(reach) {
                window[i] = window[i].max(window[i + reach]);
            }
            reach *= 2;
        }
        for ((from, to), steep) in row.iter().zip(row.iter().skip(SPAN)).zip(&window) {
            let change = usize::from(from.abs_diff(*to));
            counts[change] += 1;
            steepest[change] += u32::from(*steep);
        }
    }
    let wanted = counts.iter().sum::<u32>() / OF;
    let (mut taken, mut sum) = (0, 0.0);
    for change in (LEAST..256).rev() {
        if taken >= wanted {
            break;
        }
        taken += counts[change];
        sum += f64::from(steepest[change]) / change as f64;
    }
    if taken == 0 { 0.0 } else { (sum / f64::from(taken)).min(1.0) as f32 }
}
