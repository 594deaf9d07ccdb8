//! Threads of this library do not take the host's signals.

use std::ffi::c_int;
use std::mem::MaybeUninit;
use std::ptr::null_mut;

/// The signals of a crash: the host's handler must see them on any thread.
const OF_A_CRASH: [c_int; 5] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGABRT];

/// Blocks every signal on this thread, except those of a crash.
pub(super) fn block_signals() {
    let mut blocked = MaybeUninit::uninit();
    // SAFETY: sigfillset fills `blocked`, sigdelset changes it, and pthread_sigmask reads it.
    unsafe {
        libc::sigfillset(blocked.as_mut_ptr());
        for signal in OF_A_CRASH {
            libc::sigdelset(blocked.as_mut_ptr(), signal);
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, blocked.as_ptr(), null_mut());
    }
}
