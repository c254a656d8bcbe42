//! A list of the tenant that is as fresh as its user requires.
//!
//! Every create reads the list just before its write. The list is shared, so that a thousand
//! creates do not read it a thousand times.

use std::sync::Arc;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::immuta::{ApiError, ReadApi};
use crate::plan::Listed;

pub(super) struct FreshList<'a, R> {
    api: &'a R,
    /// Time at which the last request for the list was sent, and its result.
    last: Mutex<Option<(Instant, Arc<Listed>)>>,
}

impl<'a, R: ReadApi> FreshList<'a, R> {
    pub(super) fn new(api: &'a R) -> Self {
        Self {
            api,
            last: Mutex::new(None),
        }
    }

    /// A list that was asked for after this moment: what was asked for at the very
    /// moment may have come before a write that ended at it.
    pub(super) async fn since(&self, moment: Instant) -> Result<Arc<Listed>, ApiError> {
        let mut last = self.last.lock().await;
        if let Some((asked, listed)) = last.as_ref()
            && *asked > moment
        {
            return Ok(Arc::clone(listed));
        }
        let asked = Instant::now();
        let listed = Arc::new(Listed::new(self.api.list().await?));
        *last = Some((asked, Arc::clone(&listed)));
        Ok(listed)
    }
}
