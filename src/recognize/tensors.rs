//! Reading tensors of safetensors files. Types and values are checked here; shapes are checked by each reader.

use half::f16;
use safetensors::{Dtype, SafeTensors};

use crate::error::{Error, ErrorKind, Result};

/// The largest magnitude of a value: far above any that training gives, far below where squares of them overflow.
const LARGEST: f32 = 1e15;

/// Opens a safetensors file; `what` names it in errors.
///
/// # Errors
/// [`ErrorKind::InvalidModel`].
pub fn open<'a>(bytes: &'a [u8], what: &str) -> Result<SafeTensors<'a>> {
    SafeTensors::deserialize(bytes).map_err(|e| invalid(format!("the {what} file is not safetensors: {e}")))
}

pub(super) fn read_f32(tensors: &SafeTensors<'_>, name: &str) -> Result<Vec<f32>> {
    let bytes = tensor(tensors, name, Dtype::F32)?;
    bounded(name, bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
}

pub(super) fn read_f16(tensors: &SafeTensors<'_>, name: &str) -> Result<Vec<f32>> {
    let bytes = tensor(tensors, name, Dtype::F16)?;
    bounded(name, bytes.as_chunks().0.iter().map(|b| f16::from_le_bytes(*b).to_f32()).collect())
}

pub(super) fn read_i8(tensors: &SafeTensors<'_>, name: &str) -> Result<Vec<i8>> {
    Ok(tensor(tensors, name, Dtype::I8)?.iter().map(|b| b.cast_signed()).collect())
}

pub(super) fn read_u16(tensors: &SafeTensors<'_>, name: &str) -> Result<Vec<u16>> {
    Ok(tensor(tensors, name, Dtype::U16)?.as_chunks().0.iter().map(|b| u16::from_le_bytes(*b)).collect())
}

fn tensor<'a>(tensors: &SafeTensors<'a>, name: &str, dtype: Dtype) -> Result<&'a [u8]> {
    let view = tensors.tensor(name).map_err(|e| invalid(format!("the file has no usable `{name}`: {e}")))?;
    if view.dtype() != dtype {
        return Err(invalid(format!("`{name}` is {:?}, expected {dtype:?}", view.dtype())));
    }
    Ok(view.data())
}

/// Refuses values with which a dot product or a norm could overflow: an answer that is not a number would count as a match.
fn bounded(name: &str, values: Vec<f32>) -> Result<Vec<f32>> {
    // False for what is not a number, too.
    let usable = values.iter().all(|value| value.abs() <= LARGEST);
    if usable {
        Ok(values)
    } else {
        Err(invalid(format!("`{name}` has values that are not finite, or above {LARGEST}")))
    }
}

pub(super) fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidModel, message)
}
