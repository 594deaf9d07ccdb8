//! Standard error, to which errors are written until the host sets a logger. If it is closed, or a
//! pipe without a reader, the host continues to run.

use std::io::{Error, ErrorKind};
use std::mem::MaybeUninit;

/// Writes as much of a text as possible.
pub(crate) fn write(text: &str) {
    if !is_there() {
        return;
    }
    without_sigpipe(|| {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            // SAFETY: `rest` is readable for its length.
            let written = unsafe { libc::write(libc::STDERR_FILENO, rest.as_ptr().cast(), rest.len()) };
            match usize::try_from(written) {
                Ok(written @ 1..) => rest = rest.get(written..).unwrap_or_default(),
                Err(_) if Error::last_os_error().kind() == ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => return,
            }
        }
    });
}

/// Whether standard error exists. If the host has closed it, its number may now belong to a file of
/// the DB. RocksDB opens such files as close-on-exec; standard error is not close-on-exec.
fn is_there() -> bool {
    // SAFETY: the call only reads the flags of a number.
    let flags = unsafe { libc::fcntl(libc::STDERR_FILENO, libc::F_GETFD) };
    flags >= 0 && flags & libc::FD_CLOEXEC == 0
}

/// Runs `write`, and removes a SIGPIPE that it raises for this thread. A SIGPIPE that was pending
/// before remains pending.
fn without_sigpipe(write: impl FnOnce()) {
    let mut pipe = MaybeUninit::<libc::sigset_t>::uninit();
    let mut before = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigemptyset fills `pipe`, which the other calls read; pthread_sigmask fills `before`
    // if it answers 0.
    unsafe {
        let was_waiting = is_sigpipe_waiting();
        libc::sigemptyset(pipe.as_mut_ptr());
        libc::sigaddset(pipe.as_mut_ptr(), libc::SIGPIPE);
        if libc::pthread_sigmask(libc::SIG_BLOCK, pipe.as_ptr(), before.as_mut_ptr()) != 0 {
            return;
        }
        write();
        if !was_waiting && is_sigpipe_waiting() {
            let now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
            libc::sigtimedwait(pipe.as_ptr(), std::ptr::null_mut(), &now);
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), std::ptr::null_mut());
    }
}

fn is_sigpipe_waiting() -> bool {
    let mut waiting = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigpending fills `waiting` if it answers 0, and sigismember reads it only then.
    unsafe { libc::sigpending(waiting.as_mut_ptr()) == 0 && libc::sigismember(waiting.as_ptr(), libc::SIGPIPE) == 1 }
}
