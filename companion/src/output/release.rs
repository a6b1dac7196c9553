//! A release in memory, before it is published: its manifest and the bytes of its files.

use std::collections::BTreeMap;

use half::f16;
use jicho::engine::plan;
use jicho::manifest::{FileEntry, FileRole, Golden, Manifest};
use jicho::recognize::{Prototypes, Space};
use jicho::{ErrorKind, Recognizer};
use safetensors::tensor::{Dtype, TensorView};

use crate::digest::sha256;
use crate::error::Result;
use crate::model::compile::bytes::MAX_SPREAD;

/// The largest difference in a golden output that other engine builds may show. Builds differ by rounding (about
/// 1e-5 in a cosine); a wrong or damaged model by far more.
pub const GOLDEN_TOLERANCE: f32 = 2e-3;

/// The largest tolerance that [`Manifest::parse`] accepts.
const MAX_TOLERANCE: f32 = 0.1;

/// A release that can be loaded and published.
pub struct Release {
    /// metadata.json; `version` and `releaseSeq` are set on publishing.
    pub manifest: Manifest,
    /// The bytes of every file that the manifest lists.
    files: BTreeMap<FileRole, Vec<u8>>,
}

impl Release {
    /// A release of files by their role. The manifest lists them in the given order.
    pub fn new(mut manifest: Manifest, files: Vec<(FileRole, Vec<u8>)>) -> Self {
        manifest.files = files.iter().map(|(role, bytes)| entry(*role, bytes)).collect();
        Release { manifest, files: files.into_iter().collect() }
    }

    /// The bytes of the file of `role`.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] where there is none: a file that the manifest lists is always there.
    pub fn file(&self, role: FileRole) -> jicho::Result<&[u8]> {
        let missing = || jicho::Error::new(ErrorKind::Internal, format!("the release has no bytes for {role:?}"));
        self.files.get(&role).map(Vec::as_slice).ok_or_else(missing)
    }

    /// Loads the release as a device will.
    ///
    /// # Errors
    /// As [`Recognizer::load`].
    pub fn recognizer(&self) -> Result<Recognizer> {
        Ok(Recognizer::load(self.manifest.clone(), |role| self.file(role))?)
    }

    /// Records what the release answers to the golden frame, so that a device which runs the ONNX instead of the plan
    /// (one of another plan format) agrees too.
    ///
    /// # Errors
    /// As [`Release::recognizer`].
    pub fn record_golden(&mut self) -> Result<()> {
        let outputs = self.recognizer()?.golden_outputs()?;
        let mut tolerance = GOLDEN_TOLERANCE;
        if self.manifest.network()?.format == Some(plan::BYTES_VERSION) {
            tolerance += MAX_SPREAD;
        }
        if self.manifest.network()?.role == FileRole::Plan {
            let mut bare = Release { manifest: self.manifest.clone(), files: self.files.clone() };
            bare.manifest.files.retain(|f| f.role != FileRole::Plan);
            let theirs = bare.recognizer()?.golden_outputs()?;
            tolerance += outputs.iter().zip(&theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        }
        self.manifest.golden = Golden { outputs, tolerance: tolerance.min(MAX_TOLERANCE) };
        Ok(())
    }
}

/// The name under which a role's file is listed.
fn file_name(role: FileRole) -> &'static str {
    match role {
        FileRole::Backbone => "backbone.onnx",
        FileRole::Plan => "network.plan",
        FileRole::Space => "space.safetensors",
        FileRole::Head => "head.safetensors",
        FileRole::Other => "other",
    }
}

/// The manifest's entry for a file.
fn entry(role: FileRole, bytes: &[u8]) -> FileEntry {
    let name = file_name(role);
    let sha256 = sha256(bytes);
    let ending = name.rsplit('.').next().unwrap_or_default();
    let url = format!("blobs/{sha256}.{ending}");
    let format = (role == FileRole::Plan).then(|| plan::format(bytes)).flatten();
    FileEntry { name: name.into(), url, sha256, bytes: bytes.len() as u64, role, format }
}

/// The tensors of a discriminant head; the projection is rounded to what half precision can store. One class, or
/// classes that do not differ, have no dimensions: every cosine is 0.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HeadTensors {
    /// Projected dimensions.
    pub dims: usize,
    /// `dims × inputs`.
    pub projection: Vec<f32>,
    /// `dims`.
    pub offset: Vec<f32>,
    /// `classes × dims`, each row of norm 1.
    pub prototypes: Vec<f32>,
}

/// A direction in steps of 1/127 of its largest value, as a head file stores it.
pub fn eight_bits(direction: &[f32]) -> Vec<i8> {
    let largest = direction.iter().fold(0f32, |a, v| a.max(v.abs())).max(1e-12);
    direction.iter().map(|v| (v / largest * 127.0).round() as i8).collect()
}

/// Collects tensors for a head file.
#[derive(Default)]
pub struct HeadFile {
    tensors: BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>,
}

impl HeadFile {
    /// Adds a space; its projection must be what half precision can store.
    pub fn space(&mut self, space: &Space) {
        let (columns, projection, offset) = space.tensors();
        let bytes = columns.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.tensors.insert("space/columns".into(), (Dtype::U16, vec![columns.len()], bytes));
        self.halves("space/projection", vec![offset.len(), columns.len()], projection);
        self.floats("space/offset", vec![offset.len()], offset);
    }

    /// Adds prototypes; their directions must be of whole steps, so that they are read as they are.
    pub fn prototypes(&mut self, name: &str, prototypes: &Prototypes, dims: usize) {
        let count = prototypes.count();
        let directions = prototypes.directions().chunks(dims.max(1)).flat_map(eight_bits).map(i8::cast_unsigned);
        self.tensors.insert(format!("{name}/prototypes"), (Dtype::I8, vec![count, dims], directions.collect()));
        self.floats(&format!("{name}/own"), vec![count], prototypes.own());
    }

    /// Adds a discriminant head of `classes` prototypes over `inputs` features.
    pub fn discriminant(&mut self, name: &str, head: &HeadTensors, inputs: usize, classes: usize) {
        self.halves(&format!("{name}/projection"), vec![head.dims, inputs], &head.projection);
        self.floats(&format!("{name}/offset"), vec![head.dims], &head.offset);
        self.floats(&format!("{name}/prototypes"), vec![classes, head.dims], &head.prototypes);
    }

    /// Adds a numeric head.
    pub fn numeric(&mut self, name: &str, weight: &[f32], bias: f32) {
        self.floats(&format!("{name}/weight"), vec![weight.len()], weight);
        self.floats(&format!("{name}/bias"), vec![1], &[bias]);
    }

    fn halves(&mut self, name: &str, shape: Vec<usize>, values: &[f32]) {
        let bytes = values.iter().flat_map(|v| f16::from_f32(*v).to_le_bytes()).collect();
        self.tensors.insert(name.to_owned(), (Dtype::F16, shape, bytes));
    }

    fn floats(&mut self, name: &str, shape: Vec<usize>, values: &[f32]) {
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.tensors.insert(name.to_owned(), (Dtype::F32, shape, bytes));
    }

    /// The file's bytes; the same tensors always give the same bytes.
    ///
    /// # Errors
    /// When a tensor's shape does not fit its bytes.
    pub fn serialize(&self) -> Result<Vec<u8>> {
        let wrong = |e: safetensors::SafeTensorError| {
            jicho::Error::new(ErrorKind::Internal, format!("the head cannot be stored: {e}"))
        };
        let views: Vec<(&String, TensorView<'_>)> = self
            .tensors
            .iter()
            .map(|(name, (dtype, shape, bytes))| {
                Ok((name, TensorView::new(*dtype, shape.clone(), bytes).map_err(wrong)?))
            })
            .collect::<Result<_>>()?;
        Ok(safetensors::serialize(views, None).map_err(wrong)?)
    }
}
