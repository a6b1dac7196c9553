//! A prototype head: cosine to class prototypes in a whitened discriminant space.
//!
//! The projection maps a feature vector to the space that a shrinkage LDA spans between the class means, whitened by
//! the within-class covariance; a class is the direction of its mean there (Fisher 1936; Hayes & Kanan 2020;
//! prototypes: Snell 2017).

use half::f16;
use safetensors::{Dtype, SafeTensors};

use crate::error::{Error, ErrorKind, Result};

/// A prototype head over `inputs` features with `dims` projected dimensions.
#[derive(Debug, Clone, PartialEq)]
pub struct PrototypeHead {
    inputs: usize,
    dims: usize,
    /// `dims × inputs`, rows are directions.
    projection: Vec<f32>,
    /// Added after the projection: minus the projected centre.
    offset: Vec<f32>,
    /// `count × dims`, each of norm 1 (or 0 where `dims` is 0).
    prototypes: Vec<f32>,
    count: usize,
}

impl PrototypeHead {
    /// Reads the tensors `{name}/projection` (dims×inputs, F16), `{name}/offset` (dims, F32) and
    /// `{name}/prototypes` (count×dims, F32).
    ///
    /// # Errors
    /// [`ErrorKind::InvalidModel`] when a tensor is missing or has another shape.
    pub fn read(tensors: &SafeTensors<'_>, name: &str, inputs: usize, count: usize) -> Result<Self> {
        let offset = read_f32(tensors, &format!("{name}/offset"))?;
        let projection = read_f16(tensors, &format!("{name}/projection"))?;
        let prototypes = read_f32(tensors, &format!("{name}/prototypes"))?;
        PrototypeHead::new(inputs, projection, offset, prototypes, count)
            .map_err(|e| e.context(format!("head `{name}`")))
    }

    /// Takes a head's tensors: `projection` is dims×inputs, `offset` dims, `prototypes` count×dims, row-major.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidModel`] when the lengths do not fit each other.
    pub fn new(
        inputs: usize,
        projection: Vec<f32>,
        offset: Vec<f32>,
        prototypes: Vec<f32>,
        count: usize,
    ) -> Result<Self> {
        let dims = offset.len();
        if projection.len() != dims * inputs || prototypes.len() != count * dims {
            let (p, q) = (projection.len(), prototypes.len());
            return Err(invalid(format!("{p} and {q} values are not {dims}×{inputs} and {count}×{dims}")));
        }
        Ok(PrototypeHead { inputs, dims, projection, offset, prototypes, count })
    }

    /// Where `features` lie in the head's space: of norm 1.
    #[must_use]
    #[inline(never)]
    pub fn point(&self, features: &[f32]) -> Vec<f32> {
        debug_assert_eq!(features.len(), self.inputs);
        let mut point: Vec<f32> = self
            .projection
            .chunks_exact(self.inputs.max(1))
            .zip(&self.offset)
            .map(|(row, offset)| dot(row, features) + offset)
            .collect();
        normalize(&mut point);
        point
    }

    /// The cosine, −1 to 1, of a point to each prototype; of a mean of points the mean of their cosines.
    #[must_use]
    #[inline(never)]
    pub fn compare(&self, point: &[f32]) -> Vec<f32> {
        (0..self.count).map(|i| dot(self.prototype(i), point)).collect()
    }

    /// The cosine, −1 to 1, of `features` to each prototype.
    #[must_use]
    pub fn cosines(&self, features: &[f32]) -> Vec<f32> {
        self.compare(&self.point(features))
    }

    /// A prototype, of norm 1.
    pub(super) fn prototype(&self, place: usize) -> &[f32] {
        &self.prototypes[place * self.dims..(place + 1) * self.dims]
    }

    /// Dimensions of the space; none in the head of one product.
    pub(super) fn dims(&self) -> usize {
        self.dims
    }

    /// `(projection, offset, prototypes)`, row-major.
    #[must_use]
    pub fn tensors(&self) -> (&[f32], &[f32], &[f32]) {
        (&self.projection, &self.offset, &self.prototypes)
    }
}

/// A numeric head: `weight · features + bias`.
#[derive(Debug, Clone, PartialEq)]
pub struct NumericHead {
    weight: Vec<f32>,
    bias: f32,
}

impl NumericHead {
    /// Reads the tensors `{name}/weight` (inputs, F32) and `{name}/bias` (1, F32).
    ///
    /// # Errors
    /// [`ErrorKind::InvalidModel`] when a tensor is missing or has another shape.
    pub fn read(tensors: &SafeTensors<'_>, name: &str, inputs: usize) -> Result<Self> {
        let weight = read_f32(tensors, &format!("{name}/weight"))?;
        let bias = read_f32(tensors, &format!("{name}/bias"))?;
        match bias[..] {
            [bias] if weight.len() == inputs => Ok(NumericHead { weight, bias }),
            _ => Err(invalid(format!("head `{name}`: {} weights are not {inputs}", weight.len()))),
        }
    }

    /// The predicted number.
    #[must_use]
    pub fn predict(&self, features: &[f32]) -> f32 {
        dot(&self.weight, features) + self.bias
    }
}

/// Probabilities of `scale * cosine`.
#[must_use]
pub fn softmax(cosines: &[f32], scale: f32) -> Vec<f32> {
    let top = cosines.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut exps: Vec<f32> = cosines.iter().map(|c| (scale * (c - top)).exp()).collect();
    let sum: f32 = exps.iter().sum();
    exps.iter_mut().for_each(|e| *e /= sum);
    exps
}

/// Divides by the Euclidean norm; a zero vector stays.
pub fn normalize(values: &mut [f32]) {
    let norm = dot(values, values).sqrt().max(1e-12);
    values.iter_mut().for_each(|v| *v /= norm);
}

/// Eight sums side by side, so that it vectorises; their order is fixed, so that every build agrees.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a_whole, a_rest) = a.as_chunks::<8>();
    let (b_whole, b_rest) = b.as_chunks::<8>();
    let mut sums = [0f32; 8];
    for (x, y) in a_whole.iter().zip(b_whole) {
        for i in 0..8 {
            sums[i] += x[i] * y[i];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum();
    sums.iter().sum::<f32>() + rest
}

fn tensor<'a>(tensors: &SafeTensors<'a>, name: &str, dtype: Dtype) -> Result<&'a [u8]> {
    let view = tensors.tensor(name).map_err(|e| invalid(format!("the head file has no usable `{name}`: {e}")))?;
    if view.dtype() != dtype {
        return Err(invalid(format!("`{name}` is {:?}, expected {dtype:?}", view.dtype())));
    }
    Ok(view.data())
}

fn read_f32(tensors: &SafeTensors<'_>, name: &str) -> Result<Vec<f32>> {
    let bytes = tensor(tensors, name, Dtype::F32)?;
    finite(name, bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
}

fn read_f16(tensors: &SafeTensors<'_>, name: &str) -> Result<Vec<f32>> {
    let bytes = tensor(tensors, name, Dtype::F16)?;
    finite(name, bytes.as_chunks().0.iter().map(|b| f16::from_le_bytes(*b).to_f32()).collect())
}

fn finite(name: &str, values: Vec<f32>) -> Result<Vec<f32>> {
    if values.iter().all(|v| v.is_finite()) { Ok(values) } else { Err(invalid(format!("`{name}` is not finite"))) }
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidModel, message)
}
