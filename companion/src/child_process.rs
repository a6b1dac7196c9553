//! This program started once more, as a child: what reads foreign networks and what trains for the service runs so.
//!
//! A child is told what to do by the first line of its stdin. Nothing more is ever sent, and the parent keeps the pipe
//! open: reading ends when the parent has ended, however it did, and then the child ends too. Linux ends it by a signal
//! as well, also while it is stopped.

use std::io::{self, BufRead, stdin};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// This program as a child that takes `argument` alone, with pipes for all three streams.
///
/// Linux ends a child when the *thread* that started it ends, so whoever starts one must keep that thread until the child
/// has ended.
///
/// # Errors
/// When the program's own file is not known.
pub fn command(argument: &str) -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(argument).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // A backtrace would hide the line that says why it ended.
    command.env_remove("RUST_BACKTRACE");
    Ok(command)
}

/// A request as the line that a child reads.
///
/// # Errors
/// For a value that JSON cannot hold.
pub fn request(request: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    Ok(line)
}

/// The child's side: reads the request, and from then on ends this process when the parent has ended. `None` where there
/// is no request that can be read.
pub fn take_request<T: DeserializeOwned>() -> Option<T> {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
    let mut line = String::new();
    let request = stdin().lock().read_line(&mut line).ok().and_then(|_| serde_json::from_str(&line).ok())?;
    thread::spawn(|| {
        let _ = stdin().lock().read_line(&mut String::new());
        std::process::exit(1);
    });
    Some(request)
}

/// Limits the memory of this process, for good. Where the system has no such limit, only requests that the system itself
/// refuses fail.
pub fn limit_memory(megabytes: u64) {
    #[cfg(unix)]
    {
        use rlimit::{Resource, setrlimit};
        let bytes = megabytes.saturating_mul(1 << 20);
        // Linux counts what a process may write to; address space alone, such as threads reserve, costs nothing.
        let memory = if cfg!(target_os = "linux") { Resource::DATA } else { Resource::AS };
        // A lower limit that is already in force stays, and a system may not know this kind of limit.
        let _ = setrlimit(memory, bytes, bytes);
        // A child that is ended for its memory must not leave a file of that size.
        let _ = setrlimit(Resource::CORE, 0, 0);
    }
    #[cfg(not(unix))]
    let _ = megabytes;
}

/// Lets other processes go first, such as the server that answers requests meanwhile.
pub fn lower_priority() {
    #[cfg(unix)]
    let _ = rustix::process::nice(10);
}

/// Whether a message of tract, or of the standard library, says that memory could not be had.
pub fn is_about_memory(message: &str) -> bool {
    ["memory allocation of", "AllocError", "LayoutError", "capacity overflow", "failed to allocate", "out of memory"]
        .iter()
        .any(|sign| message.contains(sign))
}

/// Whether the system ended the process, as it does when memory runs out.
pub fn was_killed(status: ExitStatus) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        status.signal() == Some(9)
    }
    #[cfg(not(unix))]
    {
        let _ = status;
        false
    }
}
