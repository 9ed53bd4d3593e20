//! A list in a pod. It counts its memory and, with debug assertions, the steps of each walk.

use crate::effort;
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use std::fmt;
use std::iter::FusedIterator;
use std::marker::PhantomData;
use std::ops::Deref;

/// A `Vec` that stops growing when the request has used its memory. `tests/house/growth.rs` counts the walks of each rule.
#[derive(Clone, PartialEq, Eq)]
pub struct List<T>(Vec<T>);

impl<T> List<T> {
    /// Each element, in order.
    #[inline]
    #[must_use]
    pub fn iter(&self) -> Iter<'_, T> {
        Iter(self.0.iter())
    }

    #[inline]
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    #[inline]
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[inline]
    #[must_use]
    pub fn first(&self) -> Option<&T> {
        self.0.first()
    }

    #[inline]
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&T> {
        self.0.get(index)
    }

    #[inline]
    pub fn last_mut(&mut self) -> Option<&mut T> {
        self.0.last_mut()
    }

    /// Appends an element. `None` when the request has used its memory or its time.
    #[inline]
    pub fn push(&mut self, element: T) -> Option<&mut T> {
        if !(effort::step(1) && effort::hold(size_of::<T>())) {
            return None;
        }
        self.0.push(element);
        self.0.last_mut()
    }
}

/// Counts as a walk of the whole list, since the caller may walk the slice.
impl<T> Deref for List<T> {
    type Target = [T];
    #[inline]
    fn deref(&self) -> &[T] {
        effort::look(self.0.len());
        &self.0
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: fmt::Debug> fmt::Debug for List<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Elements<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Elements<T> {
            type Value = List<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                // serde's words for a `Vec`.
                f.write_str("a sequence")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<List<T>, A::Error> {
                let mut list = List::default();
                while let Some(element) = elements.next_element()? {
                    if list.push(element).is_none() {
                        return Err(A::Error::custom("too many elements"));
                    }
                }
                Ok(list)
            }
        }
        deserializer.deserialize_seq(Elements(PhantomData))
    }
}

impl<'l, T> IntoIterator for &'l List<T> {
    type Item = &'l T;
    type IntoIter = Iter<'l, T>;
    #[inline]
    fn into_iter(self) -> Iter<'l, T> {
        self.iter()
    }
}

/// Walks a [`List`].
#[derive(Debug, Clone)]
pub struct Iter<'l, T>(std::slice::Iter<'l, T>);

impl<'l, T> Iterator for Iter<'l, T> {
    type Item = &'l T;

    #[inline]
    fn next(&mut self) -> Option<&'l T> {
        effort::look(1);
        self.0.next()
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }

    #[inline]
    fn nth(&mut self, n: usize) -> Option<&'l T> {
        self.0.nth(n)
    }
}

impl<'l, T> DoubleEndedIterator for Iter<'l, T> {
    #[inline]
    fn next_back(&mut self) -> Option<&'l T> {
        effort::look(1);
        self.0.next_back()
    }
}

impl<T> ExactSizeIterator for Iter<'_, T> {}
impl<T> FusedIterator for Iter<'_, T> {}
