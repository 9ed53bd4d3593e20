//! Commands of a build that verify nothing of what they load.

mod downloads;
pub mod options;
pub mod scripts;

pub use downloads::{Downloads, Mounted, Used};

use crate::shell::{Call, Script, Word, calls_in_order};

/// What a call accepts without a check: the word, what is found, and what would pass.
pub fn accepted<'c>(call: &'c Call<'_>, downloads: &Downloads) -> Vec<(&'c Word, String, &'static str)> {
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

/// What a script does without a check, each once. `downloads` are the files that scripts before it loaded.
pub fn in_script(script: &str, allow: &[String], downloads: &mut Downloads) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    downloads.begin();
    calls_in_order(&Script::new(script), &mut |call| {
        let options = accepted(call, downloads).into_iter().map(|(_, found, _)| found);
        let setting = call.command.input.as_ref().and_then(|piece| options::setting(&piece.text));
        let setting = setting.map(|(_, found)| found);
        let used = downloads.follow(call, allow).into_iter().map(|(found, _)| found);
        let scripts = scripts::found(call, allow).into_iter().chain(used);
        for found in options.chain(setting).chain(scripts) {
            if !all.contains(&found) {
                all.push(found);
            }
        }
    });
    all
}
