//! What the fuzzer's targets do with an input. The ordinary test `fuzz_corpus` does the same with the corpus.

#[path = "../../tests/fixture/block_on.rs"]
mod block_on;
mod bound;
pub mod file;
pub mod mutate;
#[path = "../../tests/plans/mod.rs"]
mod plans;

use jicho::engine::plan::{Plan, Program, Step, reference};
use jicho::engine::{CompiledEngine, Engine};
use jicho::recognize::{DiscriminantHead, NumericHead, Prototypes, Space, tensors};
use jicho::teach::{self, Lesson};
use jicho::vault::{Envelope, ExportFile, Header};
use jicho::{ErrorKind, Manifest};

use block_on::block_on;
use plans::{Choices, Limits};
use sha2::{Digest, Sha256};
use xxhash_rust::xxh64::xxh64;

/// What is run: more would make the fuzzer slow, and finds nothing else.
const MAX_WORK: u64 = 1 << 19;
const MAX_VALUES: usize = 1 << 18;

/// Reads a plan as [`file::assemble`] makes it of the input. One that is accepted must run, and if its weights are tame,
/// every kernel set must give the reference's answer.
pub fn plan(input: &[u8]) {
    let (bytes, tame) = file::assemble(input);
    let plan = match Plan::parse(&bytes) {
        Ok(plan) => plan,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InvalidModel);
            assert!(error.to_string().len() < 1000, "{error}");
            return;
        }
    };
    let again = plan.to_bytes().expect("what was read can be written");
    assert_eq!(Plan::parse(&again).expect("what was written can be read"), plan);
    if work(&plan.program) > MAX_WORK || plan.program.arena > MAX_VALUES {
        return;
    }
    let side = plan.program.tensors[0].height;
    let mut random = plans::Random(7);
    let image: Vec<f32> = (0..3 * side * side).map(|_| random.signed()).collect();
    let tensors = reference::tensors(&plan, &image);
    let tolerance = if tame { bound::tolerance(&plan.program, &tensors) } else { None };
    let expected = &tensors[plan.program.output];
    for kernels in CompiledEngine::kernels() {
        let engine = CompiledEngine::load_with(&bytes, kernels).expect("what was accepted can be loaded");
        let answer = engine.run(&mut |_, tensor| tensor.copy_from_slice(&image));
        let Some(tolerance) = tolerance else { continue };
        let answer = answer.expect("a finite answer");
        for (i, (got, expected)) in answer.iter().zip(expected).enumerate() {
            let difference = f64::from((got - expected).abs());
            assert!(difference <= tolerance, "{kernels}: value {i} is {got}, not {expected} (± {tolerance})");
        }
    }
}

/// The input's bytes are choices, of which a valid plan is made.
pub fn engine(input: &[u8]) {
    let choices: Vec<u32> = input.iter().map(|b| u32::from(*b)).collect();
    plans::check(&plans::case(&mut Choices::given(&choices), Limits { macs: 50_000, ..Limits::USUAL }));
}

/// Reads a metadata.json. One that is accepted can be written and read again.
pub fn manifest(input: &[u8]) {
    match Manifest::parse(input) {
        Ok(manifest) => {
            let again = serde_json::to_vec(&manifest).expect("what was read can be written");
            let again = Manifest::parse(&again).expect("what was written can be read");
            assert_eq!(again.files, manifest.files);
            let _ = (manifest.network(), manifest.total_bytes());
        }
        Err(error) => assert!(
            matches!(
                error.kind(),
                ErrorKind::InvalidManifest
                    | ErrorKind::SchemaTooNew
                    | ErrorKind::RuntimeTooOld
                    | ErrorKind::InvalidChannel
            ),
            "{error}"
        ),
    }
}

/// Reads an envelope, and a vault's header whose checksum is put right. A header that is accepted is written as it was.
pub fn vault(input: &[u8]) {
    if let Err(error) = Envelope::parse(input) {
        assert!(matches!(error.kind(), ErrorKind::RecordDamaged | ErrorKind::SchemaTooNew), "{error}");
    }
    let bytes = [input, &Sha256::digest(input)[..16]].concat();
    match Header::parse(&bytes) {
        // A header of format 1 is written in the newest one.
        Ok(header) => assert!(header.retention.is_none() || header.to_bytes() == bytes),
        Err(error) => {
            assert!(matches!(error.kind(), ErrorKind::VaultDamaged | ErrorKind::SchemaTooNew), "{error}");
        }
    }
}

/// Reads the beginning of an exported vault: as many bytes as the first says are its header, whose checksum is put right.
pub fn export(input: &[u8]) {
    let (length, rest) = input.split_first().map_or((0, input), |(length, rest)| (usize::from(*length), rest));
    let (header, rest) = rest.split_at(length.min(rest.len()));
    let header = [header, &Sha256::digest(header)[..16]].concat();
    let file = |format: &[u8]| [format, &(header.len() as u32).to_le_bytes(), &header, rest].concat();
    for file in [input, &file(b"JCHX\x01"), &file(b"JCHX\x02")] {
        if let Err(error) = block_on(ExportFile::read(&file)) {
            assert!(matches!(error.kind(), ErrorKind::InvalidExport | ErrorKind::SchemaTooNew), "{error}");
        }
    }
}

/// Reads a lesson, and one whose checksum is put right. What is accepted is written as it was, and as rows of JSON.
pub fn lesson(input: &[u8]) {
    let whole = [b"JCHL\x01", &xxh64(input, 0).to_le_bytes()[..], input].concat();
    for bytes in [input, &whole] {
        match Lesson::parse(bytes) {
            Ok(lesson) => {
                assert_eq!(lesson.to_bytes().expect("what was read can be written"), bytes);
                // A picture need not be a JPEG that can be read.
                let rows = teach::rows(&lesson).unwrap_or_default();
                assert!(rows.lines().all(|row| serde_json::from_str::<serde_json::Value>(row).is_ok()), "{rows}");
            }
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::InvalidLesson | ErrorKind::SchemaTooNew), "{error}");
            }
        }
    }
}

/// How many features the spaces of the target `space` take.
const FEATURES: usize = 16;

/// Reads a space file. One that is accepted gives finite points.
pub fn space(input: &[u8]) {
    match tensors::open(input, "space").and_then(|tensors| Space::read(&tensors, FEATURES)) {
        Ok(space) => {
            let point = space.point(&[1.0; FEATURES]).expect("as many features as it takes");
            assert!(point.iter().all(|value| value.is_finite()), "{point:?}");
        }
        Err(error) => assert_eq!(error.kind(), ErrorKind::InvalidModel, "{error}"),
    }
}

/// Reads a head file with each kind of head, over as many dimensions as the first byte says. One that is accepted gives
/// finite numbers.
pub fn head(input: &[u8]) {
    let (dims, file) = input.split_first().map_or((0, input), |(dims, file)| (usize::from(*dims), file));
    let point = vec![1.0; dims];
    let check = |answer: jicho::Result<Vec<f32>>| match answer {
        Ok(values) => assert!(values.iter().all(|value| value.is_finite()), "{values:?}"),
        Err(error) => assert_eq!(error.kind(), ErrorKind::InvalidModel, "{error}"),
    };
    match tensors::open(file, "head") {
        Ok(tensors) => {
            check(Prototypes::read(&tensors, "label", dims).map(|head| head.cosines(&point)));
            check(DiscriminantHead::read(&tensors, "attribute/brand", dims, 3).map(|head| head.cosines(&point)));
            check(NumericHead::read(&tensors, "attribute/price", dims).map(|head| vec![head.predict(&point)]));
        }
        Err(error) => check(Err(error)),
    }
}

/// About how many operations a run takes.
fn work(program: &Program) -> u64 {
    let work = |step: &Step| {
        let size = |size: [usize; 2]| size[0] * size[1];
        let factor = match step {
            Step::Conv(conv) => size(conv.window.size) * program.tensors[conv.input].channels,
            Step::Depthwise(conv) => size(conv.window.size),
            Step::Pool(pool) => size(pool.window.size),
            Step::Gather(gather) => gather.inputs.len(),
            _ => 1,
        };
        let read: usize = step.inputs().iter().map(|t| program.tensors[*t].extent()).sum();
        // Padding is written out, however little is read of it.
        let padded = match step {
            Step::Conv(conv) => {
                let [top, left, bottom, right] = conv.window.padding;
                let from = &program.tensors[conv.input];
                (from.height + top + bottom) * (from.width + left + right) * from.channels
            }
            _ => 0,
        };
        (program.tensors[step.output()].extent() as u64 * factor as u64).saturating_add((read + padded) as u64)
    };
    program.steps.iter().map(work).fold(0, u64::saturating_add)
}
