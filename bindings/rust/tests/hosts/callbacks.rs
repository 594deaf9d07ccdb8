//! Loggers and clocks. The logger is the process's, so one test uses it at a time.

use crate::support::{compact, context, library, open, versions, write};
use rocks_gc::{ErrorKind, Gc, LogLevel};
use std::panic::panic_any;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;
use tempfile::tempdir;

const PATIENCE: Duration = Duration::from_secs(20);

fn logger() -> MutexGuard<'static, ()> {
    static LOGGER: Mutex<()> = Mutex::new(());
    LOGGER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a panic may carry.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a payload that panics")
    }
}

#[test]
fn callbacks_may_panic() {
    let (_logger, gc, directory) = (logger(), context(), tempdir().unwrap());
    let messages = Arc::new(AtomicUsize::new(0));
    let counted = messages.clone();
    gc.library()
        .set_logger(LogLevel::Debug, move |_, message| {
            counted.fetch_add(1, Ordering::Relaxed);
            assert!(message.len() < 10, "a logger that panics");
        })
        .unwrap();
    gc.set_clock(|| panic_any(Bomb)).unwrap();
    let db = open(&gc, directory.path());
    write(&gc, &db, 7, 10, &[10, 20]);
    gc.advance_keyspace_safe_point(7, 30).unwrap();
    compact(&db);
    assert_eq!(versions(&gc, &db, 7), 10);
    gc.library().set_logger(LogLevel::Debug, |_, _| panic_any(Bomb)).unwrap();
    assert!(!gc.advance_global_safe_point(0), "and the reason is logged");
    gc.library().set_silent().unwrap();
    gc.set_system_clock().unwrap();
    assert!(messages.load(Ordering::Relaxed) > 0);
}

/// On a thread of the host, though callbacks must not rely on it.
#[test]
fn a_logger_may_close_the_db() {
    let (_logger, gc, directory) = (logger(), context(), tempdir().unwrap());
    let db = Mutex::new(Some(open(&gc, directory.path())));
    let host = thread::current().id();
    gc.library()
        .set_logger(LogLevel::Debug, move |_, _| {
            if thread::current().id() == host {
                drop(db.lock().unwrap().take());
            }
        })
        .unwrap();
    assert!(!gc.advance_global_safe_point(0), "and the reason is logged");
    gc.library().set_silent().unwrap();
    drop(open(&context(), directory.path()));
}

#[test]
fn a_callback_may_not_replace_itself() {
    let (_logger, gc) = (logger(), context());
    let (sender, answers) = mpsc::channel();
    let of_logger = gc.library().clone();
    let silence = move |_, _: &str| sender.send(of_logger.set_silent()).unwrap();
    gc.library().set_logger(LogLevel::Debug, silence).unwrap();
    gc.advance_global_safe_point(0);
    assert_eq!(answers.recv_timeout(PATIENCE).unwrap().unwrap_err().kind(), ErrorKind::Busy);
    gc.library().set_silent().unwrap();
}

/// A clock that is about to set the clock, while another thread sets it and waits for this clock.
#[test]
fn clocks_that_are_set_at_once_do_not_wait_for_each_other() {
    let options = Gc::builder(&library()).unwrap();
    let gc = options.set("max_safe_point_ahead_seconds", "60").unwrap().create().unwrap();
    let (sender, answers) = mpsc::channel();
    let is_called = Arc::new(AtomicBool::new(false));
    gc.set_clock({
        let (gc, is_called) = (gc.clone(), is_called.clone());
        move || {
            is_called.store(true, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(200));
            let _ = sender.send(gc.set_clock(|| 2));
            1
        }
    })
    .unwrap();
    let asker = thread::spawn({
        let gc = gc.clone();
        move || gc.advance_global_safe_point(1)
    });
    while !is_called.load(Ordering::SeqCst) {
        thread::yield_now();
    }
    thread::spawn(move || gc.set_system_clock());
    let answer = answers.recv_timeout(PATIENCE).expect("both wait for each other");
    assert_eq!(answer.unwrap_err().kind(), ErrorKind::Busy);
    asker.join().unwrap();
}
