//! The space in which products are compared: a projection of the feature vector that depends on the backbone alone, so
//! that all channels of a backbone share one file.
//!
//! Its directions are those of a linear discriminant analysis of the photos it was fitted to, whitened by their
//! within-class covariance (Fisher 1936; Hayes & Kanan 2020), followed by the directions in which those photos vary
//! most beside them, which tell products apart that nobody had seen then. A point is a direction there.

use safetensors::SafeTensors;

use super::tensors::{invalid, read_f16, read_f32, read_u16};
use super::{dot, normalize};
use crate::error::{Error, ErrorKind, Result};

/// The most dimensions.
const MAX_DIMS: usize = 1024;

/// A space of `dims` dimensions over `inputs` features.
#[derive(Debug, Clone, PartialEq)]
pub struct Space {
    inputs: usize,
    /// The features that count, ascending.
    columns: Vec<u16>,
    /// `dims × columns`, rows are directions.
    projection: Vec<f32>,
    /// Added after the projection: minus the projected centre. One a dimension.
    offset: Vec<f32>,
}

impl Space {
    /// Reads a space file: the tensors `space/columns` (U16), `space/projection` (dims × columns, F16) and
    /// `space/offset` (dims, F32).
    ///
    /// # Errors
    /// [`ErrorKind::InvalidModel`] when a tensor is missing or does not fit `inputs` features.
    pub fn read(tensors: &SafeTensors<'_>, inputs: usize) -> Result<Self> {
        let columns = read_u16(tensors, "space/columns")?;
        let projection = read_f16(tensors, "space/projection")?;
        let offset = read_f32(tensors, "space/offset")?;
        Space::new(inputs, columns, projection, offset)
    }

    /// Takes a space's tensors, row-major.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidModel`] when they do not fit each other or `inputs`.
    pub fn new(inputs: usize, columns: Vec<u16>, projection: Vec<f32>, offset: Vec<f32>) -> Result<Self> {
        let dims = offset.len();
        if dims == 0 || dims > MAX_DIMS || projection.len() != dims * columns.len() {
            let (values, columns) = (projection.len(), columns.len());
            return Err(invalid(format!("the space's {values} values are not {dims} dimensions of {columns}")));
        }
        let ascending = columns.windows(2).all(|pair| pair[0] < pair[1]);
        if !ascending || columns.last().is_none_or(|last| usize::from(*last) >= inputs) {
            return Err(invalid(format!("the space is not one over {inputs} features")));
        }
        Ok(Space { inputs, columns, projection, offset })
    }

    /// Number of dimensions.
    #[must_use]
    pub fn dims(&self) -> usize {
        self.offset.len()
    }

    /// Length of the feature vectors.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Where a feature vector lies: a vector of length 1 (0 for the centre itself).
    ///
    /// # Errors
    /// [`ErrorKind::InvalidModel`] for a vector of another length.
    pub fn point(&self, features: &[f32]) -> Result<Vec<f32>> {
        if features.len() != self.inputs {
            let message = format!("{} features, the space has {}", features.len(), self.inputs);
            return Err(Error::new(ErrorKind::InvalidModel, message));
        }
        let used: Vec<f32> = self.columns.iter().map(|c| features[usize::from(*c)]).collect();
        let rows = self.projection.chunks_exact(used.len());
        let mut point: Vec<f32> = rows.zip(&self.offset).map(|(row, offset)| dot(row, &used) + offset).collect();
        normalize(&mut point);
        Ok(point)
    }

    /// `(columns, projection, offset)`.
    #[must_use]
    pub fn tensors(&self) -> (&[u16], &[f32], &[f32]) {
        (&self.columns, &self.projection, &self.offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_directions_from_the_centre() {
        let space = Space::new(4, vec![1, 3], vec![1.0, 0.0, 0.0, 2.0], vec![-1.0, 0.0]).unwrap();
        assert_eq!(space.point(&[9.0, 1.0, 9.0, 3.0]).unwrap(), [0.0, 1.0]);
        assert_eq!(space.point(&[9.0, 1.0, 9.0, 0.0]).unwrap(), [0.0, 0.0], "the centre has no direction");
        assert!(space.point(&[1.0; 3]).is_err());
    }

    #[test]
    fn tensors_that_do_not_fit_are_refused() {
        for (columns, projection, offset) in [
            (vec![0, 1], vec![1.0; 3], vec![0.0; 2]),
            (vec![1, 0], vec![1.0; 4], vec![0.0; 2]),
            (vec![0, 4], vec![1.0; 4], vec![0.0; 2]),
            (vec![], vec![], vec![]),
            (vec![], vec![], vec![0.0; 2]),
            (vec![0], vec![1.0; MAX_DIMS + 1], vec![0.0; MAX_DIMS + 1]),
        ] {
            assert_eq!(Space::new(4, columns, projection, offset).unwrap_err().kind(), ErrorKind::InvalidModel);
        }
    }
}
