//! Shop light: how it falls on a body and its ground, and how the phone exposes it.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use tiny_skia::Pixmap;

use super::solid::{Hit, box_blur};

/// A premultiplied pixel, 0–255; highlights may exceed it.
pub type Pixel = [f32; 4];

/// Light and exposure of one photo.
pub struct Light {
    /// Unit vector towards the lamp, in view axes.
    toward: [f32; 3],
    /// Unit vector halfway between lamp and camera, where highlights appear.
    halfway: [f32; 3],
    ambient: f32,
    /// Brightness of the ground against the body.
    floor: f32,
    /// Depth and softness (as a part of the side) of the cast shadow.
    dark: f32,
    soft: f32,
    gain: [f32; 3],
    lift: f32,
    slope: (f32, f32),
    vignette: f32,
}

impl Light {
    /// Draws lamp and exposure.
    pub fn draw(rng: &mut ChaCha8Rng) -> Self {
        let (x, y) = (rng.random_range(-0.75f32..0.75), rng.random_range(-0.15f32..0.8));
        let unit = |v: [f32; 3]| v.map(|c| c / (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]).sqrt());
        let toward = unit([x, y, 0.8]);
        let halfway = unit([toward[0], toward[1], toward[2] + 1.0]);
        let exposure = rng.random_range(0.82f32..1.22);
        // Positive is lamp light, negative is daylight in the shade.
        let warm = rng.random_range(-0.09f32..0.13);
        let green = rng.random_range(-0.02f32..0.03);
        Self {
            toward,
            halfway,
            ambient: rng.random_range(0.45..0.7),
            floor: rng.random_range(0.72..1.0),
            dark: rng.random_range(0.3..0.72),
            soft: rng.random_range(0.012..0.045),
            gain: [exposure * (1.0 + warm), exposure * (1.0 + green), exposure * (1.0 - warm)],
            lift: rng.random_range(0.0..14.0),
            slope: (rng.random_range(-0.14..0.14), rng.random_range(-0.14..0.14)),
            vignette: rng.random_range(0.0..0.28),
        }
    }

    /// The lit colour of what a line of sight met.
    pub fn on(&self, hit: &Hit) -> [f32; 4] {
        let dot = |a: [f32; 3], b: [f32; 3]| a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
        // Light reaches a little around the bend, so that no hard line parts day from night.
        let day = (dot(hit.normal, self.toward) * 0.6 + 0.4).max(0.0);
        let diffuse = day * day * (1.6 - 0.6 * day);
        let shade = self.ambient + (1.08 - self.ambient) * diffuse;
        let glint = dot(hit.normal, self.halfway).max(0.0).powi(48) * hit.gloss * hit.color[3];
        let [r, g, b, a] = hit.color;
        [r * shade + glint, g * shade + glint, b * shade + glint, a]
    }

    /// Exposure, colour of the light, vignette and the tone curve.
    pub fn develop(&self, scene: &mut [Pixel], side: usize) {
        let to_unit = 2.0 / side as f32;
        let gain = [self.gain[0], self.gain[1], self.gain[2], 1.0];
        let keep = 1.0 - self.lift / 255.0;
        for (y, row) in scene.chunks_exact_mut(side).enumerate() {
            let v = y as f32 * to_unit - 1.0;
            for (x, px) in row.iter_mut().enumerate() {
                let u = x as f32 * to_unit - 1.0;
                let fall = 1.0 + self.slope.0 * u + self.slope.1 * v - self.vignette * 0.5 * (u * u + v * v);
                *px = std::array::from_fn(|k| {
                    let c = px[k] * fall * gain[k];
                    // A soft shoulder instead of a hard clip, as phones do.
                    let over = (c - 200.0).clamp(0.0, 200.0);
                    self.lift + (c.min(200.0) + over * 55.0 / (55.0 + over * 0.6)) * keep
                });
            }
        }
    }
}

/// Darkness around the body at a quarter of the resolution: shadows are soft.
pub struct Shade {
    side: usize,
    depth: Vec<f32>,
}

/// The shadow of the body in `scene`: a wide one cast by the lamp and a near one where it touches the ground.
pub fn shadow(scene: &[Pixel], side: usize, light: &Light) -> Shade {
    let small = side.div_ceil(4);
    let throw = side as f32 * 0.06;
    let cast = |reach: f32, soft: f32| {
        let (dx, dy) = (light.toward[0] * throw * reach, light.toward[1] * throw * reach);
        let mask: Vec<f32> = (0..small * small)
            .map(|i| {
                let (x, y) = ((i % small * 4) as f32 + dx, (i / small * 4) as f32 - dy);
                let inside = x >= 0.0 && y >= 0.0 && x < side as f32 && y < side as f32;
                if inside { scene[y as usize * side + x as usize][3] / 255.0 } else { 0.0 }
            })
            .collect();
        let r = ((soft * small as f32) as usize).max(1);
        (0..2).fold(mask, |m, _| box_blur(&m, small, small, r))
    };
    let (wide, near) = (cast(1.0, light.soft), cast(0.25, 0.008));
    Shade { side: small, depth: wide.iter().zip(&near).map(|(w, n)| w.max(0.75 * n)).collect() }
}

/// The two places and the weight of the second that give place `v` when a line of `n` is stretched to twice its length.
pub fn doubled(v: usize, n: usize) -> (usize, usize, f32) {
    let first = (v.max(1) - 1) / 2;
    (first.min(n - 1), (first + 1).min(n - 1), if v % 2 == 1 { 0.25 } else { 0.75 })
}

/// The shaded ground behind row `y` of the scene, still at half the width.
pub fn floor_row(backdrop: &Pixmap, shade: &Shade, light: &Light, y: usize, row: &mut Vec<Pixel>) {
    let side = backdrop.width() as usize;
    let (up, down, f) = doubled(y, side);
    let (sup, sdown, sf) = doubled(y / 2, shade.side);
    let (top, low) = (&shade.depth[sup * shade.side..], &shade.depth[sdown * shade.side..]);
    let depth = |i: usize| top[i] + (low[i] - top[i]) * sf;
    let px = backdrop.data().as_chunks::<4>().0;
    row.clear();
    row.extend((0..side).map(|x| {
        let (left, right, across) = doubled(x, shade.side);
        let dark = depth(left) + (depth(right) - depth(left)) * across;
        let dim = light.floor * (1.0 - light.dark * dark);
        let (a, b) = (px[up * side + x], px[down * side + x]);
        std::array::from_fn(|k| (f32::from(a[k]) * (1.0 - f) + f32::from(b[k]) * f) * dim)
    }));
}
