//! The command line. Data goes to stdout, everything else to stderr; failures exit with 1, wrong usage with 2.

mod arguments;
mod pixels;
mod pretrain;
mod train;

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::Parser;
use serde_json::json;

use crate::compile::command::Summary;
use crate::error::{Error, Result};
use crate::evaluate::Evaluation;
use crate::progress::{Progress, emit};
use crate::publish::clean::{self, Cleaned};
use crate::publish::versions::{self, Listing, Version};
use crate::publish::{Published, key};
use crate::train::Report;
use crate::{backbone, compile, crossvalidate, evaluate, export, import, samples, serve, train as training};
use arguments::{Arguments, Command};

/// Runs the command that the arguments name.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let json = arguments.command.json();
    if let Some(threads) = arguments.threads {
        // Fails only when the pool exists already, and nothing has run yet.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
    }
    match execute(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if json {
                emit(json!({ "event": "error", "code": error.code(), "message": error.to_string() }));
            }
            eprintln!("error[{}]: {error}", error.code());
            ExitCode::FAILURE
        }
    }
}

fn execute(command: Command) -> Result<()> {
    let progress = if command.json() { Progress::Json } else { Progress::Human };
    match command {
        Command::Train(arguments) => {
            let (published, report) = training::run(&arguments.options(), progress)?;
            trained(progress, &published, &report);
        }
        Command::Evaluate(arguments) => {
            // With --json stdout holds the one result object, so progress stays silent.
            let progress = if arguments.json { Progress::Silent } else { Progress::Human };
            let json = arguments.json;
            let evaluation = evaluate::run(&arguments.options(), progress)?;
            if json {
                let text = serde_json::to_string(&evaluation).map_err(|e| Error::BadInput(e.to_string()))?;
                emit(format_args!("{text}"));
            } else {
                print_evaluation(&evaluation);
            }
        }
        Command::Crossvalidate(arguments) => {
            let progress = if arguments.json { Progress::Silent } else { Progress::Human };
            let json = arguments.json;
            let validation = crossvalidate::run(&arguments.options(), progress)?;
            if json { emit(text(&validation)?) } else { crossvalidate::print(&validation) }
        }
        Command::Import(arguments) => published(progress, &import::run(&arguments.options(), progress)?),
        Command::Export(arguments) => {
            export::whole(&arguments.channel, &arguments.whole)?;
            emit(arguments.whole.display());
        }
        Command::Versions(arguments) => {
            let listing = versions::list(&arguments.channel)?;
            if arguments.json { emit(text(&listing)?) } else { print_versions(&listing) }
        }
        Command::Rollback(_) | Command::Promote(_) | Command::Withdraw(_) => {
            if let Some((channel, change, terms)) = command.change() {
                published(progress, &versions::change(&channel, &change, &terms, progress)?);
            }
        }
        Command::Clean(arguments) => {
            let json = arguments.json;
            let cleaned = clean::run(&arguments.options())?;
            if json { emit(text(&cleaned)?) } else { print_cleaned(progress, &cleaned) }
        }
        Command::Keygen(arguments) => {
            let key =
                if arguments.public { key::read(&arguments.file)?.public() } else { key::generate(&arguments.file)? };
            emit(key.to_hex());
        }
        Command::Compile(arguments) => {
            let json = arguments.json;
            compiled(&compile::command::run(&arguments.options())?, json)?;
        }
        Command::Pretrain(arguments) => {
            let out = arguments.out.clone();
            let card = crate::pretrain::run(&arguments.options(), progress)?;
            let result = serde_json::to_value(&card).map_err(|e| Error::BadInput(e.to_string()))?;
            progress.event(&json!({ "event": "pretrained", "card": result }));
            if progress == Progress::Human {
                let share = card.accuracy_stored.map_or("not measured".to_owned(), |s| format!("{:.1} %", 100.0 * s));
                eprintln!(
                    "{} bytes, {} weights, nearest class mean on held-out photos {share}",
                    card.bytes, card.weights
                );
                emit(out.join("backbone.onnx").display());
            }
        }
        Command::Samples(arguments) => {
            let stage = progress.stage("draw", 0);
            let (dir, options) = arguments.options();
            let summary = samples::generate(&dir, &options, &|done, total| stage.set(done as u64, Some(total as u64)));
            stage.finish();
            let summary = summary.map_err(|source| Error::Io { path: dir.clone(), source })?;
            let what = if options.attributes {
                "rows in scans.jsonl".into()
            } else {
                format!("{} products", summary.products)
            };
            progress.note(&format!("{} photos, {what}", summary.photos));
            emit(dir.display());
        }
        Command::Serve(arguments) => {
            let options = arguments.options();
            if !options.models.is_dir() {
                progress
                    .warn(&format!("{} does not exist yet: models are 404 until it does", options.models.display()));
            }
            if options.app.is_none() {
                progress.note("no --app: only models are served");
            }
            serve::run(&options, |address| {
                emit(format_args!("http://{address}/"));
                progress.note("models at /assets/ml-models/; Ctrl-C stops");
            })
            .map_err(|e| Error::Serve(e.to_string()))?;
        }
        Command::Backbones => {
            emit(format_args!("{}\tships inside, nothing to download", backbone::embedded::NAME));
            for entry in backbone::registry::all() {
                let place = entry.url.unwrap_or("not for download; pass the file");
                emit(format_args!("{}\t{} px\t{}\t{place}", entry.name, entry.input_size, entry.licence));
            }
        }
    }
    Ok(())
}

fn text(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|e| Error::BadInput(e.to_string()))
}

fn trained(progress: Progress, published: &Published, report: &Report) {
    let manifest = &published.manifest;
    progress.event(&json!({
        "event": "published",
        "channel": manifest.channel_id,
        "version": manifest.version,
        "releaseSeq": manifest.release_seq,
        "products": manifest.product_count,
        "images": manifest.image_count,
        "leftOut": report.problems.len(),
        "accuracy": manifest.accuracy,
        "seconds": manifest.training_duration,
        "metadata": published.path,
        "canary": published.canary,
    }));
    if progress != Progress::Human {
        return;
    }
    let accuracy = manifest.accuracy.map_or(
        "not measured (it takes two products and a second, new photo of one)".to_owned(),
        |a| {
            let images = report.held_out.as_ref().map_or(0, |m| m.images);
            format!("{:.1} % on {images} held-out photos", 100.0 * a)
        },
    );
    let attributes = match manifest.attributes.len() {
        0 => String::new(),
        count => format!(" {count} attributes,"),
    };
    eprintln!(
        "{} {}: {} products,{attributes} {} photos, {:.1} s, accuracy {accuracy}",
        manifest.channel_id, manifest.version, manifest.product_count, manifest.image_count, manifest.training_duration
    );
    on_trial(progress, published);
    emit(&published.path);
}

fn published(progress: Progress, published: &Published) {
    let manifest = &published.manifest;
    progress.note(&format!("{} {}: {} labels", manifest.channel_id, manifest.version, manifest.product_count));
    on_trial(progress, published);
    emit(&published.path);
}

fn on_trial(progress: Progress, published: &Published) {
    if let Some(share) = published.canary {
        let percent = 100.0 * share;
        progress
            .note(&format!("on trial on {percent} % of the devices; `jicho promote` or `jicho withdraw` ends that"));
    }
}

fn print_versions(listing: &Listing) {
    for Version { version, release_seq, trained_at, bytes, latest, share } in &listing.versions {
        let state = match (latest, share) {
            (true, _) => format!("latest (releaseSeq {})", listing.release_seq),
            (_, Some(share)) => format!("candidate for {} %", 100.0 * share),
            _ => String::new(),
        };
        let line = format!("{version}\t{release_seq}\t{trained_at}\t{:.2} MB\t{state}", *bytes as f64 / 1e6);
        emit(line.trim_end());
    }
}

fn print_cleaned(progress: Progress, cleaned: &Cleaned) {
    cleaned.channels.iter().for_each(|channel| emit(format_args!("channel {channel}")));
    cleaned.blobs.iter().for_each(|blob| emit(format_args!("blob {blob}")));
    for channel in &cleaned.unknown {
        progress.warn(&format!("the active channel `{channel}` has no folder; is it spelt right?"));
    }
    let Cleaned { channels, files, blobs, bytes, applied, .. } = cleaned;
    let (channels, blobs, megabytes) = (channels.len(), blobs.len(), *bytes as f64 / 1e6);
    let what = format!("{channels} channels ({files} files) and {blobs} blobs, {megabytes:.2} MB ({bytes} bytes)");
    let done = if *applied { "removed" } else { "to be removed, by --apply:" };
    progress.note(&format!("{done} {what}"));
}

fn compiled(summary: &Summary, json: bool) -> Result<()> {
    if json {
        emit(serde_json::to_string(summary).map_err(|e| Error::BadInput(e.to_string()))?);
        return Ok(());
    }
    summary.steps.iter().for_each(emit);
    let megabytes = |bytes: usize| bytes as f64 / 1e6;
    let (steps, macs) = (summary.steps.len(), summary.multiplications as f64 / 1e6);
    let (size, memory) = (megabytes(summary.bytes), megabytes(summary.arena));
    emit(format_args!("{steps} steps, {macs:.1} million multiplications, plan {size:.2} MB, memory {memory:.2} MB"));
    Ok(())
}

fn print_evaluation(evaluation: &Evaluation) {
    let measures = &evaluation.measures;
    emit(format_args!("channel    {} {}", evaluation.channel, evaluation.version));
    emit(format_args!("images     {}", measures.images));
    let precise = |share: Option<f64>| share.map_or("–".to_owned(), |s| format!("{:.1} %", 100.0 * s));
    emit(format_args!("top-1      {}", precise(measures.top1)));
    emit(format_args!("top-5      {}", precise(measures.top5)));
    emit(format_args!("ECE        {}", precise(evaluation.ece)));
    let counts = |decisions: &BTreeMap<&str, usize>| {
        decisions.iter().map(|(name, n)| format!("{name} {n}")).collect::<Vec<_>>().join(", ")
    };
    emit(format_args!("decisions  {}", counts(&evaluation.decisions)));
    if let Some(precision) = evaluation.match_precision {
        emit(format_args!("           {:.1} % of the matches are right", 100.0 * precision));
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
                emit(format_args!("{name}: MAE {mae:.4}, RMSE {rmse:.4} of {}", measure.images))
            }
            _ => {}
        }
    }
    emit(format_args!("\n{:<32} {:>6} {:>9} {:>7}", "product", "images", "precision", "recall"));
    let percent = |share: Option<f64>| share.map_or("–".to_owned(), |s| format!("{:.0} %", 100.0 * s));
    for product in &measures.products {
        let (precision, recall) = (percent(product.precision), percent(product.recall));
        emit(format_args!("{:<32} {:>6} {precision:>9} {recall:>7}", product.label, product.images));
    }
}
