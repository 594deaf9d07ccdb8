//! An allocator that counts. A test makes it the global one, and runs alone in its process, so that
//! no other thread allocates meanwhile.

#![allow(unsafe_code, reason = "an allocator that counts and hands on")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

pub struct Counting {
    in_use: AtomicUsize,
    allocations: AtomicUsize,
    allocated: AtomicUsize,
}

impl Counting {
    pub const fn new() -> Self {
        Self { in_use: AtomicUsize::new(0), allocations: AtomicUsize::new(0), allocated: AtomicUsize::new(0) }
    }

    /// The bytes that are in use.
    pub fn bytes(&self) -> usize {
        self.in_use.load(SeqCst)
    }

    /// The number of allocations so far.
    pub fn allocations(&self) -> usize {
        self.allocations.load(SeqCst)
    }

    /// The bytes of all allocations so far.
    pub fn allocated(&self) -> usize {
        self.allocated.load(SeqCst)
    }
}

// SAFETY: the system's allocator does the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.allocations.fetch_add(1, SeqCst);
        self.allocated.fetch_add(layout.size(), SeqCst);
        self.in_use.fetch_add(layout.size(), SeqCst);
        // SAFETY: the caller's promise is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        self.in_use.fetch_sub(layout.size(), SeqCst);
        // SAFETY: the caller's promise is the same.
        unsafe { System.dealloc(at, layout) }
    }
}
