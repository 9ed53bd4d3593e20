//! The AdmissionReview on the wire: read without copying, answered with the uid of this very request.

pub mod discreet;
pub mod made;
pub mod request;
pub mod response;

pub use made::Creation;
pub use request::{Request, Review};
