//! One watch: lists the objects, follows their changes, and lists again when it must, for as long as podreeve serves.

use super::api_error::ApiError;
use super::api_health::ApiHealth;
use super::item::Item;
use crate::observe::LogOnce;
use crate::text::with_causes;
use futures_util::{Stream, StreamExt, TryStreamExt};
use kube::core::{ApiResource, PartialObjectMeta};
use kube::runtime::watcher::{self, Config, Error, Event};
use kube::{Api, Client};
use std::time::Duration;

/// What a watch fills.
pub trait Sink: Send {
    /// A new list begins. Objects that are not in it are gone when [`Self::list_ends`] is called.
    fn list_begins(&mut self);
    /// An object is new, has changed, or is in the list.
    fn apply(&mut self, item: &Item);
    fn delete(&mut self, item: &Item);
    fn list_ends(&mut self);
    /// Publishes what has changed. Called after each of the methods above.
    fn flush(&mut self) -> impl Future<Output = ()> + Send;
    /// The API server refuses to list the objects.
    fn on_forbidden(&mut self) {}
    /// The watch broke off, so changes may be missing until the next event. If `lost`, an event could not be read, and the
    /// change is missing until the next list ends.
    fn interrupted(&mut self, _lost: bool) {}
    /// The API server has no such resource. True if that is normal: its CRD may come later.
    fn on_missing(&mut self) -> bool {
        false
    }
    /// When to call [`Self::flush`] again though there is no event.
    fn flush_after(&self) -> Option<Duration> {
        None
    }
}

/// Between two tries: the first wait, and the longest.
const RETRY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));

/// The API server ends a watch after this many seconds, and the next one continues where it ended. A connection that is
/// dead but open is noticed 5 s later. An API server sends a bookmark before it ends a watch, so nothing is listed again.
const WATCH_SECONDS: u32 = 60;

/// How the log names what is watched.
#[derive(Debug, Clone, Copy)]
pub struct WatchNames<'n> {
    pub what: &'n str,
    /// What happens while the objects cannot be read.
    pub without: &'static str,
}

/// Watches, and never ends.
pub async fn watch(
    api: Api<Item>,
    config: Config,
    api_health: &ApiHealth,
    names: WatchNames<'_>,
    sink: &mut impl Sink,
) {
    let events = watcher::watcher(api, config.timeout(WATCH_SECONDS));
    follow(events, api_health, names, sink).await;
}

/// The same with the metadata alone, where the rest of the objects is large: an [`Item`] then has no more than that.
pub async fn watch_metadata(
    client: Client,
    resource: &ApiResource,
    api_health: &ApiHealth,
    names: WatchNames<'_>,
    sink: &mut impl Sink,
) {
    let api: Api<PartialObjectMeta<Item>> = Api::all_with(client, resource);
    let item = |object: PartialObjectMeta<Item>| Item { metadata: object.metadata, ..Item::of("{}".to_owned()) };
    let events = watcher::watcher(api, Config::default().timeout(WATCH_SECONDS)).map_ok(move |event| match event {
        Event::Apply(object) => Event::Apply(item(object)),
        Event::Delete(object) => Event::Delete(item(object)),
        Event::Init => Event::Init,
        Event::InitApply(object) => Event::InitApply(item(object)),
        Event::InitDone => Event::InitDone,
    });
    follow(events, api_health, names, sink).await;
}

async fn follow(
    events: impl Stream<Item = Result<Event<Item>, Error>>,
    api_health: &ApiHealth,
    names: WatchNames<'_>,
    sink: &mut impl Sink,
) {
    let mut events = std::pin::pin!(events);
    let mut log = LogOnce::default();
    let mut delay = RETRY.0;
    loop {
        let event = tokio::select! {
            event = events.next() => event,
            () = tokio::time::sleep(sink.flush_after().unwrap_or_default()), if sink.flush_after().is_some() => {
                sink.flush().await;
                continue;
            }
        };
        let Some(event) = event else { return };
        match event {
            // The watcher sends this before it has asked the API server for anything.
            Ok(Event::Init) => sink.list_begins(),
            Ok(event) => {
                api_health.up();
                delay = RETRY.0;
                if log.recovered() {
                    tracing::info!(what = names.what, "the objects can be read again");
                }
                pass_on(event, sink);
                sink.flush().await;
            }
            Err(error) => {
                sink.interrupted(matches!(error, Error::WatchFailed(kube::Error::SerdeError(_))));
                match refusal(&error) {
                    // The list begins again, which is normal.
                    Some(Refusal::Expired) => continue,
                    Some(Refusal::Missing) if sink.on_missing() => {
                        api_health.up();
                        sink.flush().await;
                    }
                    Some(refusal) => {
                        let error = refusal.to_string();
                        api_health.up();
                        if log.failed(&error) {
                            tracing::warn!(what = names.what, error, "the objects cannot be read: {}", names.without);
                            sink.on_forbidden();
                        }
                    }
                    None => api_health.down(&with_causes(&error)),
                }
                tokio::time::sleep(delay).await;
                delay = (delay * 2).min(RETRY.1);
            }
        }
    }
}

fn pass_on(event: Event<Item>, sink: &mut impl Sink) {
    match event {
        Event::Apply(item) | Event::InitApply(item) => sink.apply(&item),
        Event::Delete(item) => sink.delete(&item),
        Event::InitDone => sink.list_ends(),
        Event::Init => {}
    }
}

/// The API server answered, and the answer is no.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("the version from which the watch should continue is too old")]
    Expired,
    #[error("this API server has no such resource; is its CRD installed?")]
    Missing,
    #[error("{0}")]
    Reason(String),
}

/// None when the API server cannot be reached, or cannot answer now.
fn refusal(error: &Error) -> Option<Refusal> {
    let (Error::WatchError(status)
    | Error::InitialListFailed(kube::Error::Api(status))
    | Error::WatchStartFailed(kube::Error::Api(status))
    | Error::WatchFailed(kube::Error::Api(status))) = error
    else {
        return None;
    };
    match ApiError::from(&**status) {
        ApiError::Refused { code: 410, .. } => Some(Refusal::Expired),
        ApiError::Refused { code: 404, .. } => Some(Refusal::Missing),
        ApiError::Refused { code: 403, message } => {
            Some(Refusal::Reason(format!("{message}; grant podreeve's role list and watch")))
        }
        ApiError::Refused { message, .. } => Some(Refusal::Reason(message)),
        ApiError::Unavailable(_) | ApiError::Timeout => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;

    /// Sends whether a change was lost, each time the watch breaks off.
    struct Interruptions(tokio::sync::mpsc::UnboundedSender<bool>);

    impl Sink for Interruptions {
        fn list_begins(&mut self) {}
        fn apply(&mut self, _: &Item) {}
        fn delete(&mut self, _: &Item) {}
        fn list_ends(&mut self) {}
        async fn flush(&mut self) {}
        fn interrupted(&mut self, lost: bool) {
            let _ = self.0.send(lost);
        }
    }

    #[tokio::test]
    async fn a_sink_knows_that_changes_may_be_missing() {
        let unreadable = || serde_json::from_str::<Item>("7").unwrap_err();
        let gone = kube::core::Status { code: 410, ..Default::default() };
        for (error, lost) in [
            (Error::WatchFailed(kube::Error::SerdeError(unreadable())), true),
            (Error::WatchStartFailed(kube::Error::SerdeError(unreadable())), false),
            (Error::WatchError(Box::new(gone)), false),
        ] {
            let (sender, mut interruptions) = tokio::sync::mpsc::unbounded_channel();
            let events = stream::iter([Ok(Event::InitDone), Err(error)]).chain(stream::pending());
            let (api_health, names) = (ApiHealth::default(), WatchNames { what: "pods", without: "" });
            let mut sink = Interruptions(sender);
            let mut following = std::pin::pin!(follow(events, &api_health, names, &mut sink));
            // Until the watch waits for the next event.
            for _ in 0..100 {
                tokio::select! {
                    () = &mut following => panic!("the watch ended"),
                    () = tokio::task::yield_now() => {}
                }
            }
            assert_eq!(interruptions.try_recv().ok(), Some(lost));
        }
    }
}
