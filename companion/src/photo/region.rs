//! The part of a photo that shows the product, where the photo shows more.

use serde_json::Value as Json;

/// Space left around a box on each side, as a share of its longer side: people draw boxes tight, cameras see some of
/// the surroundings. R-CNN (Girshick 2014) pads as much: 16 of 227 pixels.
const MARGIN: f64 = 0.07;

/// A box in pixels of the upright picture, or in shares of its sides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Region {
    /// Left, top, width, height; finite, width and height positive.
    bounds: [f64; 4],
    /// Width and height of the picture that it was drawn on, where told.
    picture: Option<(u32, u32)>,
    /// Whether `bounds` are shares of the picture's width and height instead of pixels.
    is_relative: bool,
}

impl Region {
    /// From `[x, y, width, height]`. The error says what is wrong with the box.
    pub fn parse(json: &Json, picture: Option<(u32, u32)>) -> Result<Self, String> {
        let numbers = json.as_array().and_then(|items| items.iter().map(Json::as_f64).collect::<Option<Vec<f64>>>());
        let bounds: Option<[f64; 4]> = numbers.and_then(|numbers| numbers.try_into().ok());
        let bounds = bounds.filter(|b| b.iter().all(|v| v.is_finite()));
        let bounds = bounds.ok_or("its box must be four numbers, [x, y, width, height] in pixels")?;
        if bounds[2] <= 0.0 || bounds[3] <= 0.0 {
            return Err(format!("its box {bounds:?} has no area"));
        }
        let region = Region { bounds, picture, is_relative: false };
        if let Some((width, height)) = picture {
            region.window(width, height)?;
        }
        Ok(region)
    }

    /// From left, top, width and height in shares of the picture's sides, as YOLO's labels have them.
    pub fn relative(bounds: [f64; 4]) -> Result<Self, String> {
        if bounds.iter().any(|v| !v.is_finite()) || bounds[2] <= 0.0 || bounds[3] <= 0.0 {
            return Err(format!("its box {bounds:?} has no area"));
        }
        Ok(Region { bounds, picture: None, is_relative: true })
    }

    /// `[x, y, width, height]`, as given.
    pub fn bounds(&self) -> [f64; 4] {
        self.bounds
    }

    /// All that it says, as bytes that no other region has.
    pub fn to_bytes(self) -> Vec<u8> {
        let (width, height) = self.picture.unwrap_or_default();
        let mut bytes: Vec<u8> = self.bounds.into_iter().flat_map(f64::to_le_bytes).collect();
        bytes.extend([width, height].into_iter().flat_map(u32::to_le_bytes));
        bytes.extend(self.is_relative.then_some(1));
        bytes
    }

    /// What is cut from a picture of `width`×`height`: left, top, width, height.
    ///
    /// A square with the box in its middle and a margin around, since a recogniser looks at the central square; moved
    /// into the picture where it would stick out, and cut where the picture is too small for it.
    pub fn window(&self, width: u32, height: u32) -> Result<[u32; 4], String> {
        let Region { bounds: [x, y, w, h], picture, is_relative } = *self;
        let (across, down) = if is_relative { (f64::from(width), f64::from(height)) } else { (1.0, 1.0) };
        let (x, y, w, h) = (x * across, y * down, w * across, h * down);
        if let Some((told_width, told_height)) = picture.filter(|told| *told != (width, height)) {
            return Err(format!(
                "is {width}×{height} upright, its boxes were drawn on {told_width}×{told_height}; \
                 scale or turn the one to match the other"
            ));
        }
        let clip = |from: f64, length: f64, most: u32| (from.max(0.0), (from + length).min(f64::from(most)));
        let ((left, right), (top, bottom)) = (clip(x, w, width), clip(y, h, height));
        if right - left < 1.0 || bottom - top < 1.0 {
            return Err(format!("its box {:?} has not a pixel in the picture of {width}×{height}", self.bounds));
        }
        let side = (right - left).max(bottom - top) * (1.0 + 2.0 * MARGIN);
        let place = |from: f64, to: f64, most: u32| {
            let length = (side.round() as u32).clamp(1, most);
            let start = f64::midpoint(from, to) - f64::from(length) / 2.0;
            (start.round().clamp(0.0, f64::from(most - length)) as u32, length)
        };
        let ((left, width), (top, height)) = (place(left, right, width), place(top, bottom, height));
        Ok([left, top, width, height])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn region(bounds: [f64; 4]) -> Region {
        Region::parse(&json!(bounds), None).unwrap()
    }

    #[test]
    fn a_square_with_a_margin_is_cut() {
        // 100 wide: 7 more on each side, and as high as wide.
        assert_eq!(region([200.0, 200.0, 100.0, 40.0]).window(640, 480), Ok([193, 163, 114, 114]));
        // Moved into the picture.
        assert_eq!(region([0.0, 440.0, 40.0, 40.0]).window(640, 480), Ok([0, 434, 46, 46]));
        // Sticking out on the left: what is in the picture counts.
        assert_eq!(region([-50.0, 100.0, 100.0, 100.0]).window(640, 480), Ok([0, 93, 114, 114]));
        // Larger than the picture.
        assert_eq!(region([-9.0, -9.0, 900.0, 900.0]).window(640, 480), Ok([0, 0, 640, 480]));
    }

    #[test]
    fn boxes_that_show_nothing_are_told() {
        for (bounds, why) in [
            (json!([0, 0, 0, 5]), "no area"),
            (json!([0, 0, 5, -5]), "no area"),
            (json!([0, 0, 5]), "four numbers"),
            (json!([0, 0, 5, "5"]), "four numbers"),
            (json!({ "x": 0 }), "four numbers"),
            (json!([641, 0, 5, 5]), "not a pixel"),
            (json!([-5, 0, 5.5, 5]), "not a pixel"),
        ] {
            let error = Region::parse(&bounds, Some((640, 480))).unwrap_err();
            assert!(error.contains(why), "{bounds}: {error}");
        }
        let drawn = Region::parse(&json!([1, 1, 5, 5]), Some((640, 480))).unwrap();
        assert!(drawn.window(480, 640).unwrap_err().contains("640×480"));
    }

    proptest! {
        #[test]
        fn a_window_lies_in_its_picture_and_holds_the_boxs_middle(
            bounds in prop::array::uniform4(-1e4f64..1e4), width in 1u32..5000, height in 1u32..5000,
        ) {
            if let Ok(region) = Region::parse(&json!(bounds), None)
                && let Ok([left, top, w, h]) = region.window(width, height)
            {
                prop_assert!(w > 0 && h > 0 && left + w <= width && top + h <= height);
                let middle = |from: f64, length: f64, most: u32| {
                    f64::midpoint(from.max(0.0), (from + length).min(f64::from(most)))
                };
                let (x, y) = (middle(bounds[0], bounds[2], width), middle(bounds[1], bounds[3], height));
                prop_assert!((f64::from(left)..=f64::from(left + w)).contains(&x));
                prop_assert!((f64::from(top)..=f64::from(top + h)).contains(&y));
            }
        }

        #[test]
        fn no_numbers_panic(bounds in prop::array::uniform4(any::<f64>()), width: u32, height: u32) {
            if let Ok(region) = Region::parse(&json!(bounds), None) {
                let _ = region.window(width, height);
            }
        }
    }
}
