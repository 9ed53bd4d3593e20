//! The AdmissionReview on the wire: the request is read without copies, and the response has the uid of its request.

pub mod creation;
pub mod discreet;
mod object;
pub mod request;
pub mod response;

pub use creation::Creation;
pub use request::{Request, Review};
