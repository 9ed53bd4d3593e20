//! Who sent a request, as far as TLS proves it.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// A client with a certificate of the clients' CA: the API server.
    Authenticated,
    /// Any client that reaches the port. Nothing proves what the line says of the request.
    Unauthenticated,
}

impl Caller {
    /// Empty for callers that showed a certificate.
    #[must_use]
    pub const fn mark(self) -> &'static str {
        match self {
            Self::Authenticated => "",
            Self::Unauthenticated => "unauthenticated",
        }
    }
}
