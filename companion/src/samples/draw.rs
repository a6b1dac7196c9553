//! Drawing surface for product artwork: flat panels that `solid` later wraps around boxes, cans and bags.

use tiny_skia::{
    Color, FillRule, GradientStop, LineCap, LineJoin, LinearGradient, Paint, Path, PathBuilder, Pixmap, Point, Rect,
    SpreadMode, Stroke, Transform,
};

use super::lettering::polylines;

/// A colour as its sRGB bytes.
pub type Rgb = [u8; 3];

/// White paper.
pub const WHITE: Rgb = [250, 249, 245];
/// Printing black.
pub const INK: Rgb = [38, 34, 36];

/// Height of every panel in pixels: above the largest size a product reaches in a default photo.
const PANEL_PX: f32 = 400.0;

/// A panel measured in percent of its own height, so that artwork does not depend on the resolution.
pub struct Canvas {
    map: Pixmap,
    /// Width in units; the height is always 100.
    pub w: f32,
}

impl Canvas {
    /// An empty (transparent) panel, `aspect` times as wide as high.
    pub fn new(aspect: f32) -> Self {
        let px = |v: f32| (v.round() as u32).max(8);
        let map = Pixmap::new(px(PANEL_PX * aspect), PANEL_PX as u32).expect("panel sizes are small and positive");
        Self { map, w: 100.0 * aspect }
    }

    /// The finished pixels.
    pub fn into_pixmap(self) -> Pixmap {
        self.map
    }

    fn unit() -> Transform {
        Transform::from_scale(PANEL_PX / 100.0, PANEL_PX / 100.0)
    }

    fn fill_path(&mut self, path: Option<Path>, paint: &Paint) {
        // A degenerate shape has no path and leaves no mark.
        if let Some(path) = path {
            self.map.fill_path(&path, paint, FillRule::Winding, Self::unit(), None);
        }
    }

    /// Covers the whole panel.
    pub fn fill(&mut self, color: Rgb) {
        self.rect(0.0, 0.0, self.w, 100.0, color);
    }

    /// Covers the whole panel with a vertical gradient.
    pub fn fade(&mut self, top: Rgb, bottom: Rgb) {
        let stops = vec![GradientStop::new(0.0, opaque(top)), GradientStop::new(1.0, opaque(bottom))];
        let (from, to) = (Point::from_xy(0.0, 0.0), Point::from_xy(0.0, 100.0));
        if let Some(shader) = LinearGradient::new(from, to, stops, SpreadMode::Pad, Transform::identity()) {
            let paint = Paint { shader, ..Paint::default() };
            let all = Rect::from_xywh(0.0, 0.0, self.w, 100.0).map(PathBuilder::from_rect);
            self.fill_path(all, &paint);
        }
    }

    /// A rectangle from its top left corner.
    pub fn rect(&mut self, x: f32, y: f32, w: f32, h: f32, color: Rgb) {
        self.fill_path(Rect::from_xywh(x, y, w, h).map(PathBuilder::from_rect), &solid(color, 1.0));
    }

    /// An ellipse from its centre and half axes.
    pub fn ellipse(&mut self, cx: f32, cy: f32, rx: f32, ry: f32, color: Rgb) {
        self.haze(cx, cy, rx, ry, color, 1.0);
    }

    /// A circle.
    pub fn disc(&mut self, cx: f32, cy: f32, r: f32, color: Rgb) {
        self.ellipse(cx, cy, r, r, color);
    }

    /// An ellipse that lets what lies under it shine through.
    pub fn haze(&mut self, cx: f32, cy: f32, rx: f32, ry: f32, color: Rgb, alpha: f32) {
        let oval = Rect::from_xywh(cx - rx, cy - ry, 2.0 * rx, 2.0 * ry).and_then(PathBuilder::from_oval);
        self.fill_path(oval, &solid(color, alpha));
    }

    /// A closed polygon.
    pub fn poly(&mut self, points: &[(f32, f32)], color: Rgb) {
        self.fill_path(polyline(points, true), &solid(color, 1.0));
    }

    /// A closed shape through cubic curves: the start, then (control, control, end) for each curve.
    pub fn blob(&mut self, start: (f32, f32), curves: &[[f32; 6]], color: Rgb) {
        let mut path = PathBuilder::new();
        path.move_to(start.0, start.1);
        for c in curves {
            path.cubic_to(c[0], c[1], c[2], c[3], c[4], c[5]);
        }
        path.close();
        self.fill_path(path.finish(), &solid(color, 1.0));
    }

    /// An open line with round ends.
    pub fn line(&mut self, points: &[(f32, f32)], width: f32, color: Rgb) {
        self.scratch(points, width, color, 1.0);
    }

    /// An open line with round ends, translucent.
    pub fn scratch(&mut self, points: &[(f32, f32)], width: f32, color: Rgb, alpha: f32) {
        if let Some(path) = polyline(points, false) {
            let stroke = Stroke { width, line_cap: LineCap::Round, line_join: LineJoin::Round, ..Stroke::default() };
            self.map.stroke_path(&path, &solid(color, alpha), &stroke, Self::unit(), None);
        }
    }

    /// A wave across the whole panel, filled down to the bottom.
    pub fn wave(&mut self, y: f32, swell: f32, color: Rgb) {
        // The same height and slope at both ends, so that the wave closes where a label repeats around a can.
        let steps = 24;
        let mut points = vec![(0.0, 100.0)];
        points.extend((0..=steps).map(|i| {
            let t = i as f32 / steps as f32;
            (t * self.w, y + swell * (t * std::f32::consts::TAU).sin())
        }));
        points.push((self.w, 100.0));
        self.poly(&points, color);
    }

    /// A star or flower of `n` points around a centre.
    pub fn star(&mut self, cx: f32, cy: f32, n: usize, outer: f32, inner: f32, color: Rgb) {
        let points: Vec<_> = (0..2 * n)
            .map(|i| {
                let angle = std::f32::consts::PI * i as f32 / n as f32;
                let r = if i % 2 == 0 { outer } else { inner };
                (cx + r * angle.sin(), cy - r * angle.cos())
            })
            .collect();
        self.poly(&points, color);
    }

    /// A word centred on `cx`, its capitals from `y` to `y + h`.
    pub fn word(&mut self, cx: f32, y: f32, h: f32, word: &str, color: Rgb) {
        let unit = h / 6.0;
        let advance = unit * 5.6;
        let left = cx - (advance * word.chars().count() as f32 - 1.6 * unit) / 2.0;
        for (i, letter) in word.chars().enumerate() {
            for stroke in polylines(letter) {
                let placed: Vec<_> =
                    stroke.iter().map(|&(gx, gy)| (left + advance * i as f32 + gx * unit, y + gy * unit)).collect();
                self.line(&placed, h * 0.2, color);
            }
        }
    }
}

/// `n` points spread evenly over a disc of radius 1, always the same: each a golden angle further round.
pub fn scatter(n: usize) -> impl Iterator<Item = (f32, f32)> {
    (0..n).map(move |k| {
        let (a, d) = (k as f32 * 2.399_963, ((k as f32 + 0.5) / n as f32).sqrt());
        (d * a.cos(), d * a.sin())
    })
}

fn opaque(c: Rgb) -> Color {
    Color::from_rgba8(c[0], c[1], c[2], 255)
}

fn solid(c: Rgb, alpha: f32) -> Paint<'static> {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color_rgba8(c[0], c[1], c[2], (alpha * 255.0).round() as u8);
    paint
}

fn polyline(points: &[(f32, f32)], closed: bool) -> Option<Path> {
    let mut path = PathBuilder::new();
    let (first, rest) = points.split_first()?;
    path.move_to(first.0, first.1);
    for p in rest {
        path.line_to(p.0, p.1);
    }
    if closed {
        path.close();
    }
    path.finish()
}
