//! Panics that are expected: of a library over a damaged file, say. They become errors, and nothing else ends by them.
//!
//! Invariant: `is_expected` is true on a thread exactly while `catch` runs there, so that a hook for panics can tell.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static EXPECTED: Cell<bool> = const { Cell::new(false) };
}

/// Does `work`; what it leaves half-done by a panic must be dropped with it.
///
/// # Errors
/// What the panic said.
pub fn catch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    let before = EXPECTED.replace(true);
    let done = catch_unwind(AssertUnwindSafe(work));
    EXPECTED.set(before);
    done.map_err(|panic| {
        let said = panic.downcast_ref::<String>().map(String::as_str);
        let said = said.or_else(|| panic.downcast_ref::<&str>().copied());
        said.unwrap_or("without a word").to_owned()
    })
}

/// Returns whether a panic on this thread becomes an error.
pub fn is_expected() -> bool {
    EXPECTED.get()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_expected_only_inside() {
        assert!(!is_expected());
        let said = catch(|| -> u8 {
            assert!(is_expected());
            assert_eq!(catch(|| 7), Ok(7));
            assert!(is_expected(), "still inside");
            panic!("page {}", 9)
        });
        assert_eq!(said, Err("page 9".to_owned()));
        assert!(!is_expected());
    }
}
