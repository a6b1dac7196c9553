//! Compares answers with Python's onnxruntime.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

/// Runs `onnxruntime.py` on an exported network and a JSON file of images with our answers, and returns what it found. None,
/// with the reason printed, if Python or its packages are missing. The variable `JICHO_PYTHON` names another Python.
pub fn compare(onnx: &Path, images: &Path) -> Option<Value> {
    let python = std::env::var("JICHO_PYTHON").unwrap_or_else(|_| "python3".into());
    let probe = Command::new(&python).args(["-c", "import onnxruntime, numpy, onnx"]).stdin(Stdio::null()).output();
    match probe {
        Ok(output) if output.status.success() => {}
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stderr);
            eprintln!("skipped: comparison with onnxruntime: {}", text.lines().last().unwrap_or_default());
            return None;
        }
        Err(error) => {
            eprintln!("skipped: comparison with onnxruntime: {python} cannot be run: {error}");
            return None;
        }
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/onnxruntime.py");
    let output = Command::new(&python).arg(script).arg(onnx).arg(images).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}
