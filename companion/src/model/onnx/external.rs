//! Weights that lie in files beside the ONNX file, as PyTorch writes them by default since version 2.9.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use tract_onnx::pb::{ModelProto, TensorProto};

use super::tensors::{byte_length, for_each_tensor};
use super::{invalid, tensors};
use crate::error::{Result, at};

/// `TensorProto.data_location` of a tensor whose values lie in another file.
const EXTERNAL: i32 = 1;

/// Whether the tensor's values lie in another file.
pub fn is_external(tensor: &TensorProto) -> bool {
    tensor.data_location == Some(EXTERNAL)
}

/// Reads all values that lie in other files into the model. Such files must lie below `folder` once links are
/// resolved, and must be regular files that hold as many bytes as the tensor's type and shape need.
///
/// # Errors
/// `INVALID_MODEL` when a tensor names a file outside the folder or a range that does not fit its shape; `IO` when a
/// file cannot be read.
pub fn load(model: &mut ModelProto, folder: &Path) -> Result<()> {
    let mut problem = None;
    if let Some(graph) = model.graph.as_mut() {
        for_each_tensor(graph, &mut |tensor| {
            if problem.is_none() && is_external(tensor) {
                problem = read(tensor, folder).err();
            }
        });
    }
    problem.map_or(Ok(()), Err)
}

fn read(tensor: &mut TensorProto, folder: &Path) -> Result<()> {
    let told = |key: &str| tensor.external_data.iter().find(|e| e.key == key).map(|e| e.value.as_str());
    let number = |key: &str| match told(key) {
        None => Ok(None),
        Some(text) => text.parse::<u64>().map(Some).map_err(|_| refused(tensor, &format!("its {key} is `{text}`"))),
    };
    let location = told("location").ok_or_else(|| refused(tensor, "it does not say in which file"))?;
    let path = inside(folder, location).map_err(|why| refused(tensor, &why))?;
    // Opening a pipe would wait for its writer.
    let metadata = std::fs::metadata(&path).map_err(at(&path))?;
    if !metadata.is_file() {
        return Err(refused(tensor, &format!("{} is no regular file", path.display())));
    }
    let mut file = File::open(&path).map_err(at(&path))?;
    let needed = byte_length(tensor).ok_or_else(|| refused(tensor, "its type or shape is not supported"))?;
    let offset = number("offset")?.unwrap_or(0);
    let length = number("length")?.unwrap_or(needed);
    if length != needed {
        let shape = tensors::shape_in_words(tensor);
        return Err(refused(
            tensor,
            &format!("its shape {shape} needs {needed} bytes, the file holds {length} for it"),
        ));
    }
    if offset.checked_add(length).is_none_or(|end| end > metadata.len()) {
        let message = format!("{} has {} bytes, it lies beyond them", path.display(), metadata.len());
        return Err(refused(tensor, &message));
    }
    file.seek(SeekFrom::Start(offset)).map_err(at(&path))?;
    let mut values = Vec::new();
    file.take(length).read_to_end(&mut values).map_err(at(&path))?;
    if values.len() as u64 != length {
        return Err(refused(tensor, &format!("{} ends too early", path.display())));
    }
    tensor.raw_data = values;
    tensor.data_location = None;
    tensor.external_data.clear();
    Ok(())
}

/// The file named by `location`, which must lie below `folder` after links are resolved.
fn inside(folder: &Path, location: &str) -> Result<PathBuf, String> {
    let relative = Path::new(location);
    let plain = relative.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if location.is_empty() || !plain {
        return Err(format!("it names the file `{location}`, which is not below the model's own folder"));
    }
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let resolved = |path: &Path| path.canonicalize().map_err(|e| format!("{}: {e}", path.display()));
    let (root, path) = (resolved(folder)?, resolved(&folder.join(relative))?);
    if !path.starts_with(&root) {
        return Err(format!("the file `{location}` leads out of the model's own folder"));
    }
    Ok(path)
}

fn refused(tensor: &TensorProto, why: &str) -> crate::error::Error {
    invalid(format!("the values of its tensor `{}` lie in another file and cannot be read: {why}", tensor.name))
}
