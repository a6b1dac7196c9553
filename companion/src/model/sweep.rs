//! Every operator that networks may have, held against onnxruntime, form by form and opset by opset; docs/operators.md
//! is written from what comes out.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use jicho::engine::{CompiledEngine, Engine, TractEngine};
use jicho::manifest::Layout;
use serde::Deserialize;

use super::compile::{Storage, compile};
use super::onnx::{self, operators};

const SIDE: usize = 8;
/// The largest difference that is allowed, as a share of the largest value. Half precision, which some forms cast to,
/// has three digits.
const TOLERANCE: f64 = 3e-4;

#[derive(Deserialize)]
struct Case {
    operator: String,
    domain: String,
    case: String,
    opset: i64,
    file: String,
    expected: Vec<Option<f64>>,
}

/// What becomes of a form of an operator.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    Plan,
    Tract,
    Refused,
}

#[derive(Default)]
struct Row {
    opsets: BTreeSet<i64>,
    forms: BTreeMap<String, BTreeSet<Standing>>,
}

/// Writes the networks into a folder; nothing, with the reason printed, where Python or its packages are missing.
fn networks(folder: &Path) -> Option<()> {
    let python = std::env::var("JICHO_PYTHON").unwrap_or_else(|_| "python3".into());
    let probe = Command::new(&python).args(["-c", "import onnxruntime, numpy, onnx"]).stdin(Stdio::null()).output();
    if !probe.as_ref().is_ok_and(|output| output.status.success()) {
        let why = probe.map_or_else(|e| e.to_string(), |o| String::from_utf8_lossy(&o.stderr).trim().to_owned());
        let last = why.lines().last().unwrap_or_default();
        eprintln!("skipped: operators against onnxruntime: {python}: {last}");
        return None;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/operators/networks.py");
    let output = Command::new(&python).arg(script).arg(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(())
}

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operators.md")
}

/// What the network answers to the image, channels first.
fn run(engine: &dyn Engine, image: &[f32]) -> jicho::Result<Vec<f32>> {
    let pixels = SIDE * SIDE;
    engine.run(&mut |layout, tensor| {
        let channels = tensor.len() / pixels;
        for (i, value) in image.iter().enumerate() {
            let (channel, pixel) = (i / pixels, i % pixels);
            tensor[if layout == Layout::Nhwc { pixel * channels + channel } else { i }] = *value;
        }
    })
}

/// How far the answer is from what is expected, as a share of the largest value; infinity for answers of another length.
fn distance(answer: &[f32], expected: &[Option<f64>]) -> f64 {
    if answer.len() != expected.len() {
        return f64::INFINITY;
    }
    let largest = expected.iter().flatten().fold(1.0f64, |most, value| most.max(value.abs()));
    let each = answer.iter().zip(expected).map(|(a, e)| e.map_or(f64::INFINITY, |e| (f64::from(*a) - e).abs()));
    each.fold(0.0, f64::max) / largest
}

/// How a network runs, or how far it is from onnxruntime.
fn standing(case: &Case, file: &[u8], image: &[f32]) -> Result<Standing, String> {
    let Ok(ready) = onnx::decode(file).and_then(onnx::ready) else { return Ok(Standing::Refused) };
    let Ok(engine) = TractEngine::load(&ready, Layout::Nchw, SIDE) else { return Ok(Standing::Refused) };
    let far = |engine: &dyn Engine| match run(engine, image) {
        Ok(answer) => distance(&answer, &case.expected),
        Err(_) => f64::INFINITY,
    };
    let by_tract = far(&engine);
    if by_tract > TOLERANCE {
        return Err(format!("tract is {by_tract:.1e} off"));
    }
    if onnx::check_steady(&ready, Layout::Nchw, SIDE).is_err() {
        return Ok(Standing::Refused);
    }
    let Ok(plan) = compile(&ready, Layout::Nchw, SIDE, Storage::F32) else { return Ok(Standing::Tract) };
    let plan = plan.to_bytes().map_err(|e| e.to_string())?;
    let by_plan = far(&CompiledEngine::load(&plan).map_err(|e| e.to_string())?);
    if by_plan > TOLERANCE { Err(format!("the plan is {by_plan:.1e} off")) } else { Ok(Standing::Plan) }
}

#[test]
fn every_trusted_operator_answers_as_onnxruntime_does() {
    let folder = tempfile::tempdir().unwrap();
    let Some(()) = networks(folder.path()) else { return };
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    let image: Vec<f32> = read("image.f32").as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    let cases: Vec<Case> = serde_json::from_slice(&read("cases.json")).unwrap();
    assert!(cases.len() > 1000);
    let (mut rows, mut wrong) = (BTreeMap::<(String, String), Row>::new(), Vec::new());
    for case in &cases {
        match standing(case, &read(&case.file), &image) {
            Ok(standing) => {
                let row = rows.entry((case.operator.clone(), case.domain.clone())).or_default();
                row.opsets.insert(case.opset);
                row.forms.entry(case.case.clone()).or_default().insert(standing);
            }
            Err(why) => wrong.push(format!("{}, {}, opset {}: {why}", case.operator, case.case, case.opset)),
        }
    }
    assert!(
        wrong.is_empty(),
        "{} networks are computed otherwise than by onnxruntime:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    for known in operators::OPERATORS {
        let row = rows.get(&(known.name.to_owned(), known.domain.to_owned()));
        let runs = row.is_some_and(|row| row.forms.values().flatten().any(|s| *s != Standing::Refused));
        assert!(runs, "{} is trusted, and no network with it was compared", known.name);
    }
    let text = written(&rows);
    if std::env::var_os("JICHO_WRITE_DOCS").is_some() {
        std::fs::write(page(), &text).unwrap();
    }
    assert!(
        std::fs::read_to_string(page()).is_ok_and(|kept| kept == text),
        "docs/operators.md differs from what was measured: run this test with JICHO_WRITE_DOCS=1"
    );
}

#[test]
fn the_page_lists_the_trusted_operators() {
    let page = std::fs::read_to_string(page()).unwrap();
    let listed: BTreeSet<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" |").next())
        .filter(|n| *n != "Operator")
        .collect();
    for known in operators::OPERATORS {
        let name = shown(known.name, known.domain);
        assert!(listed.contains(name.as_str()), "docs/operators.md does not list {name}");
    }
}

fn shown(operator: &str, domain: &str) -> String {
    if domain.is_empty() { operator.to_owned() } else { format!("{operator} ({domain})") }
}

/// The page.
fn written(rows: &BTreeMap<(String, String), Row>) -> String {
    let mut text = HEAD.to_owned();
    for ((operator, domain), row) in rows {
        let forms_of = |wanted: &dyn Fn(&BTreeSet<Standing>) -> bool| {
            let names =
                row.forms.iter().filter(|(_, standings)| wanted(standings)).map(|(name, _)| match name.as_str() {
                    "" => "plain",
                    name => name,
                });
            names.collect::<Vec<_>>().join("; ")
        };
        let all = |only: Standing| row.forms.values().all(|s| s.iter().all(|s| *s == only || *s == Standing::Refused));
        let has = |which: Standing| row.forms.values().any(|s| s.contains(&which));
        let runs = if !has(Standing::Plan) && !has(Standing::Tract) {
            "refused".to_owned()
        } else if all(Standing::Plan) {
            "plan".to_owned()
        } else if all(Standing::Tract) {
            "tract".to_owned()
        } else {
            format!("plan; by tract: {}", forms_of(&|s| s.contains(&Standing::Tract)))
        };
        let refused = if runs == "refused" { "all".into() } else { forms_of(&|s| s.contains(&Standing::Refused)) };
        let opsets: Vec<String> = row.opsets.iter().map(ToString::to_string).collect();
        let _ = writeln!(text, "| {} | {} | {runs} | {refused} |", shown(operator, domain), opsets.join(", "));
    }
    text
}

const HEAD: &str = "\
# ONNX operators

Which operators of a network that somebody else made are run, and by what. The table is written by a test
(`JICHO_WRITE_DOCS=1 cargo test -p jicho-companion --bin jicho sweep`) from small networks around one operator each,
whose answers it holds against onnxruntime's: every form below, at every opset from 7 to 26 in which the operator's
definition changed. A network is accepted only if all its nodes are in the table in `companion/src/model/onnx/operators.rs`,
with attributes that stand there; anything else is refused by the name of the node, so that no network is published that
answers otherwise than its makers saw.

- *plan*: the operator becomes a step of a compiled plan, or goes into one.
- *tract*: devices fetch the larger build of the library, which runs the ONNX itself.
- *refused*: `import`, `compile` and `train` name the node and say what to do.

A form that is run by a plan in these networks may need tract in others, where what stands around it leaves it no place;
the command says so. tract computes some forms otherwise than ONNX defines them; these are written in other operators
first: `Celu` and `Swish` with an `alpha`, `GlobalLpPool`, `Pad` that cuts off, `Squeeze` with its axes out of order, and
`Slice` that takes every n-th value from a start that is not a multiple of n.

| Operator | Opsets compared | Runs as | Forms that are refused |
| --- | --- | --- | --- |
";
