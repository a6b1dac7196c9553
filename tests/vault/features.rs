//! What is kept is sealed whatever features the crate is built with: a feature can be switched on by any dependent.

use std::path::Path;

fn read(relative: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(relative)).unwrap()
}

#[test]
fn no_feature_changes_how_the_vault_seals() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/vault");
    let mut files = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let source = std::fs::read_to_string(&path).unwrap();
        assert!(!source.contains("feature ="), "{} depends on a feature", path.display());
        files += 1;
    }
    assert!(files > 20, "{files}");
    let manifest = read("Cargo.toml");
    let features = manifest.split("\n[features]\n").nth(1).unwrap().split("\n[").next().unwrap();
    let vault = features.lines().find(|line| line.starts_with("vault = "));
    assert_eq!(
        vault,
        Some("vault = [\"serde_json/float_roundtrip\"]"),
        "a feature that exports the store and reads numbers whole"
    );
    for gone in ["unsealed", "bench"] {
        assert!(!features.lines().any(|line| line.starts_with(gone)), "`{gone}` is a feature");
    }
    assert_eq!(jicho::vault::FORMAT, 1, "this build seals");
}
