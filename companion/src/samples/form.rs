//! From artwork to a body: the packs a shop sells (box, can, jar, bottle, bag) and loose fruit.

use super::camera::Freedom;
use super::draw::{Canvas, INK, Rgb, WHITE};
use super::solid::{Bulge, Panel, Profile, Solid};

/// Paints a panel.
pub type Painter = fn(&mut Canvas);

/// The kind of body and its measures; heights are 2, so a half width of 1 is as wide as high.
pub enum Form {
    /// A cuboid: half width, half depth, colour of the sides.
    Pack(f32, f32, Rgb),
    /// A straight tin: radius as a part of its half height.
    Can(f32),
    /// A wide glass with a screw lid of this colour.
    Jar(Rgb),
    /// A bottle with a cap of this colour.
    Bottle(Rgb),
    /// A soft bag: half width, gloss.
    Bag(f32, f32),
    /// A loose fruit, lying any way round: half width, gloss.
    Fruit(f32, f32),
}

/// Knots of a turned outline: place from the top, radius.
const JAR: &[(f32, f32)] =
    &[(0.0, 0.52), (0.17, 0.54), (0.175, 0.5), (0.22, 0.5), (0.34, 0.64), (0.93, 0.64), (1.0, 0.56)];
const BOTTLE: &[(f32, f32)] =
    &[(0.0, 0.12), (0.075, 0.125), (0.08, 0.11), (0.16, 0.11), (0.4, 0.3), (0.9, 0.31), (0.97, 0.3), (1.0, 0.26)];

impl Form {
    /// Builds the body around the front that `paint` draws.
    pub fn build(&self, paint: &dyn Fn(&mut Canvas)) -> Solid {
        // A label spans half the circumference: π·r wide on a body 2 high.
        let painted = |aspect: f32| {
            let mut canvas = Canvas::new(aspect);
            paint(&mut canvas);
            canvas.into_pixmap()
        };
        let label = |radius: f32| Panel::new(painted(std::f32::consts::FRAC_PI_2 * radius));
        match *self {
            Self::Pack(w, d, color) => {
                let (front, lid) = (Panel::new(painted(w)), edge(w / d, color));
                Solid::Cuboid { half: [w, 1.0, d], front, flank: flank(d, color), lid, gloss: 0.12 }
            }
            Self::Can(r) => {
                let profile = Profile::new(&[(0.0, r), (1.0, r)], 1.0);
                Solid::Turned { half: [r, 1.0, r], profile, label: label(r), lid: tin(), gloss: 0.35 }
            }
            Self::Jar(cap) => {
                let profile = Profile::new(JAR, 1.0);
                Solid::Turned { half: [0.64, 1.0, 0.64], profile, label: label(0.64), lid: edge(1.0, cap), gloss: 0.75 }
            }
            Self::Bottle(cap) => {
                let profile = Profile::new(BOTTLE, 1.0);
                Solid::Turned { half: [0.31, 1.0, 0.31], profile, label: label(0.31), lid: edge(1.0, cap), gloss: 0.8 }
            }
            Self::Bag(w, gloss) => puffed(painted(w), w, 0.3, gloss),
            Self::Fruit(w, gloss) => puffed(painted(w), w, 0.62, gloss),
        }
    }

    /// How a customer may hold it: packs roughly upright, fruit any way round.
    pub fn freedom(&self) -> Freedom {
        let free = |roll, yaw, pitch| Freedom { roll, yaw, pitch };
        match self {
            Self::Pack(..) => free(0.5, 0.7, 0.5),
            Self::Can(_) => free(0.5, 0.75, 0.55),
            Self::Jar(_) => free(0.45, 0.75, 0.4),
            Self::Bottle(_) => free(0.7, 0.7, 0.2),
            Self::Bag(..) => free(0.7, 0.5, 0.45),
            Self::Fruit(..) => free(std::f32::consts::PI, 0.4, 0.4),
        }
    }
}

fn puffed(art: tiny_skia::Pixmap, w: f32, reach: f32, gloss: f32) -> Solid {
    let bulge = Bulge::new(&art, reach);
    Solid::Puffed { half: [w, 1.0, 0.0], art: Panel::new(art), bulge, gloss }
}

/// The side of a box: a table of ingredients.
fn flank(aspect: f32, color: Rgb) -> Panel {
    let mut c = Canvas::new(aspect);
    c.fill(color);
    let w = c.w;
    c.rect(w * 0.12, 34.0, w * 0.76, 40.0, WHITE);
    for k in 0..8 {
        let len = w * if k % 3 == 0 { 0.6 } else { 0.46 };
        c.rect(w * 0.2, 37.5 + 4.4 * k as f32, len, 1.5, INK);
    }
    c.rect(w * 0.12, 82.0, w * 0.4, 10.0, WHITE);
    for k in 0..6 {
        c.rect(w * (0.16 + 0.055 * k as f32), 84.0, w * if k % 2 == 0 { 0.03 } else { 0.018 }, 6.0, INK);
    }
    Panel::new(c.into_pixmap())
}

/// A plain top with a seam.
fn edge(aspect: f32, color: Rgb) -> Panel {
    let mut c = Canvas::new(aspect.clamp(0.5, 8.0));
    c.fill(color);
    let w = c.w;
    c.scratch(&[(0.0, 50.0), (w, 50.0)], 3.0, INK, 0.25);
    Panel::new(c.into_pixmap())
}

/// A tin lid: pressed rings and a ring pull.
fn tin() -> Panel {
    let mut c = Canvas::new(1.0);
    c.fill([150, 153, 157]);
    for (r, tone) in [(46.0, 214), (42.0, 168), (39.0, 205), (32.0, 182), (30.0, 200)] {
        c.disc(50.0, 50.0, r, [tone, tone, tone + 4]);
    }
    c.ellipse(50.0, 66.0, 8.0, 13.0, [140, 142, 146]);
    c.ellipse(50.0, 69.0, 5.0, 7.0, [200, 200, 204]);
    Panel::new(c.into_pixmap())
}
