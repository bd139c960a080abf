//! A large array of zeros that begins at a large page.

use std::ops::{Deref, DerefMut};

/// Of the processor's large pages, in bytes. An array that is read at random places is read faster from one of them, for
/// the processor remembers where few pages are; the system gives them only to memory that covers them, and mostly only
/// where the allocator asks: glibc's does with `GLIBC_TUNABLES=glibc.malloc.hugetlb=1`, as `make up` starts the worker.
const PAGE: usize = 2 << 20;
/// Arrays below this many bytes do not need one.
const SMALL: usize = PAGE / 8;

#[derive(Default)]
pub struct Wide<T> {
    memory: Vec<T>,
    start: usize,
    len: usize,
}

impl<T: Copy + Default> Wide<T> {
    /// Makes it at least so long.
    pub fn grow(&mut self, len: usize) {
        if len <= self.len {
            return;
        }
        if self.start + len > self.memory.len() {
            let room = len + len / 8;
            let large = room * size_of::<T>() >= SMALL;
            let page = if large { PAGE / size_of::<T>() } else { 1 };
            let room = room.next_multiple_of(page);
            let mut memory = vec![T::default(); room + page];
            let start = if large { memory.as_ptr().align_offset(PAGE).min(page) } else { 0 };
            // Written now: else the system would give each page when it is written first, while others wait.
            std::hint::black_box(&mut memory)[start..start + room].fill(T::default());
            let old = std::mem::replace(self, Self { memory, start, len });
            self[..old.len].copy_from_slice(&old);
        }
        self.len = len;
    }

    /// Of memory, in bytes.
    pub fn bytes(&self) -> usize {
        (self.memory.len() - self.start) * size_of::<T>()
    }
}

impl<T> Deref for Wide<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.memory[self.start..self.start + self.len]
    }
}

impl<T> DerefMut for Wide<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.memory[self.start..self.start + self.len]
    }
}
