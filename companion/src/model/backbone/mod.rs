//! The frozen network that turns an image into an embedding.

pub mod download;
pub mod embedded;
pub mod pretraining;
pub mod registry;

use std::io::Read;
use std::path::{Path, PathBuf};

use jicho::engine::{self, CompiledEngine, Engine, TractEngine};
use jicho::manifest::{ColorOrder, Features, Layout, MAX_IMAGE_SIZE, Preprocessing};
use jicho::recognize::Embedder;
use serde::{Deserialize, Serialize};
use tract_onnx::pb::ModelProto;

use crate::digest::sha256;
use crate::error::{Error, Result, at};
use crate::file;
use crate::model::compile::Storage;
use crate::model::isolated::{self, Answer, Task};
use crate::model::onnx::{self, ImageInput, cut, pixels};
use crate::model::plan::{self, Compiled, Note};
use crate::progress::Progress;
use pretraining::Pretraining;

/// A space file is no longer: 256 numbers of 4 bytes for each of at most some 60,000 features.
const MAX_SPACE: u64 = 64 << 20;

/// What the user asked for.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Request {
    /// A file, a name of the registry, or [`embedded::NAME`].
    pub backbone: String,
    /// The tensor with the features, where it is not found by itself.
    pub features: Option<String>,
    /// What the flags say of the pixels.
    pub pixels: PixelFlags,
    /// How its plan stores weights.
    pub plan: PlanStorage,
    /// A file with the space to begin with.
    pub space: Option<PathBuf>,
}

/// How a plan stores weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum PlanStorage {
    /// In half precision, or with bytes where training finds that this loses nothing.
    #[default]
    Auto,
    /// As told.
    As(Storage),
    /// There is to be no plan.
    None,
}

impl PlanStorage {
    /// What to begin with.
    pub fn storage(self) -> Option<Storage> {
        match self {
            PlanStorage::Auto => Some(Storage::F16),
            PlanStorage::As(storage) => Some(storage),
            PlanStorage::None => None,
        }
    }
}

/// `--layout --color --range --mean --std --crop --size`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PixelFlags {
    /// Order of the axes.
    pub layout: Option<Layout>,
    /// Order of the channels.
    pub color: Option<ColorOrder>,
    /// What bytes 0 and 255 become.
    pub range: Option<[f32; 2]>,
    /// Subtracted.
    pub mean: Option<[f32; 3]>,
    /// Divided by.
    pub std: Option<[f32; 3]>,
    /// Share of the shorter side.
    pub crop: Option<f64>,
    /// Side of the input, where the network leaves it open.
    pub size: Option<usize>,
}

/// A network cut at its features.
#[derive(Debug)]
pub struct Backbone {
    /// For reports.
    pub name: String,
    /// The `architecture` of metadata.json: the network's name in the registry; none of a file that is not known.
    pub architecture: Option<String>,
    /// The cut network.
    pub onnx: Vec<u8>,
    /// The same, compiled.
    pub compiled: Compiled,
    /// How its pixels go in.
    pub preprocessing: Preprocessing,
    /// Side of its input.
    pub size: usize,
    /// Length of its embedding.
    pub outputs: usize,
    /// How its plan was to store weights.
    pub storage: PlanStorage,
    /// The space that comes with it.
    pub space: Option<Vec<u8>>,
    /// What it was made from, if its file tells.
    pub pretraining: Option<Pretraining>,
}

impl Backbone {
    /// The digest of all that the features of given pixels depend on.
    pub fn digest(&self, features: Features) -> String {
        let network = sha256(self.compiled.plan.as_ref().unwrap_or(&self.onnx));
        format!("{network} {:?} {:?}", self.preprocessing, features)
    }

    /// The backbone joined with colour features, run by the engine that devices run it by: heads are fitted to the
    /// very weights that are published.
    ///
    /// # Errors
    /// When the network does not load.
    pub fn embedder(&self, features: Features) -> Result<Embedder> {
        let engine: Box<dyn Engine> = match &self.compiled.plan {
            Some(plan) => Box::new(CompiledEngine::load(plan)?),
            None => engine::load_onnx(&self.onnx, self.preprocessing.layout, self.size)?,
        };
        Ok(Embedder::new(engine, self.preprocessing, self.size, features)?)
    }
}

/// Finds, downloads if need be, cuts and checks the backbone asked for.
///
/// # Errors
/// An unknown name, a failed download, a file that is no image network, or pixels that are not known.
pub fn resolve(request: &Request, progress: Progress) -> Result<Backbone> {
    let mut backbone = find(request, progress)?;
    if let Some(path) = &request.space {
        backbone.space = Some(file::read_up_to(path, MAX_SPACE)?);
    }
    Ok(backbone)
}

fn find(request: &Request, progress: Progress) -> Result<Backbone> {
    let embedded = request.backbone == embedded::NAME;
    let path: PathBuf = if embedded { embedded::NAME.into() } else { locate(&request.backbone, progress)? };
    let question = Question {
        path: path.clone(),
        features: request.features.clone(),
        pixels: request.pixels.clone(),
        plan: request.plan,
    };
    let known = if embedded { Some(embedded::onnx()) } else { read_known(&path)? };
    let (told, files) = match known {
        Some(bytes) => cut(&onnx::File::from_bytes(&bytes)?, &question)?,
        // Nobody knows what a file of somebody else asks for.
        None => isolated::ask(Task::Backbone(question))?,
    };
    let mut files = files.into_iter();
    let onnx = files.next().unwrap_or_default();
    let compiled = Compiled { plan: files.next(), note: told.note };
    compiled.warn(progress);
    let pretraining = told.pretraining.map(|text| Pretraining::from_text(&text)).transpose();
    let architecture = if embedded { Some(embedded::ARCHITECTURE.to_owned()) } else { told.name.clone() };
    Ok(Backbone {
        architecture,
        name: told.name.unwrap_or_else(|| path.display().to_string()),
        onnx,
        compiled,
        preprocessing: told.preprocessing,
        size: told.size,
        outputs: told.outputs,
        storage: request.plan,
        space: embedded.then(embedded::space),
        pretraining: pretraining.map_err(Error::Backbone)?,
    })
}

/// The bytes of a file that is one of the known networks. Of a longer one than any of these, nothing is read.
fn read_known(path: &Path) -> Result<Option<Vec<u8>>> {
    let longest = registry::all().iter().filter_map(|entry| entry.bytes).max().unwrap_or_default();
    let metadata = std::fs::metadata(path).map_err(at(path))?;
    if !metadata.is_file() {
        return Err(at(path)(std::io::Error::new(std::io::ErrorKind::InvalidInput, "it is not a regular file")));
    }
    if metadata.len() > longest {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(at(path))?;
    file.take(longest + 1).read_to_end(&mut bytes).map_err(at(path))?;
    Ok(Some(bytes).filter(|bytes| registry::find_by_sha256(&sha256(bytes)).is_some()))
}

/// What is to be cut at its features, and how.
#[derive(Debug, Serialize, Deserialize)]
pub struct Question {
    path: PathBuf,
    features: Option<String>,
    pixels: PixelFlags,
    plan: PlanStorage,
}

/// What is known of a network that was cut. The files with it are the cut network and, if there is one, its plan.
#[derive(Debug, Serialize, Deserialize)]
pub struct Told {
    name: Option<String>,
    preprocessing: Preprocessing,
    size: usize,
    outputs: usize,
    pretraining: Option<String>,
    note: Note,
}

/// The child's part: reads the network and cuts it at its features.
///
/// # Errors
/// See [`resolve`].
pub fn answer(question: &Question) -> Result<Answer<Told>> {
    cut(&onnx::read(&question.path)?, question)
}

fn cut(file: &onnx::File, question: &Question) -> Result<Answer<Told>> {
    let (asked, flags) = (question.pixels.size, PixelFlags { size: None, ..question.pixels.clone() });
    // A network of open input size needs to be told; one of fixed size may be asked to take another.
    let mut network = known_pixels(file, &flags).or_else(|e| match asked {
        Some(_) => known_pixels(file, &question.pixels),
        None => Err(e),
    })?;
    let features = match question.features.as_deref().or(network.features) {
        Some(tensor) => cut::Features { tensor: tensor.into(), pool: network.is_map(tensor)? },
        None => cut::find_features(&network.model)?,
    };
    let mut cut = cut::at_features(&network.model, &features)?;
    pixels::write(&mut cut, &network.preprocessing);
    let layout = network.preprocessing.layout;
    let length = |cut: &onnx::Model, size| {
        Ok::<_, Error>(TractEngine::load(&onnx::ready(cut.clone())?, layout, size)?.output_len())
    };
    let outputs = length(&cut, network.size)?;
    let size = asked.or(network.features_size).unwrap_or(network.size);
    if size != network.size {
        cut::resize(&mut cut, layout, size)?;
        if length(&cut, size).ok() != Some(outputs) {
            let native = network.size;
            return Err(Error::PixelsUnknown(format!("the network takes {native}×{native}, not --size {size}")));
        }
    }
    // Of the same features only.
    if size != network.size || question.features.is_some() || flags.crop.is_some() {
        network.pretraining.iter_mut().for_each(|made| made.calibration = None);
    }
    let onnx = onnx::ready(cut)?;
    onnx::check_steady(&onnx, layout, size)?;
    let compiled = plan::make(&onnx, &network.preprocessing, size, question.plan.storage(), &[], Progress::Silent)?;
    let told = Told {
        name: network.name.map(str::to_owned),
        preprocessing: network.preprocessing,
        size,
        outputs,
        pretraining: network.pretraining.map(|made| made.to_text()),
        note: compiled.note,
    };
    let mut files = vec![onnx];
    files.extend(compiled.plan);
    Ok((told, files))
}

/// A decoded network with what is known of its input and its making.
pub struct Network {
    /// The graph, without what it tells of its making: devices have no use for that.
    pub model: ModelProto,
    /// What it was made from, if its file tells.
    pub pretraining: Option<Pretraining>,
    /// How its pixels go in.
    pub preprocessing: Preprocessing,
    /// Side of its input.
    pub size: usize,
    /// Its name in the registry.
    pub name: Option<&'static str>,
    /// Side at which its features are best, where that is known to be another.
    features_size: Option<usize>,
    features: Option<&'static str>,
}

impl Network {
    /// Whether a tensor still has rows and columns.
    fn is_map(&self, tensor: &str) -> Result<bool> {
        let cut = onnx::ready(cut::at_output(&self.model, tensor)?)?;
        Ok(TractEngine::load(&cut, self.preprocessing.layout, self.size)?.output_rank() == 4)
    }
}

/// Finds how a network's pixels go in: by its sha256 in the registry, else from its metadata, else from the flags.
/// Never a guess.
///
/// # Errors
/// `PIXELS_UNKNOWN` says which flags to give; `INVALID_MODEL` when it is no image network.
pub fn known_pixels(file: &onnx::File, flags: &PixelFlags) -> Result<Network> {
    let mut model = file.model.clone();
    onnx::half_weights::compute_in_float(&mut model);
    onnx::take_one_image(&mut model);
    let pretraining = Pretraining::take(&mut model).map_err(Error::Backbone)?;
    let input = onnx::image_input(&model)?;
    let entry = registry::find_by_sha256(&file.sha256);
    let told = match entry {
        Some(entry) => Some(entry.pixels),
        None => pixels::from_properties(&model, input.layout).map_err(Error::PixelsUnknown)?,
    };
    let mut preprocessing = match told {
        Some(told) => {
            let where_from = if entry.is_some() { "the registry" } else { "the file's own metadata" };
            agree(&told, flags, where_from)?;
            told
        }
        None => from_flags(flags, &input)?,
    };
    preprocessing.crop = flags.crop.unwrap_or(preprocessing.crop);
    if let Some(problem) = preprocessing.problem() {
        return Err(Error::PixelsUnknown(problem));
    }
    if input.layout.is_some_and(|layout| layout != preprocessing.layout) {
        let message = format!("the shape of the input `{}` does not fit the layout that is told for it", input.name);
        return Err(Error::PixelsUnknown(message));
    }
    let size = match (input.size, flags.size) {
        (Some(fixed), Some(asked)) if fixed != asked => {
            return Err(Error::PixelsUnknown(format!("the network takes {fixed}×{fixed}, not --size {asked}")));
        }
        (Some(size), _) | (None, Some(size)) => size,
        (None, None) => entry
            .map(|e| e.input_size as usize)
            .ok_or_else(|| Error::PixelsUnknown("the network leaves its input size open: give --size PIXELS".into()))?,
    };
    if !(1..=MAX_IMAGE_SIZE).contains(&size) {
        return Err(Error::PixelsUnknown(format!(
            "an input of {size} pixels a side is not within 1 and {MAX_IMAGE_SIZE}"
        )));
    }
    onnx::take_bytes_as_numbers(&mut model, &preprocessing)?;
    Ok(Network {
        model,
        pretraining,
        preprocessing,
        size,
        name: entry.map(|e| e.name),
        features_size: entry.and_then(|e| e.features_size).map(|size| size as usize),
        features: entry.and_then(|e| e.features),
    })
}

/// Flags must not contradict what is known.
fn agree(told: &Preprocessing, flags: &PixelFlags, where_from: &str) -> Result<()> {
    let differ = flags.layout.is_some_and(|v| v != told.layout)
        || flags.color.is_some_and(|v| v != told.color)
        || flags.range.is_some_and(|v| v != told.range)
        || flags.mean.is_some_and(|v| v != told.mean)
        || flags.std.is_some_and(|v| v != told.std);
    if !differ {
        return Ok(());
    }
    let json = serde_json::to_string(told).unwrap_or_default();
    Err(Error::PixelsUnknown(format!("{where_from} says this network's pixels go in as {json}; drop the flags")))
}

fn from_flags(flags: &PixelFlags, input: &ImageInput) -> Result<Preprocessing> {
    let layout = input.layout.or(flags.layout);
    let missing: Vec<&str> = [
        ("--color rgb|bgr", flags.color.is_none()),
        ("--range LOW,HIGH (what bytes 0 and 255 become, for example 0,1 or 0,255 or -1,1)", flags.range.is_none()),
        ("--mean R,G,B (0,0,0 if none)", flags.mean.is_none()),
        ("--std R,G,B (1,1,1 if none)", flags.std.is_none()),
        ("--layout nchw|nhwc", layout.is_none()),
    ]
    .into_iter()
    .filter_map(|(flag, missing)| missing.then_some(flag))
    .collect();
    let (Some(layout), Some(color), Some(range), Some(mean), Some(std)) =
        (layout, flags.color, flags.range, flags.mean, flags.std)
    else {
        return Err(Error::PixelsUnknown(format!(
            "how this network wants its pixels is not known: it is not in the registry and its metadata does not \
             tell. Give {}",
            missing.join(", ")
        )));
    };
    if flags.layout.is_some_and(|asked| asked != layout) {
        return Err(Error::PixelsUnknown("the shape of the input says otherwise than --layout".into()));
    }
    Ok(Preprocessing { layout, color, range, mean, std, crop: 1.0, whole_above: None })
}

/// Downloads a backbone by its name, unless it is there already.
///
/// # Errors
/// `BACKBONE`: an unknown name, or a download that failed.
pub fn fetch(name: &str, progress: Progress) -> Result<()> {
    if name == embedded::NAME {
        return Ok(());
    }
    // A name must not reach a file of this machine.
    if registry::find_by_name(name).is_none() {
        return Err(unknown(name));
    }
    locate(name, progress).map(drop)
}

fn unknown(asked: &str) -> Error {
    let names: Vec<&str> = registry::all().iter().map(|e| e.name).collect();
    Error::Backbone(format!(
        "`{asked}` is neither a file nor a known backbone; known are {}, {}",
        embedded::NAME,
        names.join(", ")
    ))
}

/// A file, or a name of the registry that is downloaded once.
fn locate(asked: &str, progress: Progress) -> Result<PathBuf> {
    if Path::new(asked).is_file() {
        return Ok(asked.into());
    }
    let Some(entry) = registry::find_by_name(asked) else {
        return Err(unknown(asked));
    };
    let stage = progress.stage("download", usize::try_from(entry.bytes.unwrap_or(0)).unwrap_or(0));
    let fetched = download::fetch(entry, &download::default_cache_dir(), &mut |done, total| stage.set(done, total));
    stage.finish();
    fetched.map_err(|e| Error::Backbone(e.to_string()).caused_by(e))
}
