//! Expected renderings, kept as files under `tests/golden/report/`.
//!
//! With the environment variable `BITPLAN_GOLDEN=write` the tests write them instead of comparing; read the differences
//! (`git diff`) before keeping them.

use std::path::PathBuf;

/// Compares a rendering with its file, byte by byte.
pub(crate) fn assert_golden(file: &str, rendered: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/report").join(file);
    if std::env::var("BITPLAN_GOLDEN").is_ok_and(|value| value == "write") {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, rendered).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let other = expected.lines().zip(rendered.lines()).position(|(a, b)| a != b);
    let line = other.unwrap_or_else(|| expected.lines().count().min(rendered.lines().count()));
    let show = |text: &str| text.lines().nth(line).unwrap_or("(the end)").to_string();
    assert!(
        expected == rendered,
        "{file}, line {}: expected\n{}\nfound\n{}\nif this is meant: BITPLAN_GOLDEN=write cargo test golden",
        line + 1,
        show(&expected),
        show(rendered)
    );
}
