//! One watch: lists, follows, and begins anew when it must, for as long as podreeve serves.

use super::ApiHealth;
use super::item::Item;
use crate::text::with_causes;
use futures_util::{Stream, StreamExt};
use kube::Api;
use kube::runtime::watcher::{self, Config, Error, Event};
use std::time::Duration;

/// What a watch fills.
pub trait Sink: Send {
    /// Everything that is there is told anew; what is not told until [`Self::done`] is gone.
    fn begin(&mut self);
    /// New, changed, or told anew.
    fn apply(&mut self, item: &Item);
    fn delete(&mut self, item: &Item);
    fn done(&mut self);
    /// Called after each of these: the time to hand out what is known.
    fn settled(&mut self) -> impl Future<Output = ()> + Send;
    /// They cannot be read: nothing will be told before that changes.
    fn on_forbidden(&mut self) {}
    /// Changes may be missing until the next event comes, or with `lost` until [`Self::done`]: one was unreadable.
    fn interrupted(&mut self, _lost: bool) {}
    /// When [`Self::settled`] should be called again though nothing happens.
    fn again(&self) -> Option<Duration> {
        None
    }
}

/// Between two tries, at first and at most.
const RETRY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));

/// Watches, and never ends.
pub async fn watch(api: Api<Item>, config: Config, link: &ApiHealth, names: Names, sink: &mut impl Sink) {
    let events = watcher::watcher(api, config);
    follow(events, link, names, sink).await;
}

/// How the log calls a watch.
#[derive(Debug, Clone, Copy)]
pub struct Names {
    pub what: &'static str,
    /// What it means when they cannot be read.
    pub without: &'static str,
}

async fn follow(
    events: impl Stream<Item = Result<Event<Item>, Error>>,
    link: &ApiHealth,
    names: Names,
    sink: &mut impl Sink,
) {
    let mut events = std::pin::pin!(events);
    let mut trouble: Option<String> = None;
    let mut delay = RETRY.0;
    loop {
        let event = tokio::select! {
            event = events.next() => event,
            () = tokio::time::sleep(sink.again().unwrap_or_default()), if sink.again().is_some() => {
                sink.settled().await;
                continue;
            }
        };
        let Some(event) = event else { return };
        match event {
            // Told before anything was asked.
            Ok(Event::Init) => sink.begin(),
            Ok(event) => {
                link.up();
                delay = RETRY.0;
                if trouble.take().is_some() {
                    tracing::info!(what = names.what, "they can be read again");
                }
                match event {
                    Event::Apply(item) | Event::InitApply(item) => sink.apply(&item),
                    Event::Delete(item) => sink.delete(&item),
                    Event::InitDone => sink.done(),
                    Event::Init => {}
                }
                sink.settled().await;
            }
            Err(error) => {
                sink.interrupted(matches!(error, Error::WatchFailed(kube::Error::SerdeError(_))));
                match refusal(&error) {
                    // The list begins anew, which is no trouble.
                    Some(Refusal::Gone) => continue,
                    Some(Refusal::Told(error)) => {
                        link.up();
                        if trouble.as_ref() != Some(&error) {
                            tracing::warn!(what = names.what, error, "they cannot be read: {}", names.without);
                            trouble = Some(error);
                            sink.on_forbidden();
                        }
                    }
                    None => link.down(&with_causes(&error)),
                }
                tokio::time::sleep(delay).await;
                delay = (delay * 2).min(RETRY.1);
            }
        }
    }
}

/// The API server answered, and the answer was no.
enum Refusal {
    Gone,
    Told(String),
}

fn refusal(error: &Error) -> Option<Refusal> {
    let (Error::WatchError(status)
    | Error::InitialListFailed(kube::Error::Api(status))
    | Error::WatchStartFailed(kube::Error::Api(status))
    | Error::WatchFailed(kube::Error::Api(status))) = error
    else {
        return None;
    };
    let text = || crate::text::clean(&status.message, 300);
    match status.code {
        410 => Some(Refusal::Gone),
        404 => Some(Refusal::Told("this API server has no such resource; is its CRD installed?".to_owned())),
        403 => Some(Refusal::Told(format!("{}; grant podreeve's role list and watch", text()))),
        400..=499 if status.code != 401 && status.code != 429 => Some(Refusal::Told(text())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;

    /// Tells when it is interrupted, and whether something was lost.
    struct Noticing(tokio::sync::mpsc::UnboundedSender<bool>);

    impl Sink for Noticing {
        fn begin(&mut self) {}
        fn apply(&mut self, _: &Item) {}
        fn delete(&mut self, _: &Item) {}
        fn done(&mut self) {}
        async fn settled(&mut self) {}
        fn interrupted(&mut self, lost: bool) {
            let _ = self.0.send(lost);
        }
    }

    #[tokio::test]
    async fn whoever_follows_hears_that_changes_may_be_missing() {
        let unreadable = || serde_json::from_str::<Item>("7").unwrap_err();
        let gone = kube::core::Status { code: 410, ..Default::default() };
        for (error, lost) in [
            (Error::WatchFailed(kube::Error::SerdeError(unreadable())), true),
            (Error::WatchStartFailed(kube::Error::SerdeError(unreadable())), false),
            (Error::WatchError(Box::new(gone)), false),
        ] {
            let (notice, mut noticed) = tokio::sync::mpsc::unbounded_channel();
            let events = stream::iter([Ok(Event::InitDone), Err(error)]).chain(stream::pending());
            let (link, names) = (ApiHealth::default(), Names { what: "pods", without: "" });
            let mut sink = Noticing(notice);
            let mut following = std::pin::pin!(follow(events, &link, names, &mut sink));
            // Until it has nothing to do.
            for _ in 0..100 {
                tokio::select! {
                    () = &mut following => panic!("it follows for ever"),
                    () = tokio::task::yield_now() => {}
                }
            }
            assert_eq!(noticed.try_recv().ok(), Some(lost));
        }
    }
}
