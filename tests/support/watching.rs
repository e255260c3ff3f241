//! An allocator that remembers what was asked of it, for tests of what files may cost. It counts for the whole process, so a
//! test file that uses it has one test only.

#![allow(dead_code)] // Each test file uses a part.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The system's allocator, watched.
struct Watching;

/// The largest request.
pub static LARGEST: AtomicUsize = AtomicUsize::new(0);
/// Bytes in use.
pub static IN_USE: AtomicUsize = AtomicUsize::new(0);
/// The most bytes that were in use.
pub static MOST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on unchanged to the system's allocator.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LARGEST.fetch_max(layout.size(), Ordering::Relaxed);
        let in_use = IN_USE.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        MOST.fetch_max(in_use, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Watching = Watching;
