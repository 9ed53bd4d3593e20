//! The HTTPS server and the admin port.
