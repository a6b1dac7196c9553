//! Artwork of bags, jars and bottles.

use super::draw::{Canvas, INK, Rgb, WHITE, scatter};
use super::packs::{GOLD, LEAF, RED};

/// A bag's crimped outline; the panel outside stays empty.
fn sack(c: &mut Canvas, color: Rgb, seam: Rgb) {
    let w = c.w;
    let mut outline = Vec::new();
    let teeth = 14;
    outline
        .extend((0..=teeth).map(|k| (w * (0.05 + 0.9 * k as f32 / teeth as f32), if k % 2 == 0 { 2.0 } else { 4.0 })));
    outline.extend([(w * 0.965, 14.0), (w * 0.99, 35.0), (w * 0.985, 70.0), (w * 0.965, 88.0)]);
    outline.extend(
        (0..=teeth).rev().map(|k| (w * (0.05 + 0.9 * k as f32 / teeth as f32), if k % 2 == 0 { 98.0 } else { 96.0 })),
    );
    outline.extend([(w * 0.035, 88.0), (w * 0.015, 70.0), (w * 0.01, 35.0), (w * 0.035, 14.0)]);
    c.poly(&outline, color);
    for y in [6.0, 7.8, 92.2, 94.0] {
        c.scratch(&[(w * 0.07, y), (w * 0.93, y)], 0.7, seam, 0.7);
    }
}

/// The crisps bag.
pub fn chips(c: &mut Canvas) {
    sack(c, [216, 36, 40], [120, 16, 20]);
    let m = c.w / 2.0;
    c.ellipse(m, 33.0, m * 0.74, 15.0, GOLD);
    c.word(m, 28.5, 9.0, "CHIPS", RED);
    for (x, y, lean) in
        [(-14.0, 62.0, 3.0), (10.0, 60.0, -4.0), (-3.0, 74.0, 5.0), (16.0, 78.0, 2.0), (-18.0, 80.0, -3.0)]
    {
        c.ellipse(m + x, y, 12.5, 8.0 + lean * 0.5, [190, 130, 30]);
        c.ellipse(m + x, y - 1.0, 12.0, 7.4 + lean * 0.5, [244, 206, 96]);
        c.haze(m + x + lean, y - 1.0, 6.0, 3.0, [224, 168, 56], 0.7);
    }
}

/// The coffee bag.
pub fn coffee(c: &mut Canvas) {
    sack(c, [54, 36, 28], [20, 12, 10]);
    let m = c.w / 2.0;
    c.rect(m * 0.24, 26.0, m * 1.52, 50.0, [226, 208, 172]);
    c.word(m, 31.0, 7.0, "KAHAWA", [54, 36, 28]);
    for (x, y) in [(-9.0, 55.0), (9.0, 55.0), (0.0, 65.0)] {
        c.ellipse(m + x, y, 7.0, 9.0, [104, 62, 36]);
        c.line(&[(m + x + 1.0, y - 7.0), (m + x - 1.5, y), (m + x + 1.0, y + 7.0)], 1.4, [54, 36, 28]);
    }
    c.disc(m, 17.0, 3.0, [150, 140, 130]);
}

/// The rice bag.
pub fn rice(c: &mut Canvas) {
    sack(c, [236, 232, 218], [150, 146, 134]);
    let m = c.w / 2.0;
    c.rect(m * 0.05, 22.0, m * 1.9, 22.0, [34, 120, 70]);
    c.word(m, 27.0, 12.0, "RICE", WHITE);
    for (k, (dx, dy)) in scatter(60).enumerate() {
        let (x, y, lean) = (m + m * 0.8 * dx, 67.0 + 20.0 * dy, (k % 5) as f32 - 2.0);
        c.line(
            &[(x - lean * 0.5, y + 1.2), (x + lean * 0.5, y - 1.2)],
            1.6,
            if k % 3 == 0 { [196, 184, 146] } else { WHITE },
        );
    }
    c.star(m, 66.0, 8, 11.0, 6.0, [206, 60, 44]);
}

/// The honey jar.
pub fn honey(c: &mut Canvas) {
    let m = c.w / 2.0;
    c.fade([226, 150, 30], [190, 104, 16]);
    c.rect(0.0, 0.0, c.w, 17.5, [222, 178, 50]);
    c.rect(0.0, 42.0, c.w, 44.0, [252, 240, 204]);
    c.word(m, 47.0, 9.0, "HONEY", [120, 66, 12]);
    c.ellipse(m, 73.0, 11.0, 7.5, [240, 180, 30]);
    for x in [-5.0, 0.0, 5.0] {
        c.rect(m + x - 1.2, 66.5, 2.4, 13.0, INK);
    }
    c.haze(m - 3.0, 65.0, 6.0, 4.0, [150, 190, 220], 0.8);
    c.haze(m + 5.0, 65.0, 6.0, 4.0, [150, 190, 220], 0.8);
}

/// The jam jar.
pub fn jam(c: &mut Canvas) {
    let m = c.w / 2.0;
    c.fade([150, 16, 30], [104, 8, 22]);
    let check = c.w / 14.0;
    for k in 0..14 {
        for row in 0..3 {
            let color = if (k + row) % 2 == 0 { [206, 46, 54] } else { WHITE };
            c.rect(check * k as f32, row as f32 * 5.9, check + 0.1, 5.9, color);
        }
    }
    c.ellipse(m, 64.0, m * 0.62, 22.0, WHITE);
    c.word(m, 48.0, 8.0, "JAM", [150, 16, 30]);
    c.blob(
        (m - 9.0, 64.0),
        &[
            [m - 8.0, 58.0, m + 8.0, 58.0, m + 9.0, 64.0],
            [m + 9.0, 72.0, m + 3.0, 80.0, m, 81.0],
            [m - 3.0, 80.0, m - 9.0, 72.0, m - 9.0, 64.0],
        ],
        [220, 36, 44],
    );
    for (x, y) in [(-4.0, 66.0), (3.0, 65.0), (0.0, 71.0), (-3.0, 74.0), (4.0, 71.0)] {
        c.disc(m + x, y, 0.9, GOLD);
    }
    c.star(m, 60.5, 5, 6.0, 2.0, LEAF);
}

fn cap(c: &mut Canvas, color: Rgb) {
    c.rect(0.0, 0.0, c.w, 8.0, color);
    c.rect(0.0, 6.8, c.w, 0.7, color.map(|v| v / 2));
}

/// The cola bottle.
pub fn cola(c: &mut Canvas) {
    let m = c.w / 2.0;
    c.fade([60, 32, 22], [34, 14, 10]);
    cap(c, [190, 30, 34]);
    c.rect(0.0, 44.0, c.w, 28.0, RED);
    c.scratch(&[(0.0, 66.0), (m, 61.0), (c.w, 66.0)], 2.2, WHITE, 1.0);
    c.word(m, 48.0, 7.6, "KOLA", WHITE);
}

/// The cooking oil bottle.
pub fn oil(c: &mut Canvas) {
    let m = c.w / 2.0;
    c.fade([238, 196, 60], [222, 170, 30]);
    cap(c, [40, 130, 62]);
    c.rect(0.0, 44.0, c.w, 40.0, [40, 130, 62]);
    c.star(m, 58.0, 12, 11.0, 6.0, [252, 210, 50]);
    c.disc(m, 58.0, 4.6, [110, 66, 24]);
    c.word(m, 73.0, 7.6, "OIL", WHITE);
}

/// The water bottle.
pub fn water(c: &mut Canvas) {
    let m = c.w / 2.0;
    c.fade([206, 228, 240], [166, 204, 226]);
    cap(c, [40, 110, 200]);
    for y in [34.0, 76.0, 82.0, 88.0] {
        c.scratch(&[(0.0, y), (c.w, y)], 1.2, [96, 146, 180], 0.6);
    }
    c.rect(0.0, 44.0, c.w, 26.0, [40, 110, 200]);
    c.poly(&[(m - 15.0, 66.0), (m - 4.0, 50.0), (m + 2.0, 58.0), (m + 7.0, 53.0), (m + 16.0, 66.0)], WHITE);
}
