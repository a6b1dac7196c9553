//! Geohashes: published vectors, the poles, the antimeridian, and what is refused.

use jicho::location::{Geohash, Precision};
use jicho::{ErrorKind, Result};
use proptest::prelude::*;

fn of(latitude: f64, longitude: f64, characters: u8) -> Geohash {
    Geohash::of(latitude, longitude, Precision::precise(characters).unwrap()).unwrap()
}

fn neighbours(text: &str) -> Vec<String> {
    Geohash::parse(text).unwrap().neighbours().map(String::from).to_vec()
}

/// The definition, by halving: nothing of the crate.
fn halved(latitude: f64, longitude: f64, characters: usize) -> String {
    let mut ranges = [(-180.0, 180.0), (-90.0, 90.0)];
    let mut bit = 0;
    let mut character = || {
        (0..5).fold(0, |code, _| {
            let value = if bit % 2 == 0 { longitude } else { latitude };
            let (low, high) = &mut ranges[bit % 2];
            let middle = f64::midpoint(*low, *high);
            let upper = value >= middle;
            *(if upper { low } else { high }) = middle;
            bit += 1;
            2 * code + usize::from(upper)
        })
    };
    (0..characters).map(|_| char::from(b"0123456789bcdefghjkmnpqrstuvwxyz"[character()])).collect()
}

#[test]
fn published_vectors() {
    let vectors = [
        // Wikipedia, and its geohash.org example.
        (42.6, -5.6, "ezs42"),
        (57.64911, 10.40744, "u4pruydqqvj"),
        // latlon-geohash (Chris Veness).
        (57.648, 10.410, "u4pruy"),
        (-25.38262, -49.26561, "6gkzwgjz"),
        // ngeohash.
        (37.8324, 112.5584, "ww8p1r4t8"),
        (32.0, 117.0, "wte"),
        // From python-geohash, as mmcloughlin/geohash publishes them.
        (-74.761330, -140.309714, "0fsnxn"),
        (0.497818518, 38.198505253, "sb54v4xk18jg"),
        (-84.529178182, -174.125057287, "00upjeyjb54g"),
        (-17.090238388, 14.947853282, "kkfwu0udnhxm"),
        (86.06108453, -43.628546008, "gp2cx4ywjhyj"),
        (89.33987042, -152.372551026, "bxgshxvdqnzj"),
        (83.915446347, 177.881387638, "zyymru36bubp"),
        (-88.785543693, 179.854113465, "pbpyutjf8x54"),
        (-47.2723902, -2.202915933, "5zw7jf7fk7fb"),
    ];
    for (latitude, longitude, expected) in vectors {
        assert_eq!(of(latitude, longitude, expected.len() as u8).as_str(), expected);
        assert_eq!(halved(latitude, longitude, expected.len()), expected);
    }
}

#[test]
fn published_neighbours() {
    // latlon-geohash; then ngeohash, as mmcloughlin/geohash publishes them: north, then clockwise.
    let vectors = [
        "ezzz: gbpb u000 spbp spbn ezzy ezzw ezzx gbp8",
        "tnc8: tnc9 tncc tncb tn9z tn9x tn9r tnc2 tnc3",
        "08uzz65: 08uzz67 08uzz6k 08uzz6h 08uzz3u 08uzz3g 08uzz3f 08uzz64 08uzz66",
        "b02ws74: b02ws76 b02ws77 b02ws75 b02ws6g b02ws6f b02ws6c b02ws71 b02ws73",
        "zptr: zpv2 zpv8 zptx zptw zptq zptn zptp zpv0",
        "hb051: hb053 hb056 hb054 hb04f hb04c hb04b hb050 hb052",
        "eyh0: eyh1 eyh3 eyh2 evur evup evgz ey5b ey5c",
    ];
    for vector in vectors {
        let (cell, around) = vector.split_once(": ").unwrap();
        assert_eq!(neighbours(cell), around.split(' ').collect::<Vec<_>>(), "{cell}");
    }
}

#[test]
fn poles_have_cells_of_their_own() {
    for characters in 1..=12 {
        for longitude in [-180.0, -0.0, 37.5, 179.999] {
            let north = of(90.0, longitude, characters).bounds();
            assert_eq!((north.north, of(-90.0, longitude, characters).bounds().south), (90.0, -90.0));
            assert_eq!(of(90.0_f64.next_down(), longitude, characters).bounds().north, 90.0);
        }
    }
    // North of the northernmost lies the cell half way round, and south of that one this one.
    assert_eq!(of(90.0, 10.0, 3).neighbours()[0], of(90.0, -170.0, 3));
    assert_eq!(of(-90.0, 10.0, 3).neighbours()[4], of(-90.0, -170.0, 3));
}

#[test]
fn the_antimeridian_is_one_line() {
    for characters in 1..=12 {
        assert_eq!(of(12.0, 180.0, characters), of(12.0, -180.0, characters));
        let west = of(12.0, -180.0, characters).neighbours()[6].clone();
        assert_eq!(west.bounds().east, 180.0);
        assert_eq!(west.neighbours()[2], of(12.0, -180.0, characters));
    }
}

#[test]
fn five_characters_are_the_default_and_more_than_six_an_opt_in() {
    let shop = Geohash::of(-1.286389, 36.817223, Precision::default()).unwrap();
    assert_eq!(shop.as_str(), halved(-1.286389, 36.817223, 5));
    assert_eq!(Precision::coarse(6).unwrap(), Precision::precise(6).unwrap());
    for characters in 7..=12 {
        let error = Precision::coarse(characters).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.message().contains("opt in"), "{error}");
        assert_eq!(Precision::precise(characters).unwrap().characters(), characters);
    }
    for characters in [0, 13, 255] {
        assert!(Precision::coarse(characters).is_err() && Precision::precise(characters).is_err());
    }
}

#[test]
fn nonsense_is_refused_and_never_repeated() {
    let nonsense = [
        (f64::NAN, 36.8),
        (-1.28, f64::NAN),
        (f64::INFINITY, 36.8),
        (-1.28, f64::NEG_INFINITY),
        (90.000001, 36.8),
        (-91.28, 36.8),
        (-1.28, 180.000001),
        (-1.28, -500.5),
        // Swapped.
        (136.8172, -1.2863),
    ];
    for (latitude, longitude) in nonsense {
        let error = Geohash::of(latitude, longitude, Precision::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        let digits = |text: &str| text.replace("90", "").replace("180", "").contains(|c: char| c.is_ascii_digit());
        assert!(!digits(error.message()), "{error}");
    }
}

#[test]
fn names_are_checked() {
    assert_eq!(Geohash::parse("EZS42").unwrap().as_str(), "ezs42");
    for wrong in ["", "a", "ezi42", "ezl", "ezo", "ez s", "ezs42ezs42ezs", "ñ", "ez\u{212a}"] {
        assert_eq!(Geohash::parse(wrong).unwrap_err().kind(), ErrorKind::InvalidArgument, "{wrong}");
    }
    let kept: Geohash = serde_json::from_str("\"ezs42\"").unwrap();
    assert_eq!(serde_json::to_string(&kept).unwrap(), "\"ezs42\"");
    assert!(serde_json::from_str::<Geohash>("\"a\"").is_err());
}

fn place() -> impl Strategy<Value = (f64, f64)> {
    let edge = |most: f64| {
        prop_oneof![
            8 => -most..=most,
            1 => prop::sample::select(vec![-most, most, 0.0, -0.0, most.next_down(), (-most).next_up()]),
        ]
    };
    (edge(90.0), edge(180.0))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_cell_holds_its_place((latitude, longitude) in place(), characters in 1u8..=12) {
        let bounds = of(latitude, longitude, characters).bounds();
        // The crate's product of 1/180 rounds: by less than a millionth of a millimetre.
        let slack = 1e-12;
        prop_assert!(bounds.south - slack <= latitude && latitude <= bounds.north + slack);
        let longitude = if longitude + slack >= 180.0 && bounds.west < 0.0 { -180.0 } else { longitude };
        prop_assert!(bounds.west - slack <= longitude && longitude <= bounds.east + slack);
    }

    #[test]
    fn the_crate_agrees_with_the_definition(latitude in -90.0f64..90.0, longitude in -180.0f64..180.0, characters in 1u8..=12) {
        let [ours, defined] = [of(latitude, longitude, characters), Geohash::parse(&halved(latitude, longitude, characters.into()))?];
        let slack = 1e-12;
        let [a, b] = [ours.bounds(), defined.bounds()];
        // Equal, or on the line between both.
        let at = |value: f64, edges: [f64; 2]| edges.iter().any(|edge| (edge - value).abs() < slack);
        let on_line = at(latitude, [a.south, a.north]) || at(longitude, [a.west, a.east]);
        prop_assert!(ours == defined || on_line, "{:?} {:?}", a, b);
    }

    #[test]
    fn a_cell_is_that_of_its_centre((latitude, longitude) in place(), characters in 1u8..=12) {
        let cell = of(latitude, longitude, characters);
        let b = cell.bounds();
        prop_assert_eq!(&of(f64::midpoint(b.south, b.north), f64::midpoint(b.west, b.east), characters), &cell);
        prop_assert_eq!(Geohash::parse(cell.as_str())?, cell.clone());
        prop_assert_eq!(cell.precision().characters(), characters);
    }

    #[test]
    fn coarser_is_a_prefix((latitude, longitude) in place(), characters in 1u8..12) {
        let (coarse, fine) = (of(latitude, longitude, characters), of(latitude, longitude, characters + 1));
        prop_assert!(fine.is_within(&coarse) && !coarse.is_within(&fine));
    }

    #[test]
    fn neighbours_touch_and_know_each_other((latitude, longitude) in place(), characters in 1u8..=12) {
        let cell = of(latitude, longitude, characters);
        let here = cell.bounds();
        let around = cell.neighbours();
        for (i, other) in around.iter().enumerate() {
            prop_assert_ne!(other, &cell);
            prop_assert!(other.neighbours().contains(&cell), "{} {}", cell, other);
            let there = other.bounds();
            let [north, south] = [i < 2 || i == 7, (3..6).contains(&i)];
            if north {
                prop_assert_eq!(there.south, if here.north == 90.0 { here.south } else { here.north });
            } else if south {
                prop_assert_eq!(there.north, if here.south == -90.0 { here.north } else { here.south });
            } else {
                prop_assert_eq!(there.south, here.south);
            }
            let over_a_pole = north && here.north == 90.0 || south && here.south == -90.0;
            if !over_a_pole {
                let east = match i { 1..=3 => 1.0, 5..=7 => -1.0, _ => 0.0 };
                let turns = (there.west - here.west - east * (here.east - here.west)) / 360.0;
                prop_assert_eq!(turns, turns.round());
            }
        }
        let mut names = around.to_vec();
        names.sort();
        names.dedup();
        prop_assert_eq!(names.len(), 8);
    }

    #[test]
    fn no_text_makes_it_panic(text in ".{0,16}") {
        let parsed: Result<Geohash> = Geohash::parse(&text);
        prop_assert!(parsed.is_err() || parsed?.neighbours().len() == 8);
    }
}
