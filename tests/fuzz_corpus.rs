//! What the fuzzer found is asked again, and a little beside it: the same targets without a fuzzer.

#![cfg(not(target_arch = "wasm32"))]

#[path = "../fuzz/src/lib.rs"]
mod targets;

use std::path::Path;

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

#[test]
fn plans() {
    for (seed, input) in (0..).zip(corpus("plan")) {
        targets::plan(&input);
        let mut input = input;
        for step in 0..8 {
            let Some(changed) = targets::mutate::mutate(&input, 100 * seed + step) else { continue };
            targets::plan(&changed);
            input = changed;
        }
    }
}

#[test]
fn engines() {
    corpus("engine").iter().for_each(|input| targets::engine(input));
}

/// An input, each cut of it, and each byte another.
fn beside(target: &str, run: fn(&[u8])) {
    for input in corpus(target) {
        run(&input);
        for at in 0..input.len() {
            run(&input[..at]);
            let mut changed = input.clone();
            changed[at] = changed[at].wrapping_mul(37).wrapping_add(11);
            run(&changed);
        }
    }
}

#[test]
fn manifests() {
    beside("manifest", targets::manifest);
}

#[test]
fn vaults() {
    beside("vault", targets::vault);
}

#[test]
fn lessons() {
    beside("lesson", targets::lesson);
}

#[test]
fn spaces() {
    beside("space", targets::space);
}

#[test]
fn heads() {
    beside("head", targets::head);
}

#[test]
fn exports() {
    beside("export", targets::export);
}
