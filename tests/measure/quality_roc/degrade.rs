//! Spoiling photos at known strengths, in linear light, before the sensor's noise, as a camera would.

use std::f32::consts::PI;
use std::sync::LazyLock;

use jicho::frame::Frame;
use jicho::quality::Defect;

/// A way to spoil a photo.
pub struct Kind {
    /// With the unit of the strengths.
    pub name: &'static str,
    /// What it should be found to be.
    pub defect: Defect,
    pub strengths: &'static [f32],
    pub spoil: fn(&Picture, f32, &mut Chance) -> Picture,
}

pub const KINDS: &[Kind] = &[
    Kind { name: "less light, ×", defect: Defect::TooDark, strengths: &[0.5, 0.25, 0.125, 0.06, 0.03], spoil: darken },
    Kind { name: "more light, ×", defect: Defect::TooBright, strengths: &[1.5, 2.0, 3.0, 4.0, 6.0], spoil: expose },
    Kind {
        name: "highlight, radius ÷ side",
        defect: Defect::Glare,
        strengths: &[0.04, 0.06, 0.09, 0.13, 0.18],
        spoil: glare,
    },
    Kind {
        name: "veil, light left",
        defect: Defect::LowContrast,
        strengths: &[0.6, 0.4, 0.25, 0.15, 0.08],
        spoil: veil,
    },
    Kind {
        name: "shrunk on plain ground, ×",
        defect: Defect::TooSmall,
        strengths: &[0.6, 0.45, 0.33, 0.25, 0.15],
        spoil: shrink,
    },
    Kind {
        name: "frame, pixels a side",
        defect: Defect::TooSmall,
        strengths: &[160.0, 96.0, 64.0, 48.0],
        spoil: reduce,
    },
    Kind {
        name: "shift between frames ÷ side",
        defect: Defect::Motion,
        strengths: &[0.01, 0.02, 0.04, 0.08, 0.16],
        spoil: still,
    },
    Kind {
        name: "defocus, σ ÷ side",
        defect: Defect::Blur,
        strengths: &[0.0025, 0.005, 0.0075, 0.01, 0.02, 0.03],
        spoil: defocus,
    },
    Kind {
        name: "shake, path ÷ side", defect: Defect::Blur, strengths: &[0.01, 0.02, 0.03, 0.05, 0.08], spoil: shake
    },
];

/// The same numbers on every machine.
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Chance(seed)
    }

    fn within(&mut self, low: f32, high: f32) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        low + (high - low) * ((self.0 >> 40) as f32 / (1 << 24) as f32)
    }

    /// Of mean 0 and variance 1, about normal.
    fn grain(&mut self) -> f32 {
        (0..3).map(|_| self.within(-1.0, 1.0)).sum()
    }
}

static LINEAR: LazyLock<[f32; 256]> = LazyLock::new(|| {
    std::array::from_fn(|i| {
        let v = i as f32 / 255.0;
        if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
    })
});

/// sRGB, 0–255, of linear light in 4096 steps.
static ENCODED: LazyLock<Vec<f32>> = LazyLock::new(|| {
    let encode = |i: u16| {
        let v = f32::from(i) / 4096.0;
        255.0 * if v <= 0.003_130_8 { v * 12.92 } else { 1.055 * v.powf(1.0 / 2.4) - 0.055 }
    };
    (0..=4096).map(encode).collect()
});

/// A square picture: its light, linear, 0–1; and the bytes that a camera makes of it.
pub struct Picture {
    side: usize,
    pixels: Vec<[f32; 3]>,
    bytes: Vec<[u8; 3]>,
}

impl Picture {
    /// The central square of interleaved RGB.
    pub fn central(width: usize, height: usize, rgb: &[u8]) -> Self {
        let side = width.min(height);
        let (left, top) = ((width - side) / 2, (height - side) / 2);
        let rows = rgb.as_chunks::<3>().0.chunks_exact(width).skip(top).take(side);
        let bytes: Vec<[u8; 3]> = rows.flat_map(|row| &row[left..left + side]).copied().collect();
        let pixels = bytes.iter().map(|pixel| pixel.map(|v| LINEAR[usize::from(v)])).collect();
        Picture { side, pixels, bytes }
    }

    /// Light becomes bytes, with noise of so many levels.
    fn sensed(side: usize, pixels: Vec<[f32; 3]>, noise: f32, chance: &mut Chance) -> Self {
        let sense = |pixel: &[f32; 3]| {
            let shared = chance.grain() * 0.8;
            pixel.map(|light| {
                let level = ENCODED[(light.clamp(0.0, 1.0) * 4096.0) as usize];
                (level + noise * (shared + 0.6 * chance.grain())).round().clamp(0.0, 255.0) as u8
            })
        };
        let bytes = pixels.iter().map(sense).collect();
        Picture { side, pixels, bytes }
    }

    fn lit(&self, noise: f32, chance: &mut Chance, light: impl Fn(usize, usize, f32) -> f32) -> Self {
        let at = |(i, pixel): (usize, &[f32; 3])| pixel.map(|v| light(i % self.side, i / self.side, v));
        Picture::sensed(self.side, self.pixels.iter().enumerate().map(at).collect(), noise, chance)
    }

    /// The photo with as much noise more as the spoilt ones have.
    pub fn noisy(&self, chance: &mut Chance) -> Self {
        self.lit(NOISE, chance, |_, _, v| v)
    }

    pub fn as_frame<T>(&self, look: impl FnOnce(&Frame<'_>) -> T) -> T {
        let rgba: Vec<u8> = self.bytes.iter().flat_map(|&[r, g, b]| [r, g, b, 255]).collect();
        look(&Frame::new(self.side as u32, self.side as u32, &rgba).expect("a square"))
    }

    /// The light between pixels.
    fn at(&self, x: f32, y: f32) -> [f32; 3] {
        let last = (self.side - 1) as f32;
        let (x, y) = (x.clamp(0.0, last), y.clamp(0.0, last));
        let (column, row) = (x as usize, y as usize);
        let (right, below) = ((column + 1).min(self.side - 1), (row + 1).min(self.side - 1));
        let (u, v) = (x - column as f32, y - row as f32);
        let [a, b, c, d] =
            [(column, row), (right, row), (column, below), (right, below)].map(|(x, y)| self.pixels[y * self.side + x]);
        std::array::from_fn(|i| (a[i] * (1.0 - u) + b[i] * u) * (1.0 - v) + (c[i] * (1.0 - u) + d[i] * u) * v)
    }

    /// Means over the area that each pixel of a smaller picture covers.
    fn averaged(&self, side: usize) -> Vec<[f32; 3]> {
        let edge = |i: usize| i * self.side / side;
        let mut small = Vec::with_capacity(side * side);
        for row in 0..side {
            for column in 0..side {
                let mut sum = [0.0; 3];
                for y in edge(row)..edge(row + 1) {
                    for x in edge(column)..edge(column + 1) {
                        sum.iter_mut().zip(self.pixels[y * self.side + x]).for_each(|(sum, v)| *sum += v);
                    }
                }
                let count = (edge(row + 1) - edge(row)) * (edge(column + 1) - edge(column));
                small.push(sum.map(|v| v / count as f32));
            }
        }
        small
    }
}

/// Levels of 255.
const NOISE: f32 = 1.5;

/// Fewer photons, more gain: noise rises.
fn darken(photo: &Picture, gain: f32, chance: &mut Chance) -> Picture {
    photo.lit(NOISE + 0.12 / gain, chance, |_, _, v| v * gain)
}

fn expose(photo: &Picture, gain: f32, chance: &mut Chance) -> Picture {
    photo.lit(NOISE, chance, |_, _, v| v * gain)
}

/// A soft bright ellipse in the inner part, three times as bright as white in its middle.
fn glare(photo: &Picture, radius: f32, chance: &mut Chance) -> Picture {
    let side = photo.side as f32;
    let (cx, cy) = (chance.within(0.3, 0.7), chance.within(0.3, 0.7));
    let (sin, cos) = chance.within(0.0, PI).sin_cos();
    let long = chance.within(1.0, 2.0).sqrt();
    photo.lit(NOISE, chance, |x, y, v| {
        let (x, y) = (x as f32 / side - cx, y as f32 / side - cy);
        let (along, across) = ((x * cos + y * sin) / radius / long, (y * cos - x * sin) / radius * long);
        v + 3.0 * (-1.1 * (along * along + across * across)).exp()
    })
}

/// Light scattered over all of it.
fn veil(photo: &Picture, left: f32, chance: &mut Chance) -> Picture {
    let veil = chance.within(0.25, 0.5);
    photo.lit(NOISE, chance, |_, _, v| v * left + (1.0 - left) * veil)
}

/// The photo from farther away, on a ground of the colour of its rim, unevenly lit.
fn shrink(photo: &Picture, scale: f32, chance: &mut Chance) -> Picture {
    let side = photo.side;
    let small = (side as f32 * scale) as usize;
    let mut ground: [Vec<f32>; 3] = Default::default();
    for i in 0..side {
        for at in [i, (side - 1) * side + i, i * side, i * side + side - 1] {
            ground.iter_mut().zip(photo.pixels[at]).for_each(|(values, v)| values.push(v));
        }
    }
    let ground = ground.map(|mut values| {
        values.sort_by(f32::total_cmp);
        values[values.len() / 2]
    });
    let (across, down) = (chance.within(-0.3, 0.3), chance.within(-0.3, 0.3));
    let lit = |i: usize| {
        let (x, y) = ((i % side) as f32 / side as f32 - 0.5, (i / side) as f32 / side as f32 - 0.5);
        ground.map(|v| v * (1.0 + across * x + down * y))
    };
    let mut pixels: Vec<[f32; 3]> = (0..side * side).map(lit).collect();
    let mut place = || ((side - small) as f32 * chance.within(0.25, 0.75)) as usize;
    let (left, top) = (place(), place());
    for (row, line) in photo.averaged(small).chunks_exact(small).enumerate() {
        pixels[(top + row) * side + left..][..small].copy_from_slice(line);
    }
    Picture::sensed(side, pixels, NOISE, chance)
}

/// A camera of few pixels.
fn reduce(photo: &Picture, side: f32, chance: &mut Chance) -> Picture {
    let side = side as usize;
    Picture::sensed(side, photo.averaged(side), NOISE, chance)
}

/// Motion takes two frames: see [`pair`].
fn still(photo: &Picture, _: f32, chance: &mut Chance) -> Picture {
    photo.noisy(chance)
}

/// Two frames of four fifths of the photo, the second shifted by a share of their side in some direction, beside a
/// hand's tremor (up to 0.4 %) and the exposure's wavering (up to 3 %).
pub fn pair(photo: &Picture, shift: f32, chance: &mut Chance) -> (Picture, Picture) {
    let side = photo.side * 4 / 5;
    let (sin, cos) = chance.within(0.0, 2.0 * PI).sin_cos();
    let half = (shift + chance.within(0.0, 0.004)) * side as f32 / 2.0;
    let centre = (photo.side - side) as f32 / 2.0;
    let mut view = |way: f32| {
        let (left, top) = (centre + way * half * cos, centre + way * half * sin);
        let gain = chance.within(0.985, 1.015);
        let pixels =
            (0..side * side).map(|i| photo.at(left + (i % side) as f32, top + (i / side) as f32).map(|v| v * gain));
        Picture::sensed(side, pixels.collect(), NOISE, chance)
    };
    (view(-1.0), view(1.0))
}

/// A Gaussian of σ, as a share of the side.
fn defocus(photo: &Picture, sigma: f32, chance: &mut Chance) -> Picture {
    let side = photo.side;
    let sigma = sigma * side as f32;
    let radius = (3.0 * sigma).ceil() as usize;
    let weight = |d: usize| (-0.5 * (d as f32 / sigma).powi(2)).exp();
    let weights: Vec<f32> = (0..=2 * radius).map(|i| weight(i.abs_diff(radius))).collect();
    let total: f32 = weights.iter().sum();
    let pass = |pixels: &[[f32; 3]]| -> Vec<[f32; 3]> {
        // Transposed on the way out, so that two passes blur both axes.
        let mut out = vec![[0.0; 3]; pixels.len()];
        for (y, row) in pixels.chunks_exact(side).enumerate() {
            for x in 0..side {
                let mut sum = [0.0; 3];
                for (i, weight) in weights.iter().enumerate() {
                    let from = row[(x + i).saturating_sub(radius).min(side - 1)];
                    sum.iter_mut().zip(from).for_each(|(sum, v)| *sum += v * weight);
                }
                out[x * side + y] = sum.map(|v| v / total);
            }
        }
        out
    };
    Picture::sensed(side, pass(&pass(&photo.pixels)), NOISE, chance)
}

/// The mean along a straight path in some direction.
fn shake(photo: &Picture, path: f32, chance: &mut Chance) -> Picture {
    let side = photo.side;
    let path = path * side as f32;
    let (sin, cos) = chance.within(0.0, PI).sin_cos();
    let steps = path.ceil() as usize + 1;
    let mean = |i: usize| {
        let mut sum = [0.0; 3];
        for step in 0..=steps {
            let way = path * (step as f32 / steps as f32 - 0.5);
            let from = photo.at((i % side) as f32 + way * cos, (i / side) as f32 + way * sin);
            sum.iter_mut().zip(from).for_each(|(sum, v)| *sum += v);
        }
        sum.map(|v| v / (steps + 1) as f32)
    };
    Picture::sensed(side, (0..side * side).map(mean).collect(), NOISE, chance)
}
