//! Signatures of images: what passes, and above all what does not. The signatures are made here, as cosign and notation make them;
//! `make image-signatures` verifies those of the real tools.

mod attestations;
mod documents;
mod keyless;
mod keys;
mod make;
mod never;
mod notation;
mod real;
