//! What is attached to an image, as evidence for [`crate::image::trust`].

use super::client::Client;
use super::error::RegistryError;
use crate::image::Digest;
use crate::image::trust::{Annotations, Content, Evidence, is_evidence};
use crate::text::with_causes;
use crate::workload::image::ImageRef;

impl Client {
    /// The signatures and attestations that are attached to these digests, not verified.
    ///
    /// # Errors
    /// The registry does not say what is attached, or one of them cannot be read now and may be read later.
    pub async fn evidence(&self, image: &ImageRef<'_>, digests: &[Digest]) -> Result<Vec<Evidence>, RegistryError> {
        let mut found = Vec::new();
        for subject in digests {
            let attached = self.referrers(image, subject, &is_evidence).await?;
            let new = |name: String, content| Evidence { subject: subject.to_string(), name, content };
            for one in attached.attached {
                let annotations = Annotations::from_layer(|name| one.annotations.get(name).map(String::as_str));
                let content = Content::of_layer(&one.media_type, one.bytes, annotations);
                found.extend(content.map(|content| new(one.digest.to_string(), content)));
            }
            for (name, error) in attached.unread {
                // Without it, a signed image would look as if it had no signature.
                if error.is_transient() {
                    return Err(error);
                }
                found.push(new(name, Content::Missing(with_causes(&error))));
            }
        }
        Ok(found)
    }
}
