//! Takes a photo: a body on a ground, seen by a handheld phone in the light of a shop.

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageResult};
use rand::{Rng, RngCore};
use rand_chacha::ChaCha8Rng;

use super::ground::ground;
use super::light::{Light, Pixel, doubled, floor_row, shadow};
use super::solid::{Hit, Pose, Solid};

/// How freely a body may be turned, in radians.
#[derive(Clone, Copy)]
pub struct Freedom {
    /// The largest rotation in the picture plane, in either direction.
    pub roll: f32,
    /// The largest turn about the upright axis, in either direction.
    pub yaw: f32,
    /// The largest pitch from above.
    pub pitch: f32,
}

/// The large buffers of a photo, reused for the next one: allocating them takes as long as drawing.
#[derive(Default)]
pub struct Darkroom {
    scene: Vec<Pixel>,
    faces: Vec<u8>,
    bytes: Vec<u8>,
}

impl Darkroom {
    /// Takes one square photo of `size` pixels and returns its JPEG bytes. Everything random comes from `rng`.
    pub fn photograph(&mut self, body: &Solid, how: Freedom, size: u32, rng: &mut ChaCha8Rng) -> ImageResult<Vec<u8>> {
        // Small photos are drawn larger and averaged, as a sensor does, so that fine print does not alias.
        let bin = 256u32.div_ceil(size) as usize;
        let side = size as usize * bin;
        let view = View::draw(body, how, side, rng);
        let light = Light::draw(rng);
        let backdrop = ground(side as u32 / 2, rng);
        self.scene.clear();
        self.scene.resize(side * side, [0.0; 4]);
        self.faces.clear();
        self.faces.resize(side * side, NOTHING);
        view.body(body, &light, &mut self.scene, &mut self.faces);
        let shade = shadow(&self.scene, side, &light);
        let mut floor = Vec::with_capacity(side / 2);
        for (y, row) in self.scene.chunks_exact_mut(side).enumerate() {
            floor_row(&backdrop, &shade, &light, y, &mut floor);
            for (x, px) in row.iter_mut().enumerate() {
                if px[3] < 254.5 {
                    let (i, j, f) = doubled(x, floor.len());
                    let (a, b, clear) = (floor[i], floor[j], 1.0 - px[3] / 255.0);
                    *px = std::array::from_fn(|k| px[k] + (a[k] + (b[k] - a[k]) * f) * clear);
                }
            }
        }
        light.develop(&mut self.scene, side);
        soften(&mut self.scene, side, rng.random_range(0.08..0.3));
        if bin > 1 {
            shrink(&mut self.scene, side, bin);
        }
        sensor(&self.scene, &mut self.bytes, rng);
        let mut jpeg = Vec::with_capacity(self.bytes.len() / 6);
        let quality = rng.random_range(82..=92);
        JpegEncoder::new_with_quality(&mut jpeg, quality).encode(&self.bytes, size, size, ExtendedColorType::Rgb8)?;
        Ok(jpeg)
    }
}

/// Marks a pixel where no face was met.
const NOTHING: u8 = u8::MAX;

/// Where the body stands in the picture: the projective map from the picture back to the body's view plane.
struct View {
    side: usize,
    pose: Pose,
    center: (f32, f32),
    scale: f32,
    roll: (f32, f32),
    tilt: (f32, f32),
    extent: (f32, f32),
}

impl View {
    fn draw(solid: &Solid, freedom: Freedom, side: usize, rng: &mut ChaCha8Rng) -> Self {
        let roll = freedom.roll * rng.random_range(-1.0f32..1.0);
        let yaw = freedom.yaw * rng.random_range(-1.0f32..1.0);
        let pose = Pose::new(yaw, freedom.pitch * rng.random_range(0.0f32..1.0));
        let (ew, eh) = solid.extent(&pose);
        let (sin, cos) = roll.sin_cos();
        let (ex, ey) = (ew * cos.abs() + eh * sin.abs(), ew * sin.abs() + eh * cos.abs());
        let fill = rng.random_range(0.55f32..0.95);
        let scale = fill * side as f32 / 2.0 / ex.max(ey);
        // The hand is never quite centred: up to four fifths of the free space, and a little beyond the edge when it is tight.
        let mut place = |extent: f32| {
            let free = (side as f32 / 2.0 - extent * scale).max(0.0) * 0.8 + 0.02 * side as f32;
            side as f32 / 2.0 + free * rng.random_range(-1.0f32..1.0)
        };
        let center = (place(ex), place(ey));
        let reach = ew.hypot(eh);
        let tilt = (rng.random_range(-0.13..0.13) / reach, rng.random_range(-0.13..0.13) / reach);
        Self { side, pose, center, scale, roll: (sin, cos), tilt, extent: (ew, eh) }
    }

    fn look(&self, solid: &Solid, px: f32, py: f32) -> Option<Hit> {
        let (x, y) = ((px - self.center.0) / self.scale, (self.center.1 - py) / self.scale);
        let (sin, cos) = self.roll;
        let (x, y) = (x * cos - y * sin, x * sin + y * cos);
        let depth = 1.0 / (1.0 + self.tilt.0 * x + self.tilt.1 * y);
        let (x, y) = (x * depth, y * depth);
        if x.abs() > self.extent.0 || y.abs() > self.extent.1 {
            return None;
        }
        let mut hit = solid.look(&self.pose, x, y)?;
        // The light does not turn with the body.
        let [nx, ny, nz] = hit.normal;
        hit.normal = [nx * cos + ny * sin, ny * cos - nx * sin, nz];
        Some(hit)
    }

    /// Puts the lit body into an empty scene.
    fn body(&self, solid: &Solid, light: &Light, scene: &mut [Pixel], faces: &mut [u8]) {
        let side = self.side;
        let radius = self.extent.0.hypot(self.extent.1) * self.scale * 1.2 + 2.0;
        let span = |c: f32| ((c - radius).max(0.0) as usize, ((c + radius).max(0.0) as usize).min(side));
        let ((x0, x1), (y0, y1)) = (span(self.center.0), span(self.center.1));
        for y in y0..y1 {
            for x in x0..x1 {
                if let Some(hit) = self.look(solid, x as f32 + 0.5, y as f32 + 0.5) {
                    scene[y * side + x] = light.on(&hit);
                    faces[y * side + x] = hit.face;
                }
            }
        }
        // One sample per pixel is not enough only where faces meet.
        for y in y0.max(1)..y1.min(side - 1) {
            for x in x0.max(1)..x1.min(side - 1) {
                let i = y * side + x;
                let here = faces[i];
                if faces[i - 1] == here && faces[i + 1] == here && faces[i - side] == here && faces[i + side] == here {
                    continue;
                }
                let mut sum = [0f32; 4];
                for (sx, sy) in [(0.375, 0.125), (0.875, 0.375), (0.125, 0.625), (0.625, 0.875)] {
                    if let Some(hit) = self.look(solid, x as f32 + sx, y as f32 + sy) {
                        let lit = light.on(&hit);
                        sum = std::array::from_fn(|c| sum[c] + lit[c]);
                    }
                }
                scene[i] = sum.map(|c| c * 0.25);
            }
        }
    }
}

/// A 3 × 3 blur, `a` the weight of each neighbour in a line.
fn soften(scene: &mut [Pixel], side: usize, a: f32) {
    let keep = 1.0 - 2.0 * a;
    for row in scene.chunks_exact_mut(side) {
        let mut before = row[0];
        for x in 0..side {
            let (here, after) = (row[x], row[(x + 1).min(side - 1)]);
            row[x] = std::array::from_fn(|k| keep * here[k] + a * (before[k] + after[k]));
            before = here;
        }
    }
    let mut before = scene[..side].to_vec();
    for y in 0..side {
        let next = (y + 1).min(side - 1) * side;
        for x in 0..side {
            let (here, after) = (scene[y * side + x], scene[next + x]);
            scene[y * side + x] = std::array::from_fn(|k| keep * here[k] + a * (before[x][k] + after[k]));
            before[x] = here;
        }
    }
}

/// Averages `bin` × `bin` pixels, in place.
fn shrink(scene: &mut Vec<Pixel>, side: usize, bin: usize) {
    let size = side / bin;
    let share = 1.0 / (bin * bin) as f32;
    for i in 0..size * size {
        let corner = (i / size) * bin * side + i % size * bin;
        let mut sum = [0f32; 4];
        for k in 0..bin * bin {
            let px = scene[corner + k / bin * side + k % bin];
            sum = std::array::from_fn(|c| sum[c] + px[c]);
        }
        // No result overwrites a pixel that is still to be read: each block starts at or after its result's place.
        scene[i] = sum.map(|c| c * share);
    }
    scene.truncate(size * size);
}

/// Adds sensor noise and rounds to bytes. The noise is stronger in bright pixels, and partly shared by the three colours.
fn sensor(scene: &[Pixel], bytes: &mut Vec<u8>, rng: &mut ChaCha8Rng) {
    let (floor, shot) = (rng.random_range(0.5f32..2.2), rng.random_range(0.03f32..0.18));
    let mut state = rng.next_u64() | 1;
    bytes.resize(scene.len() * 3, 0);
    for (px, out) in scene.iter().zip(bytes.as_chunks_mut::<3>().0) {
        // xorshift64*, since a cipher for every pixel would take longer than drawing the picture.
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        let bits = state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes();
        // Each pair of bytes gives a triangular random number of variance 1.
        let grain = |i: usize| (f32::from(bits[i]) + f32::from(bits[i + 1]) - 255.0) * (1.0 / 104.5);
        let shared = 0.8 * grain(6);
        // Green stands for the brightness.
        let strength = floor + shot * px[1].max(0.0).sqrt();
        *out = std::array::from_fn(|k| (px[k] + (0.6 * grain(2 * k) + shared) * strength + 0.5) as u8);
    }
}
