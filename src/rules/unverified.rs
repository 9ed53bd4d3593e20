//! Commands of a build that verify nothing of what they load.

mod downloads;
mod loaders;
pub mod options;
pub mod scripts;

pub use downloads::{Caches, Downloads, Mounted, Used};

use crate::shell::{Call, Script, Word, calls_in_order};
use std::ops::Range;

/// What a call accepts without a check: the word, what is found, and what would pass.
fn accepted<'c>(call: &'c Call<'_>, downloads: &Downloads) -> Vec<(&'c Word, String, &'static str)> {
    let mut found = options::found(call);
    if call.name == "apk" && !found.is_empty() && downloads.are_checked(call) {
        found.clear();
    }
    // Variables before the program: `GIT_SSL_NO_VERIFY=1 git clone ...`.
    let program = call.words.first().map_or(0, |word| word.span.start);
    for word in call.command.words.iter().take_while(|word| word.span.start < program) {
        if let Some((name, value)) = word.text.split_once('=')
            && let Some(variable) = options::variable(name, value)
        {
            found.push((word, variable, options::VERIFIED));
        }
    }
    found
}

/// What a call does without a check: where, what is found, and what would pass. `downloads` are the files that the build loaded and wrote.
pub fn in_call(call: &Call<'_>, allow: &[String], downloads: &mut Downloads, each: &mut dyn FnMut(Range<usize>, Used)) {
    for (word, found, wanted) in accepted(call, downloads) {
        each(call.span(word), (found, wanted));
    }
    if let Some(piece) = &call.command.input
        && let Some((at, found)) = options::setting(&piece.text)
    {
        let start = piece.start + at;
        each(call.part(start..start + 1), (found, options::SIGNED));
    }
    downloads.run(call, allow, each);
}

/// What a script does without a check, each once.
pub fn in_script(script: &Script, allow: &[String], downloads: &mut Downloads) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    downloads.begin();
    calls_in_order(script, &mut |call| {
        in_call(call, allow, downloads, &mut |_, (found, _)| {
            if !all.contains(&found) {
                all.push(found);
            }
        });
    });
    all
}
