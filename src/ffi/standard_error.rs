//! Standard error, where errors go until the host sets a logger. Whatever it is, closed or a pipe without a reader, the host lives
//! on.

use std::io::{Error, ErrorKind};
use std::mem::MaybeUninit;

/// Writes a text, or as much of it as goes.
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

/// Where a host has closed standard error its number may be that of a file of the DB by now. RocksDB opens those so that they are
/// closed on exec; a standard error is not.
fn is_there() -> bool {
    // SAFETY: it asks about a number.
    let flags = unsafe { libc::fcntl(libc::STDERR_FILENO, libc::F_GETFD) };
    flags >= 0 && flags & libc::FD_CLOEXEC == 0
}

/// Runs `write`; a SIGPIPE that it raises for this thread is taken away again. Others that were waiting stay.
fn without_sigpipe(write: impl FnOnce()) {
    let mut pipe = MaybeUninit::<libc::sigset_t>::uninit();
    let mut before = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigemptyset fills `pipe`, which the other calls read; pthread_sigmask fills `before` if it answers 0.
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
