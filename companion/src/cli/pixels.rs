//! The options that say how a network takes its pixels, for networks that are not known.

use clap::{Args, ValueEnum};
use jicho::manifest::{ColorOrder, Layout};

use crate::model::backbone::PixelFlags;

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Axes {
    Nchw,
    Nhwc,
}

impl Axes {
    pub(super) fn layout(self) -> Layout {
        match self {
            Axes::Nchw => Layout::Nchw,
            Axes::Nhwc => Layout::Nhwc,
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum Order {
    Rgb,
    Bgr,
}

/// How a network takes its pixels, if neither the registry nor its file tells.
#[derive(Args)]
pub(super) struct Pixels {
    /// Order of the axes of the network's input
    #[arg(long, value_enum, help_heading = "Pixels of an unknown network")]
    layout: Option<Axes>,
    /// Colour order of the network's input
    #[arg(long, value_enum, help_heading = "Pixels of an unknown network")]
    color: Option<Order>,
    /// What bytes 0 and 255 become before mean and std: 0,1 or 0,255 or -1,1
    #[arg(long, value_parser = range, allow_hyphen_values = true, value_name = "LOW,HIGH", help_heading = "Pixels of an unknown network")]
    range: Option<Ends>,
    /// What is subtracted: one value, or three in the network's colour order
    #[arg(long, value_parser = triple, allow_hyphen_values = true, value_name = "A,B,C", help_heading = "Pixels of an unknown network")]
    mean: Option<Triple>,
    /// What is divided by: one value, or three in the network's colour order
    #[arg(long, value_parser = triple, value_name = "A,B,C", help_heading = "Pixels of an unknown network")]
    std: Option<Triple>,
    /// Side of the central square that is used, as a share of the photo's shorter side
    #[arg(long, value_name = "SHARE", help_heading = "Pixels of an unknown network")]
    crop: Option<f64>,
    /// Side of the network's input in pixels, if its shape leaves it open
    #[arg(long, value_name = "PX", help_heading = "Pixels of an unknown network")]
    size: Option<usize>,
}

// A type of its own, since clap reads a bare array or Vec as several values.
#[derive(Clone, Copy)]
struct Ends([f32; 2]);

#[derive(Clone, Copy)]
struct Triple([f32; 3]);

impl Pixels {
    pub(super) fn flags(self) -> PixelFlags {
        PixelFlags {
            layout: self.layout.map(Axes::layout),
            color: self.color.map(|c| match c {
                Order::Rgb => ColorOrder::Rgb,
                Order::Bgr => ColorOrder::Bgr,
            }),
            range: self.range.map(|r| r.0),
            mean: self.mean.map(|t| t.0),
            std: self.std.map(|t| t.0),
            crop: self.crop,
            size: self.size,
        }
    }
}

fn numbers(text: &str) -> Result<Vec<f32>, String> {
    // `0..1` and `0-255` are common ways to write a range; a leading minus belongs to the number.
    let mut plain = text.trim().trim_matches(['[', ']', '(', ')']).replace("..", ",");
    if !plain.contains(',')
        && let Some(dash) = plain.char_indices().skip(1).find(|(_, c)| *c == '-').map(|(i, _)| i)
    {
        plain.replace_range(dash..=dash, ",");
    }
    plain.split(',').map(|part| part.trim().parse().map_err(|_| format!("`{part}` is not a number"))).collect()
}

fn range(text: &str) -> Result<Ends, String> {
    match numbers(text)?[..] {
        [low, high] if low < high => Ok(Ends([low, high])),
        _ => Err("give two rising numbers, as 0,1".into()),
    }
}

fn triple(text: &str) -> Result<Triple, String> {
    match numbers(text)?[..] {
        [one] => Ok(Triple([one; 3])),
        [a, b, c] => Ok(Triple([a, b, c])),
        _ => Err("give one number or three, as 0.485,0.456,0.406".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_can_be_written_in_common_ways() {
        for (text, ends) in
            [("0,1", [0., 1.]), ("-1,1", [-1., 1.]), ("0-255", [0., 255.]), ("0..1", [0., 1.]), ("[0, 1]", [0., 1.])]
        {
            assert_eq!(range(text).map(|r| r.0), Ok(ends), "{text}");
        }
        assert!(range("1,0").is_err() && range("x").is_err());
        assert_eq!(triple("127").map(|t| t.0), Ok([127.0; 3]));
    }
}
