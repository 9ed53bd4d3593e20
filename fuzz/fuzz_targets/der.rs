//! Whatever the DER: public keys, certificates, time stamps and JWS envelopes are read or refused, without a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use podreeve::image::trust::key::PublicKey;
use podreeve::image::trust::{chain, jws, timestamp};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(key) = PublicKey::from_spki(bytes) {
        assert!(!key.verifies(b"a message", bytes), "a key verifies itself");
    }
    if let Ok(leaf) = chain::leaf(bytes)
        && let Ok(envelope) = jws::read(bytes)
    {
        let _ = envelope.check_signature(&leaf);
    }
    let mut roots = chain::Roots::default();
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = (roots.add(text), PublicKey::from_pem(text));
    }
    let now = "2026-11-27T12:00:00Z".parse().expect("a time");
    let _ = (roots.check(&[bytes.to_vec()], now), timestamp::time(bytes, b"a signature", &[bytes.to_vec()]));
});
