//! The command `jicho evaluate`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;

use super::reading::Reading;
use crate::error::Result;
use crate::json;
use crate::learning::evaluate::{self, Evaluation, Row};
use crate::progress::{Progress, emit};

/// `jicho evaluate`
#[derive(Args)]
pub struct Evaluate {
    /// The channel's folder, as `ml-models/T_1` or `s3://BUCKET/FOLDER/T_1`
    channel: PathBuf,
    /// A folder with a folder of photos per product, or a file: JSONL or CSV rows, COCO, Pascal VOC or YOLO annotations, a
    /// zip of a folder
    #[arg(long, value_name = "DIR")]
    photos: PathBuf,
    #[command(flatten)]
    reading: Reading,
    /// Photos of things that are not products of the channel, in the same forms; folders may have any names
    #[arg(long, value_name = "DIR")]
    unknown: Option<PathBuf>,
    /// Also measure the photos as another camera might have taken them: light, white balance, noise, blur, JPEG, haze and more,
    /// one by one and together
    #[arg(long)]
    shifts: bool,
    /// Write the answers to this file, one JSON line per image
    #[arg(long, value_name = "FILE")]
    predictions: Option<PathBuf>,
    /// Print the result as one JSON object on stdout
    #[arg(long)]
    pub json: bool,
}

impl Evaluate {
    /// Measures the channel and prints the measures.
    pub fn run(self) -> Result<()> {
        let json = self.json;
        let evaluation = evaluate::run(&self.options(), Progress::silent_if(json))?;
        if json {
            emit(json::line(&evaluation)?);
        } else {
            print(&evaluation);
        }
        Ok(())
    }

    fn options(self) -> evaluate::Options {
        let Evaluate { channel, photos, reading, unknown, shifts, predictions, json: _ } = self;
        evaluate::Options { channel, photos, reading: reading.options(), unknown, shifts, predictions }
    }
}

fn print(evaluation: &Evaluation) {
    let measures = &evaluation.measures;
    emit(format_args!("channel    {} {}", evaluation.channel, evaluation.version));
    emit(format_args!("images     {}", measures.images));
    let precise = |share: Option<f64>| share.map_or("–".to_owned(), |s| format!("{:.1} %", 100.0 * s));
    emit(format_args!("top-1      {}", precise(measures.top1)));
    emit(format_args!("top-3      {}", precise(evaluation.summary.top3)));
    emit(format_args!("top-5      {}", precise(measures.top5)));
    emit(format_args!("confidence {} on average", precise(evaluation.summary.mean_confidence)));
    emit(format_args!("ECE        {}", precise(evaluation.ece)));
    let counts = |decisions: &BTreeMap<&str, usize>| {
        decisions.iter().map(|(name, n)| format!("{name} {n}")).collect::<Vec<_>>().join(", ")
    };
    emit(format_args!("decisions  {}", counts(&evaluation.decisions)));
    if let Some(precision) = evaluation.summary.match_precision {
        let coverage = precise(evaluation.summary.match_coverage);
        emit(format_args!(
            "           {:.1} % of the matches are right, {coverage} of the photos get one",
            100.0 * precision
        ));
    }
    if let Some(decisions) = &evaluation.unknown_decisions {
        let auroc = evaluation.auroc.map_or("–".to_owned(), |area| format!("{area:.3}"));
        emit(format_args!("unknown    {}", counts(decisions)));
        emit(format_args!("           AUROC {auroc}, FPR95 {}", precise(evaluation.fpr95)));
    }
    for (name, measure) in &evaluation.attributes {
        match (measure.accuracy, measure.mae, measure.rmse) {
            (Some(accuracy), ..) => emit(format_args!("{name}: {:.1} % of {}", 100.0 * accuracy, measure.images)),
            (_, Some(mae), Some(rmse)) => {
                emit(format_args!("{name}: MAE {mae:.4}, RMSE {rmse:.4} of {}", measure.images));
            }
            _ => {}
        }
    }
    print_shifts(&evaluation.shifts);
    emit(format_args!("\n{:<32} {:>6} {:>9} {:>7}", "product", "images", "precision", "recall"));
    let percent = |share: Option<f64>| share.map_or("–".to_owned(), |s| format!("{:.0} %", 100.0 * s));
    for product in &measures.products {
        let (precision, recall) = (percent(product.precision), percent(product.recall));
        emit(format_args!("{:<32} {:>6} {precision:>9} {recall:>7}", product.label, product.images));
    }
}

fn print_shifts(rows: &[Row]) {
    let Some(plain) = rows.first() else { return };
    let percent = |share: Option<f64>| share.map_or("–".to_owned(), |share| format!("{:.1} %", 100.0 * share));
    let head = ["as another camera", "top-1", "less", "matches right", "photos with one", "called unknown"];
    emit(format_args!(
        "\n{:<20} {:>7} {:>6} {:>14} {:>15} {:>14}",
        head[0], head[1], head[2], head[3], head[4], head[5]
    ));
    for row in rows {
        let less =
            row.top1.zip(plain.top1).map_or("–".to_owned(), |(top1, plain)| format!("{:.1}", 100.0 * (plain - top1)));
        let [precision, coverage, unknown] =
            [row.summary.match_precision, row.summary.match_coverage, row.summary.called_unknown].map(percent);
        emit(format_args!(
            "{:<20} {:>7} {less:>6} {precision:>14} {coverage:>15} {unknown:>14}",
            row.shift,
            percent(row.top1)
        ));
    }
}
