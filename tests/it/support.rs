//! What several tests need.

use std::path::Path;

/// Compares a file of the repository with what the code writes; `BLESS=1` writes it.
pub(crate) fn check_written(path: &str, want: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("BLESS").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, want).unwrap();
    }
    let got = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        got == want,
        "{path} is not what the code writes; run BLESS=1 cargo test and look at the difference"
    );
}
