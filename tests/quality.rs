//! Frame quality: each defect is found and named, good frames are left alone, natively and in wasm alike.

use jicho::frame::Frame;
use jicho::quality::{Assessor, Defect, Glimpse, Limit, Moment, Quality, RECENT_MS, Scores, assess};
use sha2::{Digest, Sha256};

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

const SIDE: usize = 480;

/// A picture in grey levels, 0–1, with as many columns as rows.
type Picture = Vec<f32>;

/// A printed box on a table: sharp edges of many lengths, black, white and greys, grain.
fn product() -> Picture {
    drawn(|x, y| {
        let label = (90..390).contains(&x) && (60..420).contains(&y);
        let print =
            (120..360).contains(&x) && (100..380).contains(&y) && (y / 14) % 2 == 0 && (x / 9 + y / 28 * 5) % 3 != 0;
        let badge = (x as i32 - 300).pow(2) + (y as i32 - 330).pow(2) < 45 * 45;
        match (badge, print, label) {
            (true, ..) => 0.25,
            (_, true, _) => 0.08,
            (_, _, true) => 0.85,
            _ => 0.4 + x as f32 * 1e-4,
        }
    })
}

fn drawn(light: impl Fn(usize, usize) -> f32) -> Picture {
    (0..SIDE * SIDE).map(|i| light(i % SIDE, i / SIDE)).collect()
}

fn quality_of(picture: &Picture, before: Option<&Glimpse>) -> (Quality, Glimpse) {
    let side = picture.len().isqrt() as u32;
    assess(&Frame::new(side, side, &rgba_of(picture)).unwrap(), before)
}

fn rgba_of(picture: &Picture) -> Vec<u8> {
    let mut noise: u32 = 1;
    picture
        .iter()
        .flat_map(|light| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let level = (light * 255.0 + (noise >> 29) as f32 - 3.5).clamp(0.0, 255.0) as u8;
            [level, level, level, 255]
        })
        .collect()
}

fn scores(picture: &Picture) -> Scores {
    quality_of(picture, None).0.scores
}

fn defects(picture: &Picture) -> Vec<Defect> {
    quality_of(picture, None).0.findings.iter().map(|finding| finding.defect).collect()
}

/// Means of (2 · radius + 1)² pixels.
fn blurred(picture: &Picture, radius: usize) -> Picture {
    let pass = |picture: &Picture| {
        drawn(|x, y| {
            let near = |offset: usize| picture[(x + offset).saturating_sub(radius).min(SIDE - 1) * SIDE + y];
            (0..=2 * radius).map(near).sum::<f32>() / (2 * radius + 1) as f32
        })
    };
    pass(&pass(picture))
}

fn shifted(picture: &Picture, columns: usize) -> Picture {
    drawn(|x, y| picture[y * SIDE + (x + columns).min(SIDE - 1)])
}

#[test]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
fn a_good_frame_has_no_findings() {
    let (quality, glimpse) = quality_of(&product(), None);
    assert_eq!(quality.findings, [], "{:?}", quality.scores);
    assert_eq!(quality.scores.motion, None);
    let (again, _) = quality_of(&product(), Some(&glimpse));
    assert_eq!(again.findings, []);
    assert_eq!(again.scores.motion, Some(0.0));
}

#[test]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
fn each_defect_is_found_and_comes_first() {
    let each = |change: fn(f32) -> f32| product().into_iter().map(change).collect::<Picture>();
    let good = product();
    let far = drawn(|x, y| {
        let inside = (180..300).contains(&x) && (180..300).contains(&y);
        if inside { good[(y - 180) * 4 * SIDE + (x - 180) * 4] } else { 0.5 }
    });
    let lamp = drawn(|x, y| {
        let away = (x as f32 - 200.0).hypot(y as f32 - 220.0);
        good[y * SIDE + x] + 2.0 * (-(away / 45.0).powi(2)).exp()
    });
    let cases = [
        (Defect::TooDark, each(|v| v * 0.2)),
        (Defect::TooBright, each(|v| v * 2.6)),
        (Defect::Glare, lamp),
        (Defect::LowContrast, each(|v| v * 0.2 + 0.5)),
        (Defect::TooSmall, far),
        (Defect::Blur, blurred(&good, 6)),
    ];
    for (defect, picture) in &cases {
        let found = defects(picture);
        assert_eq!(found.first(), Some(defect), "{found:?} {:?}", scores(picture));
    }
    let (_, glimpse) = quality_of(&good, None);
    let (moved, _) = quality_of(&shifted(&good, 40), Some(&glimpse));
    assert_eq!(moved.findings.iter().map(|f| f.defect).collect::<Vec<_>>(), [Defect::Motion]);
}

#[test]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
fn scores_follow_the_strength() {
    let good = product();
    let falling = |scores: Vec<f32>| assert!(scores.windows(2).all(|pair| pair[1] < pair[0]), "{scores:?}");
    let rising = |scores: Vec<f32>| assert!(scores.windows(2).all(|pair| pair[1] > pair[0]), "{scores:?}");
    falling([0, 2, 4, 8, 16].map(|radius| scores(&blurred(&good, radius)).blur).to_vec());
    let lit = |gain: f32| -> Picture { good.iter().map(|v| v * gain).collect() };
    falling([1.0, 0.7, 0.4, 0.2].map(|gain| scores(&lit(gain)).too_dark).to_vec());
    rising([1.0, 2.0, 3.0].map(|gain| scores(&lit(gain)).too_bright).to_vec());
    let hazy = |left: f32| -> Picture { good.iter().map(|v| v * left + (1.0 - left) * 0.6).collect() };
    falling([1.0, 0.7, 0.4, 0.2].map(|left| scores(&hazy(left)).low_contrast).to_vec());
    let (_, glimpse) = quality_of(&good, None);
    let motion = |columns| quality_of(&shifted(&good, columns), Some(&glimpse)).0.scores.motion.unwrap();
    rising([0, 4, 10, 20, 40].map(motion).to_vec());
}

#[test]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
fn light_and_contrast_do_not_pass_for_blur_nor_light_for_motion() {
    let sharp = scores(&product()).blur;
    for (gain, lift) in [(0.5, 0.0), (0.5, 0.3), (0.25, 0.4)] {
        let other = scores(&product().iter().map(|v| v * gain + lift).collect()).blur;
        assert!((other - sharp).abs() < 0.1, "{sharp} {other}");
    }
    let (_, glimpse) = quality_of(&product(), None);
    let brighter: Picture = product().iter().map(|v| v + 0.06).collect();
    let motion = quality_of(&brighter, Some(&glimpse)).0.scores.motion.unwrap();
    assert!(motion < 0.005, "{motion}");
}

#[test]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
fn only_the_central_square_counts() {
    let rgba = |rim: u8| -> Vec<u8> {
        let pixel = |i: usize| {
            let (x, y) = (i % 320, i / 320);
            let level = if (80..240).contains(&x) { ((x / 8 + y / 8) % 2 * 180 + 30) as u8 } else { rim };
            [level, level, level, 255]
        };
        (0..320 * 160).flat_map(pixel).collect()
    };
    let of = |rgba: &[u8]| assess(&Frame::new(320, 160, rgba).unwrap(), None);
    assert_eq!(of(&rgba(0)), of(&rgba(255)));
}

#[test]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
fn frames_of_any_size_and_plain_ones_have_scores() {
    let mut glimpse = None;
    for (width, height) in [(1, 1), (1, 9), (9, 1), (2, 2), (7, 7), (8, 8), (9, 9), (10, 31), (33, 32), (255, 300)] {
        for level in [0u8, 90, 255] {
            for grain in [0, 60] {
                let value = |i: u32| level.wrapping_add((i.wrapping_mul(2_654_435_761) >> 16) as u8 % (grain + 1));
                let rgba: Vec<u8> = (0..width * height).flat_map(|i| [value(i), value(i), value(i), 255]).collect();
                let (quality, now) = assess(&Frame::new(width, height, &rgba).unwrap(), glimpse.as_ref());
                for score in Defect::ALL.iter().filter_map(|defect| quality.scores.of(*defect)) {
                    assert!(score.is_finite() && score >= 0.0, "{width}x{height} {:?}", quality.scores);
                }
                assert!(quality.findings.iter().any(|f| f.defect == Defect::TooSmall) || width.min(height) > 100);
                glimpse = Some(now);
            }
        }
    }
    // A covered lens; a wall.
    assert_eq!(defects(&drawn(|_, _| 0.02))[0], Defect::TooDark);
    assert_eq!(defects(&drawn(|_, _| 0.5))[0], Defect::LowContrast);
}

/// The same numbers in wasm: integers up to the last division. Whoever changes a measure on purpose measures its limit anew.
#[test]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
fn the_golden_frame_has_these_scores_everywhere() {
    let rgba = jicho::golden::rgba();
    let (_, glimpse) = quality_of(&product(), None);
    let scores = assess(&jicho::golden::frame(&rgba), Some(&glimpse)).0.scores;
    let expected = Scores {
        too_dark: 190.0,
        too_bright: 0.109_375,
        glare: 0.0,
        low_contrast: 0.614_173_23,
        too_small: 102.0,
        motion: Some(0.096_318_44),
        blur: 0.984_199_3,
    };
    assert_eq!(scores, expected);
}

/// The same bits in wasm, of frames of all kinds: grain, slopes, steps, clipped, transparent, wide, high, tiny, larger than is looked at.
#[test]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
fn many_frames_have_the_same_scores_everywhere() {
    let mut digest = Sha256::new();
    let mut noise: u32 = 7;
    let mut before = None;
    for round in 0..60u32 {
        let (width, height) = (8 + round * 37 % 700, 8 + round * 53 % 500);
        let (grain, slope, step) = (round % 7 * 20 + 1, 1 + round % 5, 1 + round % 11 * 6);
        let pixel = |i: u32| {
            let (x, y) = (i % width, i / width);
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let level = (x * slope / 3 + (y / step % 2) * 90 + (noise >> 16) % grain + round * 2).min(255) as u8;
            [level, level.saturating_add(30), 255 - level, if round % 4 == 0 { level } else { 255 }]
        };
        let rgba: Vec<u8> = (0..width * height).flat_map(pixel).collect();
        let (quality, glimpse) = assess(&Frame::new(width, height, &rgba).unwrap(), before.as_ref());
        for defect in Defect::ALL {
            digest.update(quality.scores.of(defect).unwrap_or(-1.0).to_le_bytes());
        }
        before = Some(glimpse);
    }
    let got: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(got, "e16c4bff480f9be7a00c4804f54dbdfea3f0786900c9ca2529cb9ba3608a295e");
}

#[test]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
fn motion_is_told_by_the_frame_before_of_the_same_video() {
    let (good, moved) = (rgba_of(&product()), rgba_of(&shifted(&product(), 40)));
    let mut assessor = Assessor::default();
    let mut motion = |rgba: &[u8], moment: Option<(u32, f64)>| {
        let frame = Frame::new(SIDE as u32, SIDE as u32, rgba).unwrap();
        assessor.assess(&frame, moment.map(|(video, at)| Moment { video, at })).scores.motion
    };
    assert_eq!(motion(&good, Some((1, 0.0))), None);
    let shift = motion(&moved, Some((1, 100.0)));
    assert!(shift.unwrap() > 0.015);
    assert_eq!(motion(&moved, Some((1, 100.0))), Some(0.0));
    // A photo has none, and the video goes on as if it had not been.
    assert_eq!(motion(&good, None), None);
    assert_eq!(motion(&moved, Some((1, 200.0))), Some(0.0));
    // Too late, then just in time.
    assert_eq!(motion(&good, Some((1, 201.0 + RECENT_MS))), None);
    assert_eq!(motion(&moved, Some((1, 201.0 + 2.0 * RECENT_MS))), shift);
    // Two videos by turns, and clocks that are none.
    for at in [2000.0, 2001.0] {
        assert_eq!((motion(&good, Some((2, at))), motion(&moved, Some((3, at)))), (None, None));
    }
    for at in [1999.0, f64::NAN, f64::NAN, f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(motion(&good, Some((3, at))), None, "{at}");
    }
}

#[test]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
fn findings_say_by_how_much_and_what_to_do() {
    let dark: Picture = product().iter().map(|v| v * 0.2).collect();
    let (quality, _) = quality_of(&dark, None);
    let json = serde_json::to_value(&quality).unwrap();
    let finding = &json["findings"][0];
    assert_eq!(finding["defect"], "too-dark");
    assert_eq!(finding["score"], json["scores"]["tooDark"]);
    let Limit::Least(limit) = Defect::TooDark.limit() else { panic!("darkness has a least") };
    assert_eq!(finding["limit"], limit);
    assert_eq!(finding["reason"], Defect::TooDark.reason());
    assert!(json["scores"].get("motion").is_none());
    for defect in Defect::ALL {
        assert!((8..=64).contains(&defect.reason().len()), "{}", defect.reason());
        // At the limit itself nothing is wrong.
        let name = serde_json::to_value(defect).unwrap();
        let (Limit::Least(limit) | Limit::Most(limit)) = defect.limit();
        let at = |value: f32| {
            let mut scores = serde_json::to_value(scores(&product())).unwrap();
            let field =
                name.as_str().unwrap().replace("-d", "D").replace("-b", "B").replace("-c", "C").replace("-s", "S");
            scores[field] = value.into();
            Quality::of(serde_json::from_value(scores).unwrap()).findings
        };
        assert_eq!(at(limit), []);
        let beyond = if matches!(defect.limit(), Limit::Least(_)) { limit * 0.99 } else { limit * 1.01 };
        assert_eq!(at(beyond).iter().map(|f| f.defect).collect::<Vec<_>>(), [defect]);
    }
}
