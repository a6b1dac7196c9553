//! From a frame to the feature vector that heads read.

use super::normalize;
use crate::color;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::frame::{Frame, InputPixels};
use crate::manifest::{Features, Preprocessing};

/// Computes feature vectors: the network's embedding joined with the colour features. Training and recognition both use it.
pub struct Embedder {
    engine: Box<dyn Engine>,
    preprocessing: Preprocessing,
    image_size: usize,
    features: Features,
}

impl Embedder {
    /// Joins a loaded network with its preprocessing. `features.embedding` must be the network's output length.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidModel`] when it is not.
    pub fn new(
        engine: Box<dyn Engine>,
        preprocessing: Preprocessing,
        image_size: usize,
        features: Features,
    ) -> Result<Self> {
        if engine.output_len() != features.embedding {
            let message = format!("the network gives {} values, expected {}", engine.output_len(), features.embedding);
            return Err(Error::new(ErrorKind::InvalidModel, message));
        }
        Ok(Embedder { engine, preprocessing, image_size, features })
    }

    /// The engine that runs the network.
    pub(super) fn engine(&self) -> &dyn Engine {
        &*self.engine
    }

    /// How the network wants its pixels.
    #[must_use]
    pub fn preprocessing(&self) -> &Preprocessing {
        &self.preprocessing
    }

    /// Side of the network's input, pixels.
    #[must_use]
    pub fn image_size(&self) -> usize {
        self.image_size
    }

    /// Length of the feature vector.
    #[must_use]
    pub fn feature_len(&self) -> usize {
        feature_len(&self.features)
    }

    /// What the network is fed of a frame, before normalisation.
    #[must_use]
    pub fn input_pixels(&self, frame: &Frame<'_>) -> InputPixels {
        frame.input_pixels(&self.preprocessing, self.image_size)
    }

    /// The feature vector of input pixels.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidModel`] when the network fails.
    pub fn embed(&self, pixels: &InputPixels) -> Result<Vec<f32>> {
        let mut features = self.engine.run_pixels(pixels, &self.preprocessing)?;
        normalize(&mut features);
        if self.features.color_weight > 0.0 {
            features.extend(color::features(pixels).into_iter().map(|v| v * self.features.color_weight));
        }
        Ok(features)
    }
}

/// Length of the feature vector that `features` describes.
#[must_use]
pub fn feature_len(features: &Features) -> usize {
    features.embedding + if features.color_weight > 0.0 { color::LENGTH } else { 0 }
}
