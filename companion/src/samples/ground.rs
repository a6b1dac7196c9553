//! What the product lies on: counter wood, steel, cloth, tiles or stone, with other things at the edges.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use tiny_skia::{FillRule, Paint, Path, PathBuilder, Pixmap, Rect, Transform};

use super::solid::floor;

/// Draws a ground of `side` × `side` opaque pixels. The camera stretches it, which keeps it a little out of focus.
pub fn ground(side: u32, rng: &mut ChaCha8Rng) -> Pixmap {
    let mut map = Pixmap::new(side, side).expect("the photo size was checked");
    let surface = Surface::draw(rng);
    let (sin, cos) = rng.random_range(-0.6f32..0.6).sin_cos();
    let zoom = rng.random_range(0.8..1.5) / side as f32;
    let (du, dv) = (rng.random_range(0.0..40.0), rng.random_range(0.0..40.0));
    for (y, row) in map.data_mut().chunks_exact_mut(4 * side as usize).enumerate() {
        for (x, px) in row.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            let (x, y) = (x as f32 * zoom, y as f32 * zoom);
            let color = surface.at(x * cos - y * sin + du, x * sin + y * cos + dv);
            *px = [color[0] as u8, color[1] as u8, color[2] as u8, 255];
        }
    }
    clutter(&mut map, rng);
    map
}

enum Kind {
    Wood,
    Steel,
    Cloth { checks: bool },
    Tiles,
    Stone,
}

struct Surface {
    kind: Kind,
    base: [f32; 3],
    other: [f32; 3],
    scale: f32,
    salt: u32,
}

impl Surface {
    fn draw(rng: &mut ChaCha8Rng) -> Self {
        let pick = |rng: &mut ChaCha8Rng, of: &[[f32; 3]]| of[rng.random_range(0..of.len())];
        let cloths = [
            [196., 60., 62.],
            [60., 92., 150.],
            [92., 132., 88.],
            [224., 216., 200.],
            [120., 84., 130.],
            [70., 72., 80.],
        ];
        let tiles = [[226., 222., 212.], [150., 176., 184.], [186., 120., 88.], [96., 108., 112.]];
        let (kind, base, other) = match rng.random_range(0..5) {
            0 => {
                let base = pick(rng, &[[176., 128., 84.], [134., 92., 60.], [206., 170., 124.], [96., 70., 54.]]);
                (Kind::Wood, base, base.map(|v| v * 0.72))
            }
            1 => (Kind::Steel, pick(rng, &[[168., 172., 176.], [132., 138., 144.]]), [222., 226., 230.]),
            2 => (Kind::Cloth { checks: rng.random_bool(0.4) }, pick(rng, &cloths), [236., 232., 222.]),
            3 => (Kind::Tiles, pick(rng, &tiles), pick(rng, &[[232., 230., 224.], [112., 108., 104.]])),
            _ => {
                (Kind::Stone, pick(rng, &[[90., 92., 96.], [206., 202., 196.], [150., 140., 130.]]), [244., 242., 238.])
            }
        };
        Self { kind, base, other, scale: rng.random_range(0.75..1.4), salt: rng.random() }
    }

    fn at(&self, u: f32, v: f32) -> [f32; 3] {
        let (u, v, salt) = (u * self.scale, v * self.scale, self.salt);
        match self.kind {
            Kind::Wood => {
                let plank = floor(v * 3.0) as f32;
                let tone = 0.86 + 0.2 * lattice(plank as i32, 7, salt);
                let warp = noise(u * 2.0, v * 5.0 + plank * 3.1, salt) * 3.0;
                let grain = 0.5 * noise(u * 3.0 + plank * 5.0, v * 70.0 + warp * 4.0, salt ^ 1);
                let gap = (v * 3.0 - plank).min(plank + 1.0 - v * 3.0);
                let dark = 0.5 + 0.5 * (gap * 32.0).min(1.0);
                mix(self.base, self.other, grain + 0.2 * noise(u * 9.0, v * 180.0, salt ^ 2)).map(|c| c * tone * dark)
            }
            Kind::Steel => {
                let sheen = 0.5 + 0.5 * (u * 2.3 + 1.5 * noise(u * 1.3, v * 1.3, salt)).sin();
                let brush = noise(u * 4.0, v * 220.0, salt ^ 1) - 0.5;
                mix(self.base, self.other, 0.75 * sheen).map(|c| c + 20.0 * brush)
            }
            Kind::Cloth { checks } => {
                let fold = 0.88 + 0.2 * noise(u * 2.5, v * 2.5, salt);
                let weave =
                    6.0 * (u * 330.0).sin() * (v * 330.0).sin() + 8.0 * (noise(u * 60.0, v * 60.0, salt ^ 1) - 0.5);
                let band = |t: f32| if t * 7.0 - floor(t * 7.0) as f32 > 0.5 { 0.42 } else { 0.0 };
                let light = if checks { band(u) + band(v) } else { 0.0 };
                mix(self.base, self.other, light).map(|c| c * fold + weave)
            }
            Kind::Tiles => {
                let (x, y) = (u * 3.2, v * 3.2);
                let (i, j) = (floor(x) as f32, floor(y) as f32);
                let edge = (x - i).min(i + 1.0 - x).min(y - j).min(j + 1.0 - y);
                let tone = 0.9 + 0.14 * lattice(i as i32, j as i32, salt);
                let cloud = 14.0 * (noise(u * 12.0, v * 12.0, salt ^ 1) - 0.5);
                mix(self.other, self.base.map(|c| c * tone + cloud), (edge * 60.0 - 0.8).clamp(0.0, 1.0))
            }
            Kind::Stone => {
                let cloud = noise(u * 5.0, v * 5.0, salt) - 0.5;
                let speck = (noise(u * 62.0, v * 62.0, salt ^ 1) - 0.72).max(0.0) * 2.2;
                let pit = (noise(u * 48.0, v * 48.0, salt ^ 2) - 0.7).max(0.0) * 150.0;
                mix(self.base, self.other, speck).map(|c| c + 26.0 * cloud - pit)
            }
        }
        .map(|c| c.clamp(0.0, 255.0))
    }
}

fn mix(a: [f32; 3], b: [f32; 3], t: f32) -> [f32; 3] {
    std::array::from_fn(|i| a[i] + (b[i] - a[i]) * t)
}

/// A fixed random number in 0–1 for each lattice point.
fn lattice(x: i32, y: i32, salt: u32) -> f32 {
    let mut h = (x as u32).wrapping_mul(0x9e37_79b1) ^ (y as u32).wrapping_mul(0x85eb_ca77) ^ salt;
    h = (h ^ (h >> 15)).wrapping_mul(0x2c1b_3c6d);
    h = (h ^ (h >> 12)).wrapping_mul(0x297a_2d39);
    ((h ^ (h >> 15)) >> 8) as f32 / 16_777_216.0
}

/// Smooth value noise in 0–1.
fn noise(x: f32, y: f32, salt: u32) -> f32 {
    let (i, j) = (floor(x), floor(y));
    let (fx, fy) = (x - i as f32, y - j as f32);
    let (sx, sy) = (fx * fx * (3.0 - 2.0 * fx), fy * fy * (3.0 - 2.0 * fy));
    let top = lattice(i, j, salt) * (1.0 - sx) + lattice(i + 1, j, salt) * sx;
    let low = lattice(i, j + 1, salt) * (1.0 - sx) + lattice(i + 1, j + 1, salt) * sx;
    top * (1.0 - sy) + low * sy
}

/// Coloured things around the rim; the centre stays free for the product.
fn clutter(map: &mut Pixmap, rng: &mut ChaCha8Rng) {
    let side = map.width() as f32;
    for _ in 0..rng.random_range(0..7) {
        let around = rng.random_range(0.0..std::f32::consts::TAU);
        let away = side * rng.random_range(0.5..0.72);
        let (cx, cy) = (side / 2.0 + away * around.cos(), side / 2.0 + away * around.sin());
        let (w, h) = (side * rng.random_range(0.08..0.26), side * rng.random_range(0.08..0.26));
        let body: [u8; 3] = std::array::from_fn(|_| rng.random_range(25..235));
        let mark: [u8; 3] = std::array::from_fn(|_| rng.random_range(25..245));
        let tilt = Transform::from_rotate(rng.random_range(0.0..360.0)).post_translate(cx, cy);
        let round = rng.random_bool(0.4);
        let shape = |grow: f32| {
            if round {
                PathBuilder::from_circle(0.0, 0.0, w.max(h) / 2.0 * grow)
            } else {
                Rect::from_xywh(-w / 2.0 * grow, -h / 2.0 * grow, w * grow, h * grow).map(PathBuilder::from_rect)
            }
        };
        for (k, grow) in [1.16, 1.1, 1.05].into_iter().enumerate() {
            stamp(map, shape(grow), [10, 10, 14], 40, tilt.post_translate(side * 0.004 * k as f32, side * 0.008));
        }
        stamp(map, shape(1.0), body, 255, tilt);
        if round {
            stamp(map, shape(0.62), mark, 255, tilt);
        } else {
            for k in 0..rng.random_range(1..4) {
                let y = h * (-0.38 + 0.26 * k as f32);
                let stripe = Rect::from_xywh(-w * 0.4, y, w * rng.random_range(0.4..0.8), h * 0.14);
                stamp(map, stripe.map(PathBuilder::from_rect), mark, 255, tilt);
            }
        }
    }
}

fn stamp(map: &mut Pixmap, path: Option<Path>, c: [u8; 3], alpha: u8, at: Transform) {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color_rgba8(c[0], c[1], c[2], alpha);
    if let Some(path) = path {
        map.fill_path(&path, &paint, FillRule::Winding, at, None);
    }
}
