//! What was found in an image, for the next pod that runs it. Judging an image takes a hundred times as long as judging a pod.

use jiff::civil::Date;
use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock};

/// How many judges are remembered. Each policy is one.
const JUDGES: usize = 4;

/// What one judge found on one day.
struct Judgement {
    judge: u64,
    today: Date,
    found: Arc<dyn Any + Send + Sync>,
}

/// Cells that are written once. When policies or the day change, the facts get new ones.
#[derive(Default)]
pub struct Memo([OnceLock<Judgement>; JUDGES]);

impl fmt::Debug for Memo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Memo({})", self.0.iter().filter(|cell| cell.get().is_some()).count())
    }
}

impl Memo {
    pub fn get<T: Any + Send + Sync>(&self, judge: u64, today: Date, find: impl FnOnce() -> T) -> Arc<T> {
        for cell in &self.0 {
            match cell.get() {
                Some(known) if known.judge == judge && known.today == today => {
                    if let Ok(found) = Arc::clone(&known.found).downcast() {
                        return found;
                    }
                }
                Some(_) => {}
                None => {
                    let found = Arc::new(find());
                    // Another request may have been faster. Both found the same, or the cell belongs to another judge.
                    drop(cell.set(Judgement { judge, today, found: found.clone() }));
                    return found;
                }
            }
        }
        Arc::new(find())
    }
}
