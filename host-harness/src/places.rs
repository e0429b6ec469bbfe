//! How many calls are on their way to one origin at once. More wait, so that one slow server does not take every connection
//! of this host, and none is asked for more than it can bear.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::origin::Origin;

/// The places at every origin that somebody is on the way to.
#[derive(Default)]
pub(crate) struct Places(Mutex<HashMap<Origin, Weak<Semaphore>>>);

/// A place at an origin. Dropping it gives it to the next.
pub(crate) struct Place(#[expect(dead_code, reason = "it holds the place")] OwnedSemaphorePermit);

impl Places {
    /// Waits for one of so many places.
    pub(crate) async fn take(&self, origin: &Origin, places: usize) -> Option<Place> {
        self.at(origin, places).acquire_owned().await.ok().map(Place)
    }

    fn at(&self, origin: &Origin, places: usize) -> Arc<Semaphore> {
        let mut origins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = origins.get(origin).and_then(Weak::upgrade) {
            return known;
        }
        // Origins that nobody is on the way to any more are not kept: a wildcard may name any number of them.
        origins.retain(|_, semaphore| semaphore.strong_count() > 0);
        let semaphore = Arc::new(Semaphore::new(places));
        origins.insert(origin.clone(), Arc::downgrade(&semaphore));
        semaphore
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn a_place_is_free_again_when_it_is_dropped_and_origins_do_not_share_theirs() {
        let (one, other): (Origin, Origin) =
            ("https://a.example".parse().unwrap(), "https://b.example".parse().unwrap());
        let places = Places::default();
        let taken = places.take(&one, 1).now_or_never().unwrap();
        assert!(places.take(&one, 1).now_or_never().is_none());
        assert!(places.take(&other, 1).now_or_never().is_some());
        drop(taken);
        assert!(places.take(&one, 1).now_or_never().is_some());
    }

    #[test]
    fn an_origin_that_nobody_is_on_the_way_to_is_forgotten() {
        let places = Places::default();
        for number in 0..100 {
            let origin = format!("https://a{number}.example").parse().unwrap();
            assert!(places.take(&origin, 1).now_or_never().is_some());
        }
        assert_eq!(places.0.lock().unwrap().len(), 1);
    }
}
