//! The bodies of products, seen by parallel projection: which point of the artwork lies under a point of the view.

use tiny_skia::Pixmap;

/// How a body is turned towards the camera, in radians: yaw about its upright axis, then pitch seen from above.
#[derive(Clone, Copy)]
pub struct Pose {
    sin_yaw: f32,
    cos_yaw: f32,
    yaw: f32,
    sin_pitch: f32,
    cos_pitch: f32,
}

impl Pose {
    /// Yaw must stay within ±π/2 and pitch within [0, π/2), so that the front stays in sight.
    pub fn new(yaw: f32, pitch: f32) -> Self {
        let ((sin_yaw, cos_yaw), (sin_pitch, cos_pitch)) = (yaw.sin_cos(), pitch.sin_cos());
        Self { sin_yaw, cos_yaw, yaw, sin_pitch, cos_pitch }
    }

    fn turn(&self, n: [f32; 3]) -> [f32; 3] {
        let z = -n[0] * self.sin_yaw + n[2] * self.cos_yaw;
        self.tip([n[0] * self.cos_yaw + n[2] * self.sin_yaw, n[1], z])
    }

    fn tip(&self, n: [f32; 3]) -> [f32; 3] {
        let (s, c) = (self.sin_pitch, self.cos_pitch);
        [n[0], n[1] * c - n[2] * s, n[1] * s + n[2] * c]
    }
}

/// What a line of sight meets.
#[derive(Clone, Copy)]
pub struct Hit {
    /// Premultiplied colour, 0–255.
    pub color: [f32; 4],
    /// Unit normal in view axes: right, up, towards the camera.
    pub normal: [f32; 3],
    /// Strength of the highlight.
    pub gloss: f32,
    /// Which face was met: where it changes, the picture needs smoothing.
    pub face: u8,
}

/// A panel of artwork that can be looked up between its pixels.
pub struct Panel(Pixmap);

impl Panel {
    /// Wraps finished artwork.
    pub fn new(map: Pixmap) -> Self {
        Self(map)
    }

    /// Bilinear look-up; `u`, `v` in 0–1 from the top left. With `wrap`, `u` may
    /// lie in -1–2 and goes round; else it is clamped, as `v` always is.
    fn at(&self, u: f32, v: f32, wrap: bool) -> [f32; 4] {
        let (w, h) = (self.0.width() as i32, self.0.height() as i32);
        let (x, y) = (u * w as f32 - 0.5, v * h as f32 - 0.5);
        let (x0, y0) = (floor(x), floor(y));
        let (fx, fy) = (x - x0 as f32, y - y0 as f32);
        let column = |i: i32| match i {
            i if wrap && i < 0 => (i + w).max(0),
            i if wrap && i >= w => (i - w).min(w - 1),
            i => i.clamp(0, w - 1),
        };
        let (c0, c1) = (column(x0) as usize, column(x0 + 1) as usize);
        let row = |j: i32| (j.clamp(0, h - 1) * w) as usize;
        let (r0, r1) = (row(y0), row(y0 + 1));
        let px = self.0.data().as_chunks::<4>().0;
        let (a, b, c, d) = (px[r0 + c0], px[r0 + c1], px[r1 + c0], px[r1 + c1]);
        std::array::from_fn(|k| {
            let top = f32::from(a[k]) * (1.0 - fx) + f32::from(b[k]) * fx;
            let low = f32::from(c[k]) * (1.0 - fx) + f32::from(d[k]) * fx;
            top * (1.0 - fy) + low * fy
        })
    }
}

/// A product's body, centred on the origin; its upright half height is `half[1]`.
pub enum Solid {
    /// A cuboid.
    Cuboid { half: [f32; 3], front: Panel, flank: Panel, lid: Panel, gloss: f32 },
    /// A body turned on a lathe. Its label covers half the way round and is printed twice.
    Turned { half: [f32; 3], profile: Profile, label: Panel, lid: Panel, gloss: f32 },
    /// Cut-out artwork that bulges towards the camera: bags and fruit.
    Puffed { half: [f32; 3], art: Panel, bulge: Bulge, gloss: f32 },
}

impl Solid {
    /// Half the width and half the height of a frame, centred on the origin, that holds the whole view.
    pub fn extent(&self, pose: &Pose) -> (f32, f32) {
        match self {
            Self::Cuboid { half: [w, h, d], .. } => {
                let (s, c) = (pose.sin_yaw.abs(), pose.cos_yaw);
                (w * c + d * s, h * pose.cos_pitch + (d * c + w * s) * pose.sin_pitch)
            }
            Self::Turned { half: [w, h, d], .. } => (*w, h * pose.cos_pitch + d * pose.sin_pitch),
            Self::Puffed { half: [w, h, _], .. } => (w * pose.cos_yaw, h * pose.cos_pitch),
        }
    }

    /// What lies under the point (`x`, `y`) of the view, y upwards.
    pub fn look(&self, pose: &Pose, x: f32, y: f32) -> Option<Hit> {
        match self {
            Self::Cuboid { half, front, flank, lid, gloss } => cuboid(*half, pose, x, y).map(|(face, normal, u, v)| {
                let panel = [front, flank, lid][usize::from(face)];
                Hit { color: panel.at(u, v, false), normal: pose.turn(normal), gloss: *gloss, face }
            }),
            Self::Turned { half, profile, label, lid, gloss } => {
                let (sp, cp, h) = (pose.sin_pitch, pose.cos_pitch, half[1]);
                let mut up = y / cp;
                let (mut r, mut slope) = (0.0, 0.0);
                // The radius depends on the height and the height on the radius: exact for cans, near enough for bottles.
                for _ in 0..3 {
                    (r, slope) = profile.at((h - up) / (2.0 * h));
                    up = (y + (r * r - x * x).max(0.0).sqrt() * sp) / cp;
                }
                if up > h {
                    let r = profile.at(0.0).0;
                    let (lx, ly) = (x / r, (y - h * cp) / (r * sp));
                    (lx * lx + ly * ly <= 1.0).then(|| Hit {
                        color: lid.at(0.5 + lx * 0.5, 0.5 - ly * 0.5, false),
                        normal: pose.tip([0.0, 1.0, 0.0]),
                        gloss: *gloss,
                        face: 1,
                    })
                } else if up < -h || x.abs() > r {
                    None
                } else {
                    let (sin, theta) = (x / r, (x / r).asin());
                    let norm = 1.0 / (1.0 + slope * slope).sqrt();
                    let normal = pose.tip([sin * norm, slope * norm, (1.0 - sin * sin).sqrt() * norm]);
                    let u = (theta - pose.yaw) / std::f32::consts::PI + 0.5;
                    Some(Hit { color: label.at(u, (h - up) / (2.0 * h), true), normal, gloss: *gloss, face: 0 })
                }
            }
            Self::Puffed { half, art, bulge, gloss } => {
                let (u, v) = (0.5 + x / pose.cos_yaw / half[0] * 0.5, 0.5 - y / pose.cos_pitch / half[1] * 0.5);
                if !(0.0..=1.0).contains(&u) || !(0.0..=1.0).contains(&v) {
                    return None;
                }
                let color = art.at(u, v, false);
                let lean = pose.turn(bulge.normal(u, v));
                (color[3] > 0.5).then_some(Hit { color, normal: lean, gloss: *gloss, face: 0 })
            }
        }
    }
}

/// Face (0 front, 1 flank, 2 lid), normal and place on the face's panel.
fn cuboid([w, h, d]: [f32; 3], p: &Pose, x: f32, y: f32) -> Option<(u8, [f32; 3], f32, f32)> {
    let unit = |v: f32, half: f32| (v + half) / (2.0 * half);
    let inside = |u: f32| (0.0..=1.0).contains(&u);
    let across = (x - d * p.sin_yaw) / p.cos_yaw;
    let up = (y + (d * p.cos_yaw - across * p.sin_yaw) * p.sin_pitch) / p.cos_pitch;
    let (u, v) = (unit(across, w), 1.0 - unit(up, h));
    if inside(u) && inside(v) {
        return Some((0, [0.0, 0.0, 1.0], u, v));
    }
    if p.sin_yaw.abs() > 1e-3 {
        let side = -p.sin_yaw.signum();
        let deep = (x - side * w * p.cos_yaw) / p.sin_yaw;
        let up = (y + (deep * p.cos_yaw - side * w * p.sin_yaw) * p.sin_pitch) / p.cos_pitch;
        // The edge shared with the front is the left edge of a right flank and the right edge of a left one.
        let (u, v) = (unit(-side * deep, d), 1.0 - unit(up, h));
        if inside(u) && inside(v) {
            return Some((1, [side, 0.0, 0.0], u, v));
        }
    }
    if p.sin_pitch > 1e-3 {
        let deep = (h * p.cos_pitch - y) / p.sin_pitch;
        let (across, deep) = (x * p.cos_yaw - deep * p.sin_yaw, x * p.sin_yaw + deep * p.cos_yaw);
        let (u, v) = (unit(across, w), unit(deep, d));
        if inside(u) && inside(v) {
            return Some((2, [0.0, 1.0, 0.0], u, v));
        }
    }
    None
}

/// Radius and slope of a turned body from top (0) to bottom (1), tabulated.
pub struct Profile(Vec<(f32, f32)>);

impl Profile {
    /// From (place from the top, radius) knots in rising order, first at 0 and last at 1; `half_height` gives the slope its scale.
    pub fn new(knots: &[(f32, f32)], half_height: f32) -> Self {
        const STEPS: usize = 256;
        let radius = |t: f32| {
            let next = knots.partition_point(|k| k.0 < t).clamp(1, knots.len() - 1);
            let ((t0, r0), (t1, r1)) = (knots[next - 1], knots[next]);
            let s = ((t - t0) / (t1 - t0).max(1e-6)).clamp(0.0, 1.0);
            r0 + (r1 - r0) * s * s * (3.0 - 2.0 * s)
        };
        let step = 1.0 / STEPS as f32;
        let entry = |i: usize| {
            let t = i as f32 * step;
            let rise = radius((t + step).min(1.0)) - radius((t - step).max(0.0));
            (radius(t), rise / (4.0 * step * half_height))
        };
        Self((0..=STEPS).map(entry).collect())
    }

    fn at(&self, t: f32) -> (f32, f32) {
        let last = (self.0.len() - 1) as f32;
        self.0[(t * last).clamp(0.0, last) as usize]
    }
}

/// Normals of a bulging cut-out, from its blurred outline.
pub struct Bulge {
    w: usize,
    h: usize,
    lean: Vec<[f32; 2]>,
}

impl Bulge {
    /// `reach`: how far from the edge the surface still curves, as a part of the height.
    pub fn new(art: &Pixmap, reach: f32) -> Self {
        // A quarter of the artwork's resolution: the normals are smooth. The margin keeps what the blur carries outside,
        // whose loss would leave creases.
        let (w, h) = ((art.width() / 4) as usize, (art.height() / 4) as usize);
        let r = ((reach * h as f32 / 2.0) as usize).max(1);
        let (margin, px) = (2 * r, art.data());
        let (wide, high) = (w + 2 * margin, h + 2 * margin);
        let mut height = vec![0.0; wide * high];
        for i in 0..w * h {
            let (x, y) = (i % w, i / w);
            let alpha = px[(y * 4 * art.width() as usize + x * 4) * 4 + 3];
            height[(y + margin) * wide + x + margin] = f32::from(alpha) / 255.0;
        }
        for _ in 0..3 {
            height = box_blur(&height, wide, high, r);
        }
        let steep = reach * h as f32 * 0.9;
        let lean = (0..w * h).map(|i| {
            let o = (i / w + margin) * wide + i % w + margin;
            [(height[o - 1] - height[o + 1]) * steep, (height[o + wide] - height[o - wide]) * steep]
        });
        Self { w, h, lean: lean.collect() }
    }

    fn normal(&self, u: f32, v: f32) -> [f32; 3] {
        let x = ((u * self.w as f32) as usize).min(self.w - 1);
        let y = ((v * self.h as f32) as usize).min(self.h - 1);
        let [a, b] = self.lean[y * self.w + x];
        let norm = 1.0 / (1.0 + a * a + b * b).sqrt();
        [a * norm, b * norm, norm]
    }
}

/// The integer at or below `x`: much faster than `f32::floor` on plain x86-64.
pub fn floor(x: f32) -> i32 {
    let i = x as i32;
    i - i32::from(i as f32 > x)
}

/// Mean over (2r + 1)² pixels with running sums; outside counts as 0.
pub fn box_blur(src: &[f32], w: usize, h: usize, r: usize) -> Vec<f32> {
    let pass = |src: &[f32], lines: usize, len: usize, line: usize, step: usize| {
        let mut out = vec![0.0; src.len()];
        let share = 1.0 / (2 * r + 1) as f32;
        for l in 0..lines {
            let at = |i: usize| src[l * line + i * step];
            let mut sum: f32 = (0..r.min(len)).map(at).sum();
            for i in 0..len {
                sum += if i + r < len { at(i + r) } else { 0.0 };
                sum -= if i > r { at(i - r - 1) } else { 0.0 };
                out[l * line + i * step] = sum * share;
            }
        }
        out
    };
    let rows = pass(src, h, w, w, 1);
    pass(&rows, w, h, 1, w)
}
