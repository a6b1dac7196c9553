//! Heads: what reads a point of the [space](super::Space).

use safetensors::SafeTensors;

use super::tensors::{invalid, read_f16, read_f32, read_i8};
use crate::error::Result;

/// Prototypes: for each class a direction of the space (Snell 2017, prototypical networks), and how near the class's own
/// photos come to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Prototypes {
    dims: usize,
    /// `count × dims`, each of length 1.
    directions: Vec<f32>,
    /// The mean cosine of each class's own photos to its prototype.
    own: Vec<f32>,
}

impl Prototypes {
    /// Reads the tensors `{name}/prototypes` (count × dims, I8; only their directions count) and `{name}/own`
    /// (count, F32).
    ///
    /// # Errors
    /// [`ErrorKind::InvalidModel`](crate::ErrorKind::InvalidModel) when a tensor is missing or has another shape.
    pub fn read(tensors: &SafeTensors<'_>, name: &str, dims: usize) -> Result<Self> {
        let mut directions: Vec<f32> =
            read_i8(tensors, &format!("{name}/prototypes"))?.into_iter().map(f32::from).collect();
        let own = read_f32(tensors, &format!("{name}/own"))?;
        directions.chunks_exact_mut(dims.max(1)).for_each(normalize);
        Prototypes::new(dims, directions, own).map_err(|e| e.context(format!("head `{name}`")))
    }

    /// Takes directions of length 1, row-major, and for each the mean cosine of its own photos to it.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidModel`](crate::ErrorKind::InvalidModel) when their numbers differ.
    pub fn new(dims: usize, directions: Vec<f32>, own: Vec<f32>) -> Result<Self> {
        if directions.len() != own.len() * dims {
            let (values, count) = (directions.len(), own.len());
            return Err(invalid(format!("{values} values are not {count} prototypes of {dims}")));
        }
        Ok(Prototypes { dims, directions, own })
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.own.len()
    }

    /// The cosine, −1 to 1, of a point to each prototype.
    #[must_use]
    pub fn cosines(&self, point: &[f32]) -> Vec<f32> {
        self.directions.chunks_exact(self.dims.max(1)).map(|direction| dot(direction, point)).collect()
    }

    /// A prototype, of length 1.
    pub(super) fn prototype(&self, place: usize) -> &[f32] {
        &self.directions[place * self.dims..(place + 1) * self.dims]
    }

    /// Dimensions of the space.
    pub(super) fn dims(&self) -> usize {
        self.dims
    }

    /// The mean cosine of each class's own photos to its prototype.
    #[must_use]
    pub fn own(&self) -> &[f32] {
        &self.own
    }

    /// The prototypes, row-major, each of length 1.
    #[must_use]
    pub fn directions(&self) -> &[f32] {
        &self.directions
    }
}

/// The head of a categorical attribute, whose classes may each span many products: cosines in a discriminant subspace.
///
/// The projection maps a point to the dimensions that a shrinkage LDA spans between the class means, whitened by the
/// within-class covariance; a class is the direction of its mean there (Fisher 1936).
#[derive(Debug, Clone, PartialEq)]
pub struct DiscriminantHead {
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

impl DiscriminantHead {
    /// Reads the tensors `{name}/projection` (dims×inputs, F16), `{name}/offset` (dims, F32) and
    /// `{name}/prototypes` (count×dims, F32).
    ///
    /// # Errors
    /// [`ErrorKind::InvalidModel`](crate::ErrorKind::InvalidModel) when a tensor is missing or has another shape.
    pub fn read(tensors: &SafeTensors<'_>, name: &str, inputs: usize, count: usize) -> Result<Self> {
        let offset = read_f32(tensors, &format!("{name}/offset"))?;
        let projection = read_f16(tensors, &format!("{name}/projection"))?;
        let prototypes = read_f32(tensors, &format!("{name}/prototypes"))?;
        DiscriminantHead::new(inputs, projection, offset, prototypes, count)
            .map_err(|e| e.context(format!("head `{name}`")))
    }

    /// Takes a head's tensors: `projection` is dims×inputs, `offset` dims, `prototypes` count×dims, row-major.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidModel`](crate::ErrorKind::InvalidModel) when the lengths do not fit each other.
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
        Ok(DiscriminantHead { inputs, dims, projection, offset, prototypes, count })
    }

    /// The cosine, −1 to 1, of `features` to each prototype.
    #[must_use]
    pub fn cosines(&self, features: &[f32]) -> Vec<f32> {
        debug_assert_eq!(features.len(), self.inputs);
        let mut point: Vec<f32> = self
            .projection
            .chunks_exact(self.inputs.max(1))
            .zip(&self.offset)
            .map(|(row, offset)| dot(row, features) + offset)
            .collect();
        normalize(&mut point);
        (0..self.count).map(|i| dot(&self.prototypes[i * self.dims..(i + 1) * self.dims], &point)).collect()
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
    /// [`ErrorKind::InvalidModel`](crate::ErrorKind::InvalidModel) when a tensor is missing or has another shape.
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
