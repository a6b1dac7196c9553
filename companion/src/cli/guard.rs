//! The outermost call: a defect of the companion reaches the user as an error like any other, never as a panic's text.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, Result};

/// Where the last panic happened, as `file:line:column`. The payload that unwinding hands over does not tell it.
static LAST_PANIC: Mutex<Option<String>> = Mutex::new(None);

/// From now on panics print nothing. Those that nobody catches are reported by [`run`].
pub fn silence_panics() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string);
        *LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner) = place;
    }));
}

/// Runs `work`. A panic in it, on whatever thread, becomes `INTERNAL`.
///
/// # Errors
/// Those of `work`, and `INTERNAL`.
pub fn run(work: impl FnOnce() -> Result<()>) -> Result<()> {
    panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| {
        let place = LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner).take();
        let place = place.map(|place| format!(" at {place}")).unwrap_or_default();
        Err(Error::Defect(format!("{}{place}", message(&*payload))))
    })
}

fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic without a message")
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use rayon::prelude::*;

    use super::*;

    #[test]
    fn a_panic_on_any_thread_is_an_internal_error() {
        let here = run(|| panic!("no such photo: {}", 7)).unwrap_err();
        assert_eq!(here.code(), "INTERNAL");
        assert!(here.to_string().contains("please report it") && here.to_string().contains("no such photo: 7"));
        let threads = run(|| {
            (0..64).into_par_iter().for_each(|i| assert!(i != 33, "elsewhere"));
            Ok(())
        });
        assert_eq!(threads.unwrap_err().code(), "INTERNAL");
        assert!(run(|| Ok(())).is_ok());
    }

    /// Runs in a process of its own, since the hook counts for the whole process.
    #[test]
    fn nothing_of_a_panic_itself_is_printed() {
        let tests = std::env::current_exe().unwrap();
        let mut child = Command::new(tests);
        child.args(["--exact", "cli::guard::tests::child", "--nocapture", "--ignored"]);
        let output = child.output().unwrap();
        let printed = format!("{}{}", String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
        assert!(printed.contains("error[INTERNAL]: this is a defect of jicho"), "{printed}");
        assert!(printed.contains("boom at companion/src/cli/guard.rs:"), "{printed}");
        assert!(!printed.contains("panicked"), "{printed}");
    }

    #[test]
    #[ignore = "the process that the test above starts"]
    fn child() {
        silence_panics();
        let error = run(|| panic!("boom")).unwrap_err();
        eprintln!("error[{}]: {error}", error.code());
    }
}
