//! Which blocks a network consists of, in the notation of `--blocks`. `c24/2,c48/2,s96` is a 3×3 convolution to 24 channels
//! that halves the sides, another one to 48, and a separable convolution (depthwise, then pointwise) to 96.

use std::fmt;
use std::str::FromStr;

use rand_chacha::ChaCha8Rng;

use super::norm::Activation;
use super::unit::{Kind, Unit};
use super::{Block, Network};

const MAX_CHANNELS: usize = 2048;

/// The blocks of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Design(Vec<Layer>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Layer {
    separable: bool,
    channels: usize,
    stride: usize,
}

impl Design {
    /// A network with random weights. Blocks that keep sides and channels get a residual connection.
    pub fn build(&self, rng: &mut ChaCha8Rng) -> Network {
        let relu = Activation::Relu6;
        let mut input = 3;
        let mut block = |&Layer { separable, channels, stride }: &Layer| {
            let units = if separable {
                let depthwise = Unit::new(Kind::Depthwise, [input, input], stride, relu, rng);
                vec![depthwise, Unit::new(Kind::Pointwise, [input, channels], 1, relu, rng)]
            } else {
                vec![Unit::new(Kind::Full, [input, channels], stride, relu, rng)]
            };
            let residual = stride == 1 && input == channels;
            input = channels;
            Block { units, residual }
        };
        Network { blocks: self.0.iter().map(&mut block).collect() }
    }
}

impl FromStr for Design {
    type Err = String;

    fn from_str(text: &str) -> Result<Design, String> {
        let layer = |text: &str| {
            let (kind, rest) = text.trim().split_at_checked(1)?;
            let (channels, stride) = rest.split_once('/').unwrap_or((rest, "1"));
            let layer =
                Layer { separable: kind == "s", channels: channels.parse().ok()?, stride: stride.parse().ok()? };
            let known = ["c", "s"].contains(&kind) && (1..=2).contains(&layer.stride);
            (known && (1..=MAX_CHANNELS).contains(&layer.channels)).then_some(layer)
        };
        let layers: Option<Vec<Layer>> = text.split(',').map(layer).collect();
        layers.map(Design).ok_or_else(|| {
            format!(
                "give blocks as c24/2,c48/2,s96: c or s, 1 to {MAX_CHANNELS} channels, and /2 if the block halves the sides"
            )
        })
    }
}

impl fmt::Display for Design {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, Layer { separable, channels, stride }) in self.0.iter().enumerate() {
            let (comma, kind) = (if i > 0 { "," } else { "" }, if *separable { "s" } else { "c" });
            write!(f, "{comma}{kind}{channels}")?;
            if *stride > 1 {
                write!(f, "/{stride}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learning::network::random::stream;

    #[test]
    fn blocks_are_read_as_they_are_written() {
        let text = "c24/2,c48/2,c48,s96/2,s96";
        let design: Design = text.parse().unwrap();
        assert_eq!(design.to_string(), text);
        let network = design.build(&mut stream(1, [0; 3]));
        assert_eq!(network.blocks.iter().map(|b| b.residual).collect::<Vec<_>>(), [false, false, true, false, true]);
        assert_eq!(network.outputs(), 96);
        // Weights, and a shift and a factor for each output.
        let units =
            [27 * 24 + 48, 9 * 24 * 48 + 96, 9 * 48 * 48 + 96, 9 * 48 + 96, 48 * 96 + 192, 9 * 96 + 192, 96 * 96 + 192];
        assert_eq!(network.parameters(), units.iter().sum::<usize>());
        let pixels = [16, 8, 8, 4, 4, 4, 4].map(|side: usize| side * side);
        let weights = [27 * 24, 9 * 24 * 48, 9 * 48 * 48, 9 * 48, 48 * 96, 9 * 96, 96 * 96];
        assert_eq!(network.multiplications(32), pixels.iter().zip(weights).map(|(p, w)| p * w).sum::<usize>());
        for wrong in ["", "c", "x24", "c0", "c24/3", "c24,,c8", "c9999"] {
            assert!(wrong.parse::<Design>().is_err(), "{wrong}");
        }
    }
}
