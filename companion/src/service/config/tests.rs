//! Order of strength, sources, and that every mistake is told.

use figment::value::Value;

use super::*;

fn sources(toml: &str, environment: &[(&str, &str)]) -> (tempfile::TempDir, Sources) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.toml");
    std::fs::write(&file, toml).unwrap();
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    (folder, Sources { file: Some(file), environment, flags: Vec::new() })
}

fn shown<'a>(config: &'a Config, key: &str) -> (&'a str, &'a str) {
    let found = config.effective.iter().find(|effective| effective.key == key).unwrap();
    (&found.value, &found.source)
}

#[test]
fn flags_are_stronger_than_the_environment_and_that_than_the_file() {
    let toml = "[server]\nport = 1\nhost = \"0.0.0.0\"\nconnections = 3\n";
    let (_folder, mut sources) = sources(toml, &[("JICHO_SERVER_PORT", "2"), ("JICHO_SERVER_CONNECTIONS", "4")]);
    sources.flags.push(("server.port", Value::from(5_u64)));
    let config = sources.read().unwrap();
    assert_eq!(config.settings.server.port, 5);
    assert_eq!(shown(&config, "server.port"), ("5", "flag"));
    assert_eq!(shown(&config, "server.connections"), ("4", "environment variable JICHO_SERVER_CONNECTIONS"));
    assert!(shown(&config, "server.host").1.ends_with("shop.toml"));
    assert_eq!(shown(&config, "photos.max_megabytes"), ("10", "default"));
}

#[test]
fn a_file_named_by_the_environment_holds_the_value() {
    let (folder, mut sources) = sources("", &[]);
    let file = folder.path().join("level");
    std::fs::write(&file, "debug\n").unwrap();
    sources.environment.insert("JICHO_LOG_LEVEL_FILE".into(), file.display().to_string());
    assert_eq!(sources.read().unwrap().settings.log.level, "debug");

    sources.environment.insert("JICHO_LOG_LEVEL".into(), "info".into());
    let error = sources.read().unwrap_err().to_string();
    assert!(error.contains("JICHO_LOG_LEVEL and JICHO_LOG_LEVEL_FILE are both set"), "{error}");
}

#[test]
fn every_mistake_is_told_at_once() {
    let toml = "[server]\nport = 70000\npublic_url = \"shop\"\n[photos]\nmax_megabytes = 0\nmax_megabites = 1\n[shop]\na = 1\n";
    let (_folder, sources) = sources(toml, &[("JICHO_LOG_FORMAT", "xml"), ("JICHO_TRAINING_DAILY_HOUR", "24")]);
    let error = sources.read().unwrap_err().to_string();
    for part in [
        "server.port",
        "server.public_url",
        "photos.max_megabytes",
        "from 1 to 200",
        "photos.max_megabites: no setting",
        "shop.a: no setting",
        "log.format (environment variable JICHO_LOG_FORMAT)",
        "give an hour from 0 to 23",
    ] {
        assert!(error.contains(part), "`{part}` is missing in:\n{error}");
    }
}

#[test]
fn a_file_that_is_no_toml_is_told() {
    let (_folder, sources) = sources("[server\n", &[]);
    assert_eq!(sources.read().unwrap_err().code(), "BAD_INPUT");
}

/// Writes the list with `JICHO_WRITE_DOCS=1`.
#[test]
fn the_documentation_lists_the_settings() {
    const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/service.md");
    const BEGIN: &str = "<!-- settings: generated -->\n";
    const END: &str = "<!-- end of settings -->";
    let page = std::fs::read_to_string(PAGE).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let expected = format!("{before}{BEGIN}{}{END}{after}", documentation());
    if std::env::var_os("JICHO_WRITE_DOCS").is_some() {
        std::fs::write(PAGE, &expected).unwrap();
    }
    let page = std::fs::read_to_string(PAGE).unwrap();
    assert!(page == expected, "docs/service.md is not current: run this test with JICHO_WRITE_DOCS=1");
}
