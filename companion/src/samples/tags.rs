//! Products described by attributes instead of names: brand, type, a code of three colours, and wear.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::camera::Freedom;
use super::draw::{Canvas, INK, Rgb, WHITE};
use super::form::Form;
use super::solid::Solid;

/// What one photo shows.
pub struct Tags {
    brand: usize,
    kind: usize,
    code: [usize; 3],
    /// In hundredths, so that the row says exactly what was drawn.
    wear: u32,
}

const BRANDS: [&str; 4] = ["Kilima", "Pwani", "Savana", "Tausi"];
const KINDS: [&str; 3] = ["box", "can", "bottle"];

/// The colour of each digit; no brand wears one of them.
const DIGITS: [Rgb; 5] = [[28, 28, 32], [206, 34, 40], [244, 206, 30], [30, 150, 62], [30, 84, 196]];

impl Tags {
    /// Draws a combination.
    pub fn draw(rng: &mut ChaCha8Rng) -> Self {
        Self {
            brand: rng.random_range(0..BRANDS.len()),
            kind: rng.random_range(0..KINDS.len()),
            code: std::array::from_fn(|_| rng.random_range(0..DIGITS.len())),
            wear: rng.random_range(0..=100),
        }
    }

    /// The row of `scans.jsonl` for the photo at `image_path`.
    pub fn row(&self, image_path: &str) -> String {
        let wear = f64::from(self.wear) / 100.0;
        serde_json::json!({
            "image_path": image_path,
            "brand": BRANDS[self.brand],
            "type": KINDS[self.kind],
            "code": self.code,
            "wear": wear,
        })
        .to_string()
    }

    /// The body to photograph, its scratches drawn from `rng`, and how it may be held: never so that a digit hides.
    pub fn build(&self, rng: &mut ChaCha8Rng) -> (Solid, Freedom) {
        let [base, accent] = self.scheme();
        let form = match self.kind {
            0 => Form::Pack(0.66, 0.3, base),
            1 => Form::Can(0.66),
            _ => Form::Bottle(accent),
        };
        let scratches = Scratches::draw(rng);
        let solid = form.build(&|c| {
            self.label(c);
            scratches.wear(c, self.wear as f32 / 100.0);
        });
        (solid, Freedom { roll: 0.4, yaw: 0.5, pitch: if self.kind == 2 { 0.2 } else { 0.4 } })
    }

    fn scheme(&self) -> [Rgb; 2] {
        match self.brand {
            0 => [[118, 74, 160], [240, 226, 250]],
            1 => [[40, 164, 170], [250, 240, 220]],
            2 => [[232, 138, 44], [110, 50, 20]],
            _ => [[214, 120, 160], [80, 24, 70]],
        }
    }

    fn label(&self, c: &mut Canvas) {
        let ([base, accent], m) = (self.scheme(), c.w / 2.0);
        c.fill(base);
        // A bottle's neck takes the upper part; the emblem and the code sit where every body is widest.
        let (top, emblem) = match self.kind {
            2 => (57.0, 46.0),
            _ => (45.0, 22.0),
        };
        let r = if self.kind == 2 { 8.0 } else { 16.0 };
        match self.brand {
            0 => {
                c.poly(&[(m - r * 1.2, emblem + r), (m, emblem - r), (m + r * 1.2, emblem + r)], accent);
                c.poly(&[(m - r * 0.4, emblem - r * 0.34), (m, emblem - r), (m + r * 0.4, emblem - r * 0.34)], INK);
            }
            1 => {
                for k in 0..3 {
                    let y = emblem - r * 0.6 + r * 0.7 * k as f32;
                    let crest = [-1.2, -0.6, 0.0, 0.6, 1.2];
                    let line: Vec<_> = crest
                        .iter()
                        .enumerate()
                        .map(|(i, t)| (m + r * t, y + if i % 2 == 0 { r * 0.2 } else { -r * 0.2 }))
                        .collect();
                    c.line(&line, r * 0.24, accent);
                }
            }
            2 => {
                c.disc(m, emblem, r * 0.95, accent);
                c.star(m, emblem, 8, r * 0.8, r * 0.36, [252, 220, 120]);
            }
            _ => {
                for (x, y) in [(-0.62, 0.3), (0.62, 0.3), (0.0, -0.3)] {
                    c.ellipse(m + r * x, emblem + r * y, r * 0.5, r * 0.66, accent);
                    c.disc(m + r * x, emblem + r * (y - 0.08), r * 0.24, WHITE);
                }
            }
        }
        let high = (93.0 - top) / 3.0;
        let (left, wide) = if self.kind == 0 { (c.w * 0.12, c.w * 0.76) } else { (0.0, c.w) };
        c.rect(left, top - 2.0, wide, 3.0 * high + 4.0, WHITE);
        let inset = if self.kind == 0 { 3.0 } else { 0.0 };
        for (k, &digit) in self.code.iter().enumerate() {
            c.rect(left + inset, top + high * k as f32 + 1.5, wide - 2.0 * inset, high - 3.0, DIGITS[digit]);
        }
        if self.kind == 2 {
            c.rect(0.0, 0.0, c.w, 8.0, accent);
        }
    }
}

/// All marks a long life can leave; wear decides how many have come so far and how strong they are.
struct Scratches(Vec<[f32; 6]>);

impl Scratches {
    fn draw(rng: &mut ChaCha8Rng) -> Self {
        Self((0..90).map(|_| std::array::from_fn(|_| rng.random())).collect())
    }

    /// Fades and scratches the panel: nothing at 0, hardly legible beyond 1.
    fn wear(&self, c: &mut Canvas, wear: f32) {
        let w = c.w;
        c.haze(w / 2.0, 50.0, w * 2.0, 200.0, [206, 200, 188], 0.5 * wear);
        let shown = wear * self.0.len() as f32;
        for (k, &[x, y, turn, long, thick, tone]) in self.0.iter().enumerate() {
            // The newest mark is only partly there, so that wear shows continuously.
            let there = (shown - k as f32).clamp(0.0, 1.0);
            if there == 0.0 {
                break;
            }
            let (x, y, tone) = (x * w, y * 100.0, if tone < 0.7 { [238, 234, 226] } else { [92, 84, 78] });
            if k % 5 == 0 {
                c.haze(x, y, 2.0 + 5.0 * long, 1.0 + 3.0 * thick, tone, 0.6 * there);
            } else {
                let (sin, cos) = (turn * std::f32::consts::PI).sin_cos();
                let half = 3.0 + 10.0 * long;
                let ends = [(x - half * cos, y - half * sin), (x + half * cos, y + half * sin)];
                c.scratch(&ends, 0.4 + 0.9 * thick, tone, 0.85 * there);
            }
        }
    }
}
