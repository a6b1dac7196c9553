//! Counts what a thread allocates. A test binary that asks must make [`Counting`] its global allocator.

#![allow(dead_code, reason = "each test binary uses a part")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static LARGEST: Cell<usize> = const { Cell::new(0) };
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static TOTAL: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator, counted.
pub struct Counting;

fn count(taken: usize, given_back: usize) {
    LARGEST.with(|largest| largest.set(largest.get().max(taken)));
    LIVE.with(|live| live.set(live.get() + taken as isize - given_back as isize));
    TOTAL.with(|total| total.set(total.get() + taken));
}

// SAFETY: every call is passed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(0, layout.size());
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size, layout.size());
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// What a function returns, and the bytes of the largest allocation in it.
pub fn largest<T>(body: impl FnOnce() -> T) -> (T, usize) {
    LARGEST.with(|largest| largest.set(0));
    let result = body();
    (result, LARGEST.with(Cell::get))
}

/// Bytes of all allocations that a function makes: a measure of its work that no other process disturbs.
pub fn total(body: impl FnOnce()) -> usize {
    TOTAL.with(|total| total.set(0));
    body();
    TOTAL.with(Cell::get)
}

/// Bytes that this thread has allocated and not given back.
pub fn live() -> isize {
    LIVE.with(Cell::get)
}
