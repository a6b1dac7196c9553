//! Writes the TypeScript of what crosses the boundary, and fails where the committed files differ from it.
//!
//! `./build.sh generated` writes them anew after a change; it runs this test with `UPDATE_TYPES` set.

use std::path::{Path, PathBuf};

use ts_rs::{Config, TS};

use super::{channel, lesson, vault};
use crate::{ErrorKind, quality, recognize, sync};

const HEADER: &str = "// Written by the test in src/boundary/typescript.rs from the Rust types. Do not edit:\n\
                      // `./build.sh generated` writes it anew.\n";

/// A file that is generated and committed.
struct Generated {
    path: PathBuf,
    text: String,
}

#[test]
fn the_committed_types_are_those_of_rust() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = [
        Generated { path: root.join("src/boundary/types/shared.d.ts"), text: shared() },
        Generated { path: root.join("src/boundary/types/channel.d.ts"), text: channel() },
        Generated { path: root.join("src/boundary/types/vault.d.ts"), text: vault() },
        Generated { path: root.join("pkg/src/wasm/error-codes.ts"), text: error_codes() },
    ];
    for Generated { path, text } in files {
        if std::env::var_os("UPDATE_TYPES").is_some() {
            std::fs::write(&path, text).unwrap();
            continue;
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == text, "{} is not what the Rust types say: run ./build.sh generated", path.display());
    }
}

/// What channels and vaults have in common.
fn shared() -> String {
    let codes: String = ErrorKind::ALL.iter().map(|kind| format!("\n  | '{}'", kind.code())).collect();
    let mut text = format!(
        "{HEADER}\n/** Every code that an error of a wasm module can have; `error-codes.ts` of the npm package says what each \
         means. */\nexport type CoreErrorCode ={codes};\n"
    );
    text += &declaration::<sync::Problem>();
    text += &declaration::<recognize::Decision>();
    text
}

fn channel() -> String {
    let declarations = [
        declaration::<channel::ModelInfo<'static>>(),
        declaration::<sync::Outcome>(),
        declaration::<channel::Synced<'static>>(),
        declaration::<channel::Frame>(),
        declaration::<channel::Moment>(),
        declaration::<channel::ChannelOptions>(),
        declaration::<channel::RecognizeOptions>(),
        declaration::<recognize::Reason>(),
        declaration::<recognize::Prediction>(),
        declaration::<recognize::Attribute>(),
        declaration::<recognize::AttributeValue>(),
        declaration::<channel::Answer>(),
        declaration::<quality::Defect>(),
        declaration::<quality::Scores>(),
        declaration::<quality::Finding>(),
        declaration::<quality::Quality>(),
        declaration::<recognize::Standing>(),
        declaration::<lesson::Lesson>(),
        declaration::<lesson::LessonText>(),
        declaration::<lesson::LessonFrame>(),
        declaration::<crate::manifest::ModelType>(),
        declaration::<crate::manifest::FileRole>(),
        declaration::<sync::DiagnosedFile>(),
        declaration::<sync::DiagnosedModel>(),
        declaration::<sync::Check>(),
        declaration::<channel::ChannelDiagnosis>(),
    ];
    format!("{HEADER}{}", declarations.concat())
}

fn vault() -> String {
    let key = "\n/** What unlocks a vault. */\nexport type VaultKey =\n  | 'device'\n  | { passphrase: string; allowWeak?: boolean }\n  \
               | { key: Uint8Array };\n";
    let entry = "\n/** A record as it is stored, with the fields of its kind. */\n\
                 export type VaultEntry = VaultEntryHead & Record<string, unknown>;\n";
    let declarations = [
        key.to_owned(),
        declaration::<crate::vault::Kind>(),
        declaration::<vault::VaultEntry<'static>>(),
        entry.to_owned(),
        declaration::<vault::VaultDamaged>(),
        declaration::<vault::VaultPage>(),
        declaration::<vault::VaultAdded>(),
        declaration::<vault::VaultRotation>(),
        declaration::<vault::VaultCompaction>(),
        declaration::<vault::VaultExport>(),
        declaration::<vault::VaultPlainExport>(),
        declaration::<vault::VaultImported>(),
        declaration::<vault::VaultReport>(),
    ];
    format!("{HEADER}{}", declarations.concat())
}

/// The codes that an app can see, as values for the npm package's own table.
fn error_codes() -> String {
    let mut text = format!("{HEADER}\n/** Every code of the library core that an app can see. */\n");
    text += "export const CORE_ERROR_CODES = [\n";
    for kind in ErrorKind::ALL.iter().filter(|kind| **kind != ErrorKind::NeedsTract) {
        text += &format!("  /** {} */\n  '{}',\n", kind.meaning(), kind.code());
    }
    text + "] as const;\n"
}

/// An exported type with its doc comments, indented by two blanks a level.
fn declaration<T: TS>() -> String {
    let config = Config::new().with_large_int("number");
    let docs = T::docs().unwrap_or_default();
    let raw = format!("{docs}export {}", T::decl(&config));
    let mut text = String::from("\n");
    let mut depth = 0usize;
    for line in raw.lines().map(str::trim).filter(|line| !line.is_empty()) {
        // A closing brace after the last field of a line begins a line of its own.
        let (line, close) = match line.strip_suffix("};").filter(|fields| depth > 0 && !fields.is_empty()) {
            Some(fields) => (fields.trim_end(), Some("};")),
            None => (line, None),
        };
        let comment = line.starts_with('*') || line.starts_with("/*");
        let opened = if comment { 0 } else { line.matches('{').count() };
        let closed = if comment { 0 } else { line.matches('}').count() };
        let level = if closed > opened { depth.saturating_sub(closed - opened) } else { depth };
        let star = if line.starts_with('*') { " " } else { "" };
        text += &format!("{}{star}{}\n", "  ".repeat(level), without_links(line));
        depth = (depth + opened).saturating_sub(closed);
        if let Some(close) = close {
            depth = depth.saturating_sub(1);
            text += &format!("{}{close}\n", "  ".repeat(depth));
        }
    }
    text
}

/// Rust's links lead nowhere in TypeScript: their text alone stays.
fn without_links(line: &str) -> String {
    let mut text = line.replace("[`", "`").replace("`]", "`");
    while let Some(start) = text.find("`(crate::") {
        let Some(length) = text[start..].find(')') else { break };
        text.replace_range(start + 1..=start + length, "");
    }
    text
}
