//! Where the limits of frame quality come from: photos spoilt at known strengths, and how well each score tells them from
//! the photos as they were. Prints the tables of docs/quality.md: `quality_roc [PHOTOS [MODELS]]`, at most so many photos a
//! folder; MODELS is a models folder with the channels `real` and `drawn`, to tell what each strength does to recognition.
//!
//! Limits are chosen on one set of photos and judged on another. Folders that are not here are skipped, and said to be.

// This program measures time; the library knows no clock.
#![allow(clippy::disallowed_methods)]

mod degrade;
mod model;
mod photos;
mod roc;

use std::hint::black_box;
use std::time::Instant;

use degrade::{Chance, KINDS, Picture, pair};
use jicho::frame::Frame;
use jicho::quality::{Defect, Limit, Scores, assess};
use model::Channel;
use roc::{auroc, quantile};

/// The share of good frames that a limit may call bad, in the source where it calls most.
const FALSE_ALARMS: f64 = 0.02;

/// Name, photos to choose limits on, photos to judge them on. Real photos are below the folder that the variable `GROCERY`
/// names; `./build.sh demo` draws the others.
fn sources() -> [[String; 3]; 2] {
    let grocery = std::env::var("GROCERY").unwrap_or_else(|_| "GROCERY".into());
    let real = ["real".into(), format!("{grocery}/train"), format!("{grocery}/val")];
    [real, ["drawn", "samples/photos", "samples/unseen"].map(String::from)]
}

struct Source {
    name: String,
    chosen_on: Vec<Scores>,
    good: Vec<Scores>,
    /// For each of [`KINDS`], for each strength.
    spoilt: Vec<Vec<Vec<Scores>>>,
    /// Likewise, the share of photos that are still taken for the product that they were taken for.
    kept: Vec<Vec<Option<f64>>>,
    channel: Option<Channel>,
}

fn scores(picture: &Picture, before: Option<&Picture>) -> Scores {
    let glimpse = before.map(|before| before.as_frame(|frame| assess(frame, None).1));
    picture.as_frame(|frame| assess(frame, glimpse.as_ref()).0.scores)
}

/// A still frame: as the photo is, with a hand's tremor since the frame before.
fn good(photo: &Picture, chance: &mut Chance) -> Scores {
    let (before, now) = pair(photo, 0.0, chance);
    Scores { motion: scores(&now, Some(&before)).motion, ..scores(&photo.noisy(chance), None) }
}

fn measure([name, to_choose, to_judge]: [String; 3], most: usize, models: Option<&str>) -> Option<Source> {
    let read = |folder: &str| {
        let found = photos::read(folder, most);
        if found.is_none() {
            println!("skipped: {name} photos, since {folder} is not here\n");
        }
        found
    };
    let (to_choose, to_judge) = (read(&to_choose)?, read(&to_judge)?);
    let channel = models.map(|models| Channel::load(models, &name));
    let mut chance = Chance::new(1);
    let chosen_on = to_choose.iter().map(|photo| good(photo, &mut chance)).collect();
    let all_good = to_judge.iter().map(|photo| good(photo, &mut chance)).collect();
    let answers: Vec<String> = channel.iter().flat_map(|c| to_judge.iter().map(|photo| c.answer(photo))).collect();
    let mut source = Source { name, chosen_on, good: all_good, spoilt: Vec::new(), kept: Vec::new(), channel };
    for kind in KINDS {
        let (mut spoilt, mut kept) = (Vec::new(), Vec::new());
        for &strength in kind.strengths {
            let frames: Vec<(Option<Picture>, Picture)> = to_judge
                .iter()
                .map(|photo| match kind.defect {
                    Defect::Motion => {
                        let (before, now) = pair(photo, strength, &mut chance);
                        (Some(before), now)
                    }
                    _ => (None, (kind.spoil)(photo, strength, &mut chance)),
                })
                .collect();
            spoilt.push(frames.iter().map(|(before, now)| scores(now, before.as_ref())).collect());
            // Of two frames the first is as good as the second.
            kept.push(source.channel.as_ref().filter(|_| kind.defect != Defect::Motion).map(|channel| {
                let same = frames.iter().zip(&answers).filter(|((_, now), answer)| channel.answer(now) == **answer);
                100.0 * same.count() as f64 / frames.len() as f64
            }));
        }
        source.spoilt.push(spoilt);
        source.kept.push(kept);
    }
    Some(source)
}

/// A score as a degree of badness.
fn badness(defect: Defect, scores: &[Scores]) -> Vec<f64> {
    let sign = if matches!(defect.limit(), Limit::Least(_)) { -1.0 } else { 1.0 };
    scores.iter().filter_map(|s| s.of(defect)).map(|score| sign * f64::from(score)).collect()
}

fn found(defect: Defect, scores: &[Scores]) -> f64 {
    let bad = |s: &&Scores| jicho::Quality::of(**s).findings.iter().any(|finding| finding.defect == defect);
    100.0 * scores.iter().filter(bad).count() as f64 / scores.len() as f64
}

fn row(cells: impl IntoIterator<Item = String>) {
    println!("| {} |", cells.into_iter().collect::<Vec<_>>().join(" | "));
}

fn head(cells: &[String]) {
    row(cells.iter().cloned());
    println!("|{}", "---|".repeat(cells.len()));
}

fn limits(sources: &[Source]) {
    println!(
        "False alarms, % of good photos; and the limit at which they are {} % in a source.\n",
        100.0 * FALSE_ALARMS
    );
    let columns = sources.iter().flat_map(|s| [format!("{} limit", s.name), format!("{} alarms", s.name)]);
    head(&["defect".into(), "limit".into()].into_iter().chain(columns).collect::<Vec<_>>());
    for defect in Defect::ALL {
        let (Limit::Least(limit) | Limit::Most(limit)) = defect.limit();
        let of_source = |source: &Source| {
            let at = quantile(&badness(defect, &source.chosen_on), 1.0 - FALSE_ALARMS).abs();
            [format!("{at:.3}"), format!("{:.1}", found(defect, &source.good))]
        };
        row([format!("{defect:?}"), format!("{limit}")].into_iter().chain(sources.iter().flat_map(of_source)));
    }
    let any = |scores: &[Scores]| {
        let count = scores.iter().filter(|s| !jicho::Quality::of(**s).findings.is_empty()).count();
        format!("{:.1}", 100.0 * count as f64 / scores.len() as f64)
    };
    row(["any".into(), String::new()].into_iter().chain(sources.iter().flat_map(|s| [String::new(), any(&s.good)])));
    println!();
}

fn curves(sources: &[Source]) {
    println!(
        "AUROC of the defect's own score against good photos; % found at the limit; % still taken for the same product.\n"
    );
    let columns = sources.iter().flat_map(|s| ["AUROC", "found", "kept"].map(|column| format!("{} {column}", s.name)));
    head(&["spoilt by".into(), "strength".into()].into_iter().chain(columns).collect::<Vec<_>>());
    for (i, kind) in KINDS.iter().enumerate() {
        for (j, strength) in kind.strengths.iter().enumerate() {
            let of_source = |source: &Source| {
                let spoilt = &source.spoilt[i][j];
                let area = auroc(&badness(kind.defect, &source.good), &badness(kind.defect, spoilt));
                let kept = source.kept[i][j].map_or("–".into(), |kept| format!("{kept:.0}"));
                [format!("{area:.3}"), format!("{:.0}", found(kind.defect, spoilt)), kept]
            };
            let cells = sources.iter().flat_map(of_source);
            row([kind.name.to_string(), format!("{strength}")].into_iter().chain(cells));
        }
    }
    println!();
}

fn confusion(source: &Source) {
    println!("What is found in {} photos spoilt at the strongest but one, %: every column may fire.\n", source.name);
    head(&["spoilt by".to_string()].into_iter().chain(Defect::ALL.map(|d| format!("{d:?}"))).collect::<Vec<_>>());
    for (i, kind) in KINDS.iter().enumerate() {
        let spoilt = &source.spoilt[i][kind.strengths.len() - 2];
        let cells = Defect::ALL.map(|defect| format!("{:.0}", found(defect, spoilt)));
        row([kind.name.to_string()].into_iter().chain(cells));
    }
    println!();
}

/// Least of 200, milliseconds: what else the machine does only adds to it.
fn clock(mut work: impl FnMut()) -> f64 {
    let time = |_| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64() * 1e3
    };
    (0..200).map(time).fold(f64::INFINITY, f64::min)
}

fn time(channel: Option<&Channel>) {
    let noise = |i: u32| (i.wrapping_mul(2_654_435_761) | 0xff00_0000).to_le_bytes();
    let rgba: Vec<u8> = (0..1280 * 720).flat_map(noise).collect();
    let frame = Frame::new(1280, 720, &rgba).expect("its own size");
    let mut glimpse = assess(&frame, None).1;
    let quality = clock(|| glimpse = assess(black_box(&frame), Some(black_box(&glimpse))).1);
    let resize = clock(|| drop(black_box(black_box(&frame).center_square(1.0, jicho::quality::SIDE))));
    println!(
        "The quality of a 1280×720 frame takes {quality:.2} ms here, of which {resize:.2} ms go into resizing it."
    );
    if let Some(channel) = channel {
        let recognition = clock(|| drop(black_box(channel.recognize(black_box(&frame)))));
        println!("A recognition takes {recognition:.2} ms: quality is {:.0} % of it.", 100.0 * quality / recognition);
    }
}

fn main() {
    let most = std::env::args().nth(1).map_or(120, |text| text.parse().expect("PHOTOS is a number"));
    let models = std::env::args().nth(2);
    let measured = sources().into_iter().filter_map(|source| measure(source, most, models.as_deref()));
    let sources: Vec<Source> = measured.collect();
    for source in &sources {
        println!("{}: {} photos to choose on, {} to judge on", source.name, source.chosen_on.len(), source.good.len());
    }
    println!();
    if !sources.is_empty() {
        limits(&sources);
        curves(&sources);
        sources.iter().for_each(confusion);
    }
    time(sources.iter().find_map(|source| source.channel.as_ref()));
}
