//! The command line: what each command accepts, and what it prints. Data goes to stdout, everything else to stderr. A
//! failure exits with status 1, wrong usage with 2.

mod audit;
mod backbones;
mod backup;
mod caching;
mod clean;
mod compile;
mod crossvalidate;
mod evaluate;
mod export;
mod guard;
mod history;
mod import;
mod key_list;
mod keygen;
mod network;
mod pixels;
mod pretrain;
mod publishing;
mod reading;
mod samples;
mod serve;
mod settings;
mod train;
mod versions;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use serde_json::json;

use crate::error::Result;
use crate::progress::emit;
use crate::text::printable;

/// Train, publish and serve what a shop's camera recognises.
#[derive(Parser)]
#[command(name = "jicho", version, about, long_about = None)]
struct Arguments {
    /// Number of threads (default: one per core); the result is the same with any number
    #[arg(long, global = true, value_name = "N")]
    threads: Option<usize>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Train a channel's model from photos and publish it
    Train(Box<train::Train>),
    /// Measure a published channel on photos
    Evaluate(evaluate::Evaluate),
    /// Measure how well training on these photos works, by training on parts of them
    Crossvalidate(crossvalidate::Crossvalidate),
    /// Publish an existing ONNX classifier as a channel
    Import(import::Import),
    /// Write a channel's model as one ONNX file
    Export(export::Export),
    /// List the releases of a channel that are kept
    Versions(versions::Versions),
    /// List the models that a service has trained for a channel
    History(history::History),
    /// Compare two models that a service has trained
    Compare(history::Compare),
    /// Put an older release of a channel back into force
    Rollback(versions::Rollback),
    /// Put a channel's candidate into force for all devices
    Promote(versions::OfChannel),
    /// Withdraw a channel's candidate
    Withdraw(versions::OfChannel),
    /// Write what is in force anew, with another expiry and new signatures
    Renew(versions::OfChannel),
    /// Remove channels that are no longer active and files that nobody needs; only tells, unless --apply
    Clean(clean::Clean),
    /// Make a key that signs releases, and print its public half
    Keygen(keygen::Keygen),
    /// Have other keys sign from now on, so that devices follow without an update of the app
    KeyList(key_list::KeyList),
    /// Compile an ONNX network to the plan that devices run
    Compile(compile::Compile),
    /// Make a small backbone from photos and a larger backbone
    Pretrain(pretrain::Pretrain),
    /// Draw the photos of a small made-up shop
    Samples(samples::Samples),
    /// Serve the back office of shops: the API, their models and the app
    Serve(serve::Serve),
    /// Tell the settings of the service
    Config(settings::Config),
    /// Verify the audit log of the service
    Audit(audit::Audit),
    /// Copy the service's data and models into one file, also while it runs
    Backup(backup::Backup),
    /// Make data and models of a copy, and verify them
    Restore(backup::Restore),
    /// List the backbones that are known by name
    Backbones,
}

/// Runs the command that the arguments name.
pub fn run() -> ExitCode {
    let Arguments { threads, command } = Arguments::parse();
    if let Some(threads) = threads {
        // This fails only if the pool exists already, and nothing has used it yet.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
    }
    let json = command.json();
    guard::silence_panics();
    match guard::run(|| command.run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if json {
                emit(json!({ "event": "error", "code": error.code(), "message": error.to_string() }));
            }
            eprintln!("error[{}]: {}", error.code(), printable(&error.to_string()));
            ExitCode::FAILURE
        }
    }
}

impl Command {
    /// Whether `--json` was given.
    fn json(&self) -> bool {
        match self {
            Command::Train(command) => command.json,
            Command::Evaluate(command) => command.json,
            Command::Crossvalidate(command) => command.json,
            Command::Compile(command) => command.json,
            Command::Versions(command) => command.json,
            Command::History(command) => command.json,
            Command::Compare(command) => command.json,
            Command::Clean(command) => command.json,
            Command::Pretrain(command) => command.json,
            _ => false,
        }
    }

    fn run(self) -> Result<()> {
        match self {
            Command::Train(command) => command.run(),
            Command::Evaluate(command) => command.run(),
            Command::Crossvalidate(command) => command.run(),
            Command::Import(command) => command.run(),
            Command::Export(command) => command.run(),
            Command::Versions(command) => command.run(),
            Command::History(command) => command.run(),
            Command::Compare(command) => command.run(),
            Command::Rollback(command) => command.run(),
            Command::Promote(command) => command.promote(),
            Command::Withdraw(command) => command.withdraw(),
            Command::Renew(command) => command.renew(),
            Command::Clean(command) => command.run(),
            Command::Keygen(command) => command.run(),
            Command::KeyList(command) => command.run(),
            Command::Compile(command) => command.run(),
            Command::Pretrain(command) => command.run(),
            Command::Samples(command) => command.run(),
            Command::Serve(command) => command.run(),
            Command::Config(command) => command.run(),
            Command::Audit(command) => command.run(),
            Command::Backup(command) => command.run(),
            Command::Restore(command) => command.run(),
            Command::Backbones => {
                backbones::run();
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
