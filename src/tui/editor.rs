//! The user's own editor on the text of the input line.
//!
//! Called by the loop while the terminal is given back. The text goes through a file that only the user may read.
//!
//! Invariant: the file is removed on every way out, but one: a text that cannot be taken stays there, and its place is told.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::limits;

/// Names that are tried for the file; more than a few are taken only on purpose.
const NAMES_MAX: u32 = 100;
/// Exit code of a shell that does not find a command.
const NOT_FOUND: i32 = 127;

/// Why the text is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The environment names no editor.
    #[error("no editor is set: put one into VISUAL or EDITOR, as in `export EDITOR=vi`")]
    NotSet,
    /// There is no such program.
    #[error("the editor {0} was not found: see VISUAL and EDITOR")]
    NotFound(String),
    /// It ended with an exit code, or by a signal.
    #[error("the editor {editor} failed ({status}); the text is as it was")]
    Failed {
        /// The command.
        editor: String,
        /// How it ended.
        status: std::process::ExitStatus,
    },
    /// The file cannot be written or read.
    #[error("the file for the editor, {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is longer than an event may be, or is no text; the file was kept.
    #[error("{what}; what you wrote is kept in {}", path.display())]
    NotTaken {
        /// What is wrong with it.
        what: String,
        /// The file.
        path: PathBuf,
    },
}

/// The command in `VISUAL`, else in `EDITOR`.
///
/// # Errors
/// [`Error::NotSet`].
pub fn from_environment() -> Result<OsString, Error> {
    ["VISUAL", "EDITOR"]
        .iter()
        .filter_map(std::env::var_os)
        .find(|command| !command.is_empty())
        .ok_or(Error::NotSet)
}

/// Runs `editor` on `text` and returns what it then is, without the line feed at its end. The command may have arguments.
///
/// # Errors
/// See [`Error`].
pub async fn edit(editor: OsString, text: &str) -> Result<String, Error> {
    let file = Draft::create(text)?;
    let name = editor.to_string_lossy().into_owned();
    let mut script = editor.clone();
    script.push(" \"$@\"");
    let status = Command::new("sh")
        .arg("-c")
        .args([script, editor])
        .arg(&file.path)
        .status()
        .await
        .map_err(|source| file.error(source))?;
    if status.code() == Some(NOT_FOUND) {
        return Err(Error::NotFound(name));
    }
    if !status.success() {
        let editor = name;
        return Err(Error::Failed { editor, status });
    }
    file.take()
}

/// The file while it exists.
struct Draft {
    path: PathBuf,
}

impl Draft {
    fn create(text: &str) -> Result<Self, Error> {
        let directory = std::env::temp_dir();
        let is_json = text.trim_start().starts_with('{');
        let kind = if is_json { "json" } else { "txt" };
        let mut number = 0;
        loop {
            let name = format!("fedag-{}-{number}.{kind}", std::process::id());
            let path = directory.join(name);
            match create(&path) {
                Ok(mut file) => {
                    let draft = Self { path };
                    let written = file.write_all(text.as_bytes());
                    written.map_err(|source| draft.error(source))?;
                    return Ok(draft);
                }
                Err(error)
                    if error.kind() == io::ErrorKind::AlreadyExists && number < NAMES_MAX =>
                {
                    number += 1;
                }
                Err(source) => return Err(Error::File { path, source }),
            }
        }
    }

    fn take(self) -> Result<String, Error> {
        let most = limits::INPUT_CHARS_MAX;
        let mut bytes = Vec::new();
        let file = File::open(&self.path).map_err(|source| self.error(source))?;
        // A character has at most four bytes; there may be a carriage return before each line feed.
        let room = most as u64 * 5 + 2;
        file.take(room)
            .read_to_end(&mut bytes)
            .map_err(|source| self.error(source))?;
        let Ok(text) = String::from_utf8(bytes) else {
            return Err(self.keep("the text is not UTF-8".to_owned()));
        };
        let text = text.replace("\r\n", "\n");
        let text = text.strip_suffix('\n').unwrap_or(&text);
        if text.chars().count() > most {
            let what = format!("the text has more than the {most} characters of an event");
            return Err(self.keep(what));
        }
        Ok(text.to_owned())
    }

    fn keep(self, what: String) -> Error {
        let path = self.path.clone();
        std::mem::forget(self);
        Error::NotTaken { what, path }
    }

    fn error(&self, source: io::Error) -> Error {
        let path = self.path.clone();
        Error::File { path, source }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // The editor may have taken it away.
        fs::remove_file(&self.path).ok();
    }
}

fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    options.open(path)
}
