//! Artwork of boxes, cartons and tins.

use super::draw::{Canvas, INK, Rgb, WHITE};
use super::form::Painter;

/// The oat biscuits.
pub const OAT: Rgb = [226, 160, 52];
/// The cocoa biscuits.
pub const COCOA: Rgb = [92, 54, 112];
/// Tins, crisps and cola.
pub const RED: Rgb = [204, 38, 40];
/// Leaves.
pub const LEAF: Rgb = [62, 140, 58];
/// Gold print.
pub const GOLD: Rgb = [236, 190, 62];

/// A biscuit box: one layout, many flavours.
pub fn biscuits(c: &mut Canvas, base: Rgb, crumb: Rgb, chip: Rgb, name: &str) {
    c.fill(base);
    let m = c.w / 2.0;
    c.ellipse(m, 20.0, m * 0.82, 13.0, WHITE);
    c.word(m, 14.5, 11.0, "SAFI", [200, 40, 46]);
    c.word(m, 38.0, if name.len() > 4 { 7.5 } else { 9.0 }, name, WHITE);
    for (x, y, r) in [(-0.4, 77.0, 16.0), (0.42, 80.0, 15.0), (0.0, 66.0, 17.0)] {
        let (x, r) = (m + m * x, r);
        c.disc(x + 1.0, y + 1.6, r, base.map(|v| v / 2));
        c.disc(x, y, r, crumb);
        for k in 0..11 {
            let (a, d) = (k as f32 * 2.4, r * (0.2 + 0.062 * k as f32));
            c.disc(x + d * a.cos(), y + d * a.sin(), 1.5, chip);
        }
    }
    c.rect(0.0, 96.0, c.w, 4.0, [200, 40, 46]);
}

fn tomato(c: &mut Canvas, x: f32, y: f32, r: f32) {
    c.ellipse(x, y, r, r * 0.9, [222, 52, 36]);
    c.haze(x - r * 0.35, y - r * 0.3, r * 0.3, r * 0.22, WHITE, 0.45);
    c.star(x, y - r * 0.72, 5, r * 0.5, r * 0.14, LEAF);
}

/// Rims of bare tin at both ends.
fn rims(c: &mut Canvas) {
    for y in [0.0, 97.0] {
        c.rect(0.0, y, c.w, 3.0, [178, 180, 184]);
        c.rect(0.0, y + 1.0, c.w, 0.8, [226, 226, 230]);
    }
}

/// The tomato soup tin: red above, white below.
pub fn tomato_soup(c: &mut Canvas) {
    let m = c.w / 2.0;
    c.fill(WHITE);
    c.rect(0.0, 0.0, c.w, 50.0, RED);
    c.word(m, 17.0, 12.0, "SOUP", WHITE);
    c.disc(m, 52.0, 14.5, GOLD);
    tomato(c, m, 53.0, 11.0);
    c.word(m, 75.0, 8.0, "TOMATO", RED);
    c.rect(0.0, 88.0, c.w, 3.0, RED);
    rims(c);
}

/// The tomato paste tin: the colours of the soup in stripes.
pub fn tomato_paste(c: &mut Canvas) {
    let m = c.w / 2.0;
    c.fill(WHITE);
    let stripe = c.w / 9.0;
    for k in 0..5 {
        c.rect(stripe * (2.0 * k as f32 - 0.5), 0.0, stripe, 100.0, RED);
    }
    c.rect(0.0, 34.0, c.w, 34.0, WHITE);
    c.rect(0.0, 36.0, c.w, 30.0, RED);
    c.word(m, 45.0, 12.0, "PASTE", WHITE);
    tomato(c, m, 82.0, 9.0);
    rims(c);
}

/// The chickpea tin.
pub fn chickpeas(c: &mut Canvas) {
    let m = c.w / 2.0;
    c.fade([26, 104, 84], [18, 74, 66]);
    c.rect(0.0, 12.0, c.w, 4.0, GOLD);
    c.word(m, 24.0, 9.0, "CHICKPEA", WHITE);
    for k in 0..40 {
        let (col, row) = (k % 8, k / 8);
        let (x, y) =
            (c.w * (col as f32 + 0.25 + 0.5 * (row % 2) as f32) / 8.0, 50.0 + row as f32 * 9.0 + (k * 5 % 3) as f32);
        c.disc(x, y, 5.4, [222, 186, 120]);
        c.disc(x - 1.0, y - 1.0, 2.4, [240, 212, 156]);
    }
    rims(c);
}

/// The flat tuna tin.
pub fn tuna(c: &mut Canvas) {
    let m = c.w / 2.0;
    c.fill([28, 66, 140]);
    c.wave(70.0, 8.0, [70, 150, 210]);
    c.blob(
        (m - 40.0, 46.0),
        &[[m - 20.0, 20.0, m + 22.0, 26.0, m + 40.0, 46.0], [m + 22.0, 66.0, m - 20.0, 72.0, m - 40.0, 46.0]],
        [214, 222, 230],
    );
    c.poly(&[(m + 34.0, 46.0), (m + 56.0, 28.0), (m + 56.0, 64.0)], [214, 222, 230]);
    c.disc(m - 26.0, 42.0, 3.0, INK);
    c.word(m, 76.0, 14.0, "TUNA", GOLD);
    rims(c);
}

/// A juice carton around a picture of its fruit.
pub fn juice(c: &mut Canvas, base: Rgb, picture: Painter, name: &str) {
    let m = c.w / 2.0;
    c.fill(base);
    c.wave(34.0, 5.0, WHITE);
    c.word(m, 9.0, 8.5, "TAMU", [36, 110, 60]);
    picture(c);
    c.rect(0.0, 84.0, c.w, 16.0, [36, 110, 60]);
    c.word(m, 89.0, 6.0, name, WHITE);
}

/// A mango for a carton.
pub fn mango(c: &mut Canvas) {
    let m = c.w / 2.0;
    c.blob(
        (m - 13.0, 64.0),
        &[
            [m - 12.0, 42.0, m + 8.0, 40.0, m + 14.0, 54.0],
            [m + 18.0, 68.0, m + 4.0, 82.0, m - 6.0, 78.0],
            [m - 11.0, 76.0, m - 13.0, 70.0, m - 13.0, 64.0],
        ],
        [244, 150, 40],
    );
    c.haze(m + 6.0, 57.0, 6.0, 8.0, [220, 60, 40], 0.55);
    c.blob(
        (m - 2.0, 46.0),
        &[[m - 4.0, 38.0, m - 14.0, 38.0, m - 17.0, 44.0], [m - 12.0, 48.0, m - 6.0, 48.0, m - 2.0, 46.0]],
        LEAF,
    );
}

/// A pineapple for a carton.
pub fn pineapple(c: &mut Canvas) {
    let m = c.w / 2.0;
    for k in -2..=2 {
        let lean = k as f32 * 5.5;
        c.poly(&[(m - 4.0, 58.0), (m + lean, 40.0 + lean.abs() * 0.5), (m + 4.0, 58.0)], LEAF);
    }
    c.ellipse(m, 68.0, 10.0, 14.0, [226, 164, 36]);
    for k in -3..=3 {
        let x = k as f32 * 4.0;
        c.scratch(&[(m + x - 4.0, 58.0), (m + x * 0.6 + 4.0, 78.0)], 0.7, [150, 96, 22], 0.9);
        c.scratch(&[(m + x + 4.0, 58.0), (m + x * 0.6 - 4.0, 78.0)], 0.7, [150, 96, 22], 0.9);
    }
}

/// The milk carton.
pub fn milk(c: &mut Canvas) {
    let m = c.w / 2.0;
    c.fill([246, 248, 250]);
    c.rect(0.0, 0.0, c.w, 16.0, [40, 112, 190]);
    c.word(m, 26.0, 10.0, "MILK", [40, 112, 190]);
    c.wave(66.0, 7.0, [70, 160, 90]);
    for x in [-11.0, -6.0, 7.0, 11.0] {
        c.rect(m + x - 1.4, 62.0, 2.8, 12.0, INK);
    }
    c.ellipse(m, 58.0, 15.7, 9.7, INK);
    c.ellipse(m, 58.0, 15.0, 9.0, WHITE);
    for (x, y, rx, ry) in
        [(-8.0, 55.0, 4.5, 3.5), (5.0, 59.0, 5.5, 4.0), (-3.0, 63.0, 3.0, 2.0), (16.0, 52.0, 6.5, 5.5)]
    {
        c.ellipse(m + x, y, rx, ry, INK);
    }
    c.ellipse(m + 17.5, 55.0, 3.6, 2.4, [236, 170, 160]);
}

/// A tea box: one layout, many leaves.
pub fn tea(c: &mut Canvas, accent: Rgb, name: &str) {
    let m = c.w / 2.0;
    c.fill([234, 222, 190]);
    c.rect(0.0, 0.0, c.w, 14.0, accent);
    c.rect(0.0, 86.0, c.w, 14.0, accent);
    c.disc(m, 50.0, 27.0, accent);
    c.disc(m, 50.0, 24.0, [244, 236, 214]);
    c.word(m, 36.0, 10.0, "CHAI", INK);
    for side in [-1.0, 1.0] {
        let tip = m + side * 17.0;
        c.blob(
            (m, 66.0),
            &[[m + side * 3.0, 54.0, tip, 52.0, tip, 54.0], [tip, 62.0, m + side * 8.0, 68.0, m, 66.0]],
            accent,
        );
    }
    c.word(m, 89.5, 7.0, name, WHITE);
}

/// The corn flakes box.
pub fn corn_flakes(c: &mut Canvas) {
    let m = c.w / 2.0;
    c.fade([44, 104, 190], [24, 60, 130]);
    c.star(m, 28.0, 12, 22.0, 15.0, [250, 206, 60]);
    c.word(m, 22.0, 11.0, "CORN", [200, 50, 40]);
    c.ellipse(m, 74.0, m * 0.84, 12.0, WHITE);
    for k in 0..22 {
        let (a, d) = (k as f32 * 2.4, (k as f32 / 22.0).sqrt());
        c.ellipse(
            m + m * 0.66 * d * a.cos(),
            70.0 + 8.0 * d * a.sin(),
            4.6,
            2.8,
            if k % 2 == 0 { [232, 168, 52] } else { [214, 140, 40] },
        );
    }
    c.blob(
        (m * 0.16, 74.0),
        &[[m * 0.3, 104.0, m * 1.7, 104.0, m * 1.84, 74.0], [m * 1.5, 88.0, m * 0.5, 88.0, m * 0.16, 74.0]],
        [224, 70, 56],
    );
}
