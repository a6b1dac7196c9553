//! Fruit and vegetables, drawn lying free: what is not painted stays empty.

use super::draw::{Canvas, Rgb, scatter};

const STEM: Rgb = [96, 66, 38];

fn shade(c: Rgb, part: f32) -> Rgb {
    c.map(|v| (f32::from(v) * part).clamp(0.0, 255.0) as u8)
}

/// An apple of a skin colour with streaks of another.
pub fn apple(c: &mut Canvas, skin: Rgb, streak: Rgb) {
    let m = c.w / 2.0;
    let x = |v: f32| m + v;
    c.blob(
        (m, 20.0),
        &[
            [x(14.0), 9.0, x(46.0), 12.0, x(46.0), 46.0],
            [x(46.0), 78.0, x(26.0), 98.0, x(13.0), 97.0],
            [x(6.0), 96.5, x(4.0), 94.5, m, 94.5],
            [x(-4.0), 94.5, x(-6.0), 96.5, x(-13.0), 97.0],
            [x(-26.0), 98.0, x(-46.0), 78.0, x(-46.0), 46.0],
            [x(-46.0), 12.0, x(-14.0), 9.0, m, 20.0],
        ],
        skin,
    );
    // Streaks run from stem to base like meridians.
    for k in 0..60 {
        let side = ((k * 23 % 60) as f32 - 29.5) / 31.0;
        let (from, long) = (0.1 + (k * 7 % 10) as f32 * 0.04, 0.2 + (k * 37 % 29) as f32 / 75.0);
        let path: Vec<_> = (0..=6)
            .map(|i| {
                let t = (from + long * i as f32 / 6.0) * std::f32::consts::PI;
                (x(side * 43.0 * t.sin().powf(0.7)), 58.0 - 37.0 * t.cos())
            })
            .collect();
        c.scratch(&path, 0.8 + (k % 3) as f32 * 0.7, streak, 0.16);
    }
    c.haze(x(-15.0), 50.0, 18.0, 24.0, streak, 0.18);
    c.haze(m, 23.0, 15.0, 5.0, shade(skin, 0.45), 0.55);
    c.haze(m, 22.0, 8.0, 3.0, shade(skin, 0.3), 0.6);
    for (dx, dy) in scatter(50) {
        c.haze(x(dx * 36.0), 57.0 + dy * 33.0, 0.6, 0.6, [244, 236, 190], 0.5);
    }
    c.line(&[(m, 23.0), (x(2.0), 13.0), (x(6.0), 4.0)], 3.0, STEM);
}

/// An orange with pores and its green button.
pub fn orange(c: &mut Canvas) {
    let m = c.w / 2.0;
    c.ellipse(m, 50.0, 47.0, 46.0, [238, 128, 24]);
    for (dx, dy) in scatter(420) {
        c.haze(m + dx * 44.0, 50.0 + dy * 43.0, 0.9, 0.8, [188, 84, 8], 0.45);
        c.haze(m + dx * 44.0 - 0.6, 49.2 + dy * 43.0, 0.6, 0.5, [255, 176, 84], 0.4);
    }
    c.haze(m + 8.0, 26.0, 9.0, 6.0, [196, 96, 10], 0.4);
    c.star(m + 8.0, 26.0, 5, 5.0, 2.4, [92, 116, 50]);
}

/// A lemon with its two tips.
pub fn lemon(c: &mut Canvas) {
    let m = c.w / 2.0;
    let x = |v: f32| m + v;
    c.blob(
        (x(-62.0), 52.0),
        &[
            [x(-56.0), 40.0, x(-50.0), 38.0, x(-44.0), 28.0],
            [x(-26.0), 2.0, x(28.0), 2.0, x(46.0), 32.0],
            [x(50.0), 40.0, x(60.0), 40.0, x(62.0), 50.0],
            [x(60.0), 60.0, x(50.0), 62.0, x(44.0), 70.0],
            [x(26.0), 98.0, x(-28.0), 98.0, x(-46.0), 72.0],
            [x(-50.0), 64.0, x(-58.0), 62.0, x(-62.0), 52.0],
        ],
        [242, 208, 36],
    );
    for (dx, dy) in scatter(260) {
        c.haze(x(dx * 46.0), 50.0 + dy * 40.0, 1.0, 0.9, [204, 164, 16], 0.4);
    }
    c.haze(x(48.0), 51.0, 9.0, 12.0, [168, 178, 40], 0.4);
    c.haze(x(-60.0), 52.0, 2.6, 3.4, [120, 92, 30], 0.8);
}

/// One banana, bent.
pub fn banana(c: &mut Canvas) {
    let m = c.w / 2.0;
    let x = |v: f32| m + v;
    let skin = [240, 204, 62];
    c.blob(
        (x(-57.0), 8.0),
        &[
            [x(-54.0), 6.0, x(-50.0), 6.0, x(-48.0), 10.0],
            [x(-40.0), 46.0, x(4.0), 62.0, x(54.0), 44.0],
            [x(60.0), 44.0, x(61.0), 50.0, x(58.0), 53.0],
            [x(30.0), 92.0, x(-24.0), 98.0, x(-46.0), 58.0],
            [x(-56.0), 42.0, x(-56.0), 22.0, x(-57.0), 8.0],
        ],
        skin,
    );
    // The ridges along the back and the belly.
    let ridge = |c: &mut Canvas, sag: f32, alpha: f32| {
        let bend: Vec<_> = (0..=16)
            .map(|k| {
                let t = k as f32 / 16.0;
                let (a, b, d) = ((1.0 - t) * (1.0 - t), 2.0 * t * (1.0 - t), t * t);
                (x(-52.0 * a - 34.0 * b + 57.0 * d), 14.0 * a + sag * b + 48.0 * d)
            })
            .collect();
        c.scratch(&bend, 1.6, [176, 134, 30], alpha);
    };
    ridge(c, 92.0, 0.55);
    ridge(c, 112.0, 0.35);
    c.line(&[(x(-53.0), 8.0), (x(-52.0), 15.0)], 5.0, [130, 122, 50]);
    c.disc(x(57.5), 48.5, 3.4, [74, 52, 30]);
    for (dx, dy) in scatter(16) {
        c.haze(x(dx * 34.0 - 8.0), 68.0 + dy * 8.0, 1.4, 0.7, [116, 76, 30], 0.6);
    }
}

/// An aubergine with its calyx.
pub fn aubergine(c: &mut Canvas) {
    let m = c.w / 2.0;
    let x = |v: f32| m + v;
    c.blob(
        (x(-9.0), 18.0),
        &[
            [x(-14.0), 38.0, x(-27.0), 52.0, x(-26.0), 72.0],
            [x(-25.0), 90.0, x(-12.0), 98.0, x(1.0), 98.0],
            [x(16.0), 98.0, x(27.0), 88.0, x(26.0), 70.0],
            [x(25.0), 50.0, x(13.0), 38.0, x(10.0), 18.0],
        ],
        [58, 26, 74],
    );
    c.haze(x(-9.0), 66.0, 5.0, 20.0, [128, 92, 150], 0.4);
    let calyx = [84, 122, 58];
    c.poly(
        &[
            (x(-12.0), 14.0),
            (x(12.0), 14.0),
            (x(14.0), 30.0),
            (x(6.0), 23.0),
            (x(0.0), 34.0),
            (x(-6.0), 23.0),
            (x(-14.0), 31.0),
        ],
        calyx,
    );
    c.line(&[(m, 15.0), (x(2.0), 5.0)], 6.0, shade(calyx, 0.85));
}
