//! Images: who signed them, and what is known about them. Pure: bytes, documents and a time go in, a verdict comes out.

pub mod trust;
