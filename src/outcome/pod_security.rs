//! The result of the Pod Security labels of the namespace.

/// The result of the labels `pod-security.kubernetes.io/*`, in upstream's words.
#[derive(Debug, Clone, Default)]
pub struct PodSecurity {
    /// Why it is denied.
    pub denied: Option<String>,
    pub warnings: Vec<String>,
    pub annotations: Vec<(&'static str, String)>,
}

impl PodSecurity {
    /// A text that is longer than this takes no more pods.
    const TEXT_MAX: usize = 2000;

    /// Adds the result for one more pod of the same object. Most pods have the same texts, which are kept once.
    pub(crate) fn add(&mut self, other: Self) {
        match (&mut self.denied, other.denied) {
            (Some(denied), Some(other)) if *denied != other && denied.len() < Self::TEXT_MAX => {
                denied.push('\n');
                denied.push_str(&other);
            }
            (denied @ None, other) => *denied = other,
            (Some(_), _) => {}
        }
        for warning in other.warnings {
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
        for (key, value) in other.annotations {
            match self.annotations.iter_mut().find(|(known, _)| *known == key) {
                Some((_, known)) if *known != value && known.len() < Self::TEXT_MAX => {
                    known.push_str("; ");
                    known.push_str(&value);
                }
                Some(_) => {}
                None => self.annotations.push((key, value)),
            }
        }
    }
}
