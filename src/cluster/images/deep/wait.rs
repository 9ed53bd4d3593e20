//! A request waits for the layers of a new image: else its first pods would run, whatever they hold.

use crate::cluster::images::documents::ReadError;
use crate::cluster::images::hot::Key;
use crate::cluster::images::service::ImageService;
use crate::cluster::images::store::Stored;
use crate::image::Digest;
use crate::image::known::ImageAnswer;
use std::pin::pin;
use std::sync::atomic::Ordering;
use tokio::time::{Instant, timeout_at};

impl ImageService {
    /// Waits for the layers too, which the leader reads meanwhile: those of most images take less time than a request has.
    pub(in crate::cluster::images) async fn with_layers(
        &self,
        key: &Key,
        mut answer: ImageAnswer,
        until: Instant,
    ) -> ImageAnswer {
        loop {
            let mut news = pin!(self.news.notified());
            news.as_mut().enable();
            if let Some(newer) = self.known().hot.get(key, self.now()) {
                answer = newer.clone();
            }
            let Some(digest) = self.digest_of_unread(&answer) else { return answer };
            if timeout_at(until, news).await.is_err() {
                // Layers that come late, or never, hold up no request after this one for a while.
                self.known().store.fail(&waited(&digest), ReadError::Late, self.now());
                return answer;
            }
        }
    }

    /// The image whose layers are about to be known.
    fn digest_of_unread(&self, answer: &ImageAnswer) -> Option<Digest> {
        let ImageAnswer::Known(image) = answer else { return None };
        let setup = self.setup.load();
        let comes = self.layers_come.load(Ordering::Relaxed) && setup.as_ref().is_some_and(|setup| setup.layers);
        let (known, now) = (self.known(), self.now());
        let is_left = |stored: &Stored| !stored.has_content && !stored.by_hand;
        let is_tried = |key: String| known.store.failure(&key, now).is_none();
        let waits = comes
            && known.store.peek(&image.digest).is_some_and(is_left)
            && is_tried(super::key(&image.digest))
            && is_tried(waited(&image.digest));
        waits.then(|| image.digest.clone())
    }
}

/// The name of the failure that a request has waited for the layers in vain.
fn waited(digest: &Digest) -> String {
    format!("a wait for the layers of {digest}")
}
