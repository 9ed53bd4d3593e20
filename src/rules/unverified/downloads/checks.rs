//! Commands that check a file: its checksum, or a signature of it.

use super::Download;
use super::folders::{Folders, is_same};
use crate::shell::{Call, Command, Failure, MAX_GROUP, Script, calls};

/// Programs that compute checksums, and compare them with `-c`; and those of PowerShell, which compute a checksum or read a signature.
const SUMS: [&str; 12] = [
    "b2sum",
    "b3sum",
    "get-authenticodesignature",
    "get-filehash",
    "md5sum",
    "sha1sum",
    "sha224sum",
    "sha256sum",
    "sha384sum",
    "sha512sum",
    "shasum",
    "sha3sum",
];

/// Operators of PowerShell that compare texts. Each may have `c` or `i` before it, for the case of letters.
const OPERATORS: [&str; 10] =
    ["contains", "eq", "in", "like", "match", "ne", "notcontains", "notin", "notlike", "notmatch"];

/// Methods of .NET that compare texts.
const METHODS: [&str; 5] = ["compare", "compareto", "contains", "equals", "ismatch"];

/// Programs that compare texts.
const COMPARE: [&str; 15] = [
    "[",
    "[[",
    "awk",
    "case",
    "cmp",
    "compare",
    "compare-object",
    "diff",
    "egrep",
    "fgrep",
    "findstr",
    "grep",
    "select-string",
    "sls",
    "test",
];

/// Whether a word of the call compares texts: an operator of PowerShell, or a method.
fn compares(call: &Call<'_>) -> bool {
    let is_operator = |arg: &str| {
        let Some(operator) = arg.strip_prefix('-') else { return false };
        let bare = operator.strip_prefix(['c', 'i']).unwrap_or_default();
        OPERATORS.contains(&operator) || OPERATORS.contains(&bare)
    };
    let is_method = |word: &str| {
        let method = word.rsplit(['.', ':']).next().filter(|method| method.len() < word.len());
        method.is_some_and(|method| METHODS.iter().any(|known| method.eq_ignore_ascii_case(known)))
    };
    call.args().any(is_operator) || call.words.iter().any(|word| is_method(&word.text))
}

/// Whether the call computes checksums of the files among its words.
fn sums(call: &Call<'_>) -> bool {
    let is = |words: &[&str]| call.args().any(|arg| words.iter().any(|word| arg.eq_ignore_ascii_case(word)));
    let ends = |word: &str| word.len() > 12 && word.to_ascii_lowercase().ends_with(".computehash");
    match call.name.as_str() {
        "certutil" => is(&["-hashfile", "/hashfile"]),
        // Without an algorithm it is no check against an attacker.
        "cksum" => call.args().any(|arg| arg.starts_with("-a") || arg.starts_with("--algorithm")),
        name => SUMS.contains(&name) || call.words.iter().any(|word| ends(&word.text)),
    }
}

/// Commands of openssl that compute a checksum, besides `dgst`.
const DIGESTS: [&str; 9] =
    ["blake2b512", "blake2s256", "sha1", "sha224", "sha256", "sha3-256", "sha3-512", "sha384", "sha512"];

/// What programs compute checksums with: in PHP, Python, Node.js, Ruby and Perl.
const LIBRARIES: [&str; 5] = ["hash_file", "hashlib", "createHash", "Digest::", "Digest.hexdigest"];
/// What they compare them with.
const COMPARISONS: [&str; 6] = ["==", "!=", "assert", "hash_equals", "compare_digest", " eq "];

/// `php -r "if (hash_file('sha384', 'a.php') === '..') .."`, and the like of other languages.
fn in_program(file: &mut Download, call: &Call<'_>) {
    let name = file.path.rsplit('/').next().unwrap_or_default();
    let has = |arg: &str, parts: &[&str]| parts.iter().any(|part| arg.contains(part));
    for program in call.args().filter(|arg| !name.is_empty() && arg.contains(name) && has(arg, &LIBRARIES)) {
        file.is_summed = true;
        file.is_checked |= has(program, &COMPARISONS);
    }
}

/// Notes what the call checks.
pub fn note(files: &mut [Download], call: &Call<'_>, folders: &Folders) {
    let failure = call.command.failure;
    // `sha256sum -c a.sum || true` goes on with any file.
    if failure == Failure::Ignored {
        return;
    }
    let mark = |file: &mut Download| match failure {
        Failure::Counts => (file.is_checked, file.is_guarded) = (true, false),
        Failure::Guards if file.is_checked => {}
        Failure::Guards => (file.is_checked, file.is_guarded) = (true, true),
        Failure::PassedOver | Failure::Ignored => file.is_passed_over = true,
        // A comparison may read what it prints.
        Failure::Piped | Failure::Printed => file.is_summed = true,
    };
    let name = call.name.as_str();
    let has = |options: &[&str]| call.args().any(|arg| options.contains(&arg));
    if sums(call) {
        let is_check = call.args().any(|arg| arg == "--check" || (super::is_short(arg) && arg.contains('c')));
        if is_check && name.ends_with("sum") {
            let listed = Listed::of(call);
            let lists = lists_of(call, folders);
            let is_of = |file: &Download, list: &String| {
                (!file.sums.is_empty() && *list == file.sums) || is_same(list, &file.path)
            };
            let is_own = |file: &Download| lists.iter().any(|list| is_of(file, list));
            files.iter_mut().filter(|file| listed.has(&file.path) && !is_own(file)).for_each(mark);
        } else {
            let args = resolved(call, folders);
            let is_summed = |path: &str| args.iter().any(|arg| is_same(arg, path) || super::globs::is_match(arg, path));
            let written = call.command.redirections.iter().find(|(operator, _)| operator.starts_with('>'));
            let sums = written.map_or_else(String::new, |(_, list)| folders.resolve(&list.text));
            for file in files.iter_mut().filter(|file| is_summed(&file.path)) {
                file.is_summed = true;
                file.sums.clone_from(&sums);
            }
        }
    }
    if name == "tee" {
        // `sha256sum a.sh | tee a.sum`
        let list = resolved(call, folders).pop().unwrap_or_default();
        let summed: Vec<String> = summed_before(call, folders).collect();
        for file in files.iter_mut().filter(|file| summed.iter().any(|path| is_same(path, &file.path))) {
            file.sums.clone_from(&list);
        }
        return;
    }
    if name == "case" && !call.command.words.iter().any(reads_sum) {
        return;
    }
    if COMPARE.contains(&name) || (!matches!(name, "echo" | "openssl") && compares(call)) {
        files.iter_mut().filter(|file| file.is_summed).for_each(mark);
        return;
    }
    if super::interpreters::is_interpreter(name) {
        for file in files.iter_mut() {
            in_program(file, call);
        }
        return;
    }
    let is_digest = || call.args().next().is_some_and(|arg| DIGESTS.contains(&arg));
    let verifies = match name {
        "gpg" | "gpg1" | "gpg2" => has(&["--verify", "--verify-files"]),
        "debsig-verify" | "gpgv" | "gpgv1" | "gpgv2" | "sqv" | "slsa-verifier" => true,
        "sq" => has(&["verify"]),
        "gh" => has(&["attestation"]),
        "cosign" => has(&["verify-blob", "verify-blob-attestation"]),
        "minisign" | "signify" | "signify-openbsd" => call.args().any(|arg| super::is_short(arg) && arg.contains('V')),
        "signtool" => call.args().any(|arg| arg.eq_ignore_ascii_case("verify")),
        "openssl" => has(&["dgst", "cms", "smime", "pkeyutl"]) || is_digest(),
        "rpm" | "rpmkeys" => has(&["-K", "--checksig", "-Kv"]),
        "jarsigner" => has(&["-verify"]),
        "dpkg-sig" => has(&["-c", "--verify"]),
        _ => false,
    };
    if verifies {
        let signed: Vec<String> = call.args().flat_map(signed).map(|name| folders.resolve(name)).collect();
        // A list that is signed by others is none of its own.
        for file in files.iter_mut().filter(|file| signed.contains(&file.sums)) {
            file.sums.clear();
        }
        for file in files.iter_mut().filter(|file| signed.iter().any(|name| is_same(name, &file.path))) {
            // A digest that is only printed must be compared.
            let is_digest = name == "openssl" && !has(&["-verify"]);
            if is_digest { file.is_summed = true } else { mark(file) }
        }
    }
}

/// The paths that the arguments name.
fn resolved(call: &Call<'_>, folders: &Folders) -> Vec<String> {
    call.args().map(|arg| folders.resolve(arg)).collect()
}

/// The commands whose output a pipe gives the call.
fn piped<'c>(call: &'c Call<'_>) -> &'c [Command] {
    call.script.commands.get(call.command.reads.clone()).unwrap_or_default()
}

/// The lists that `sha256sum -c` reads, and the files whose sums a pipe gives it.
fn lists_of(call: &Call<'_>, folders: &Folders) -> Vec<String> {
    let read =
        call.command.redirections.iter().filter(|(operator, _)| operator == "<").map(|(_, word)| word.text.as_str());
    let printed = piped(call).iter().take(MAX_GROUP).filter(|command| is_program(command, &["cat"]));
    let printed = printed.flat_map(|command| command.words.iter().skip(1)).map(|word| word.text.as_str());
    let lists = call.args().chain(read).chain(printed).map(|list| folders.resolve(list));
    lists.chain(summed_before(call, folders)).collect()
}

/// The files whose sums a pipe gives the call.
fn summed_before(call: &Call<'_>, folders: &Folders) -> impl Iterator<Item = String> {
    let sums = piped(call).iter().take(MAX_GROUP).filter(|command| is_program(command, &SUMS));
    sums.flat_map(|command| command.words.iter().skip(1)).map(|word| folders.resolve(&word.text))
}

fn is_program(command: &Command, names: &[&str]) -> bool {
    command.words.first().is_some_and(|word| names.contains(&word.text.as_str()))
}

/// Whether the word is what a command prints that computes a sum, or checks one.
fn reads_sum(word: &crate::shell::Word) -> bool {
    let sums = |call: &Call<'_>| {
        SUMS.contains(&call.name.as_str()) || matches!(call.name.as_str(), "cksum" | "gpg" | "gpgv" | "openssl")
    };
    let mut found = false;
    for script in &word.inner {
        calls(script, &mut |call| found |= sums(call));
    }
    found
}

/// The file that an argument names, and the one that it is the signature of by its usual name.
fn signed(arg: &str) -> impl Iterator<Item = &str> {
    let arg = arg.split_once('=').filter(|_| arg.starts_with("--")).map_or(arg, |(_, value)| value);
    let signed = [".asc", ".sig", ".sign", ".gpg", ".minisig"].iter().find_map(|end| arg.strip_suffix(end));
    [Some(arg), signed].into_iter().flatten()
}

/// The files of which `sha256sum -c` reads checksums.
enum Listed {
    /// A list has the names, and its content is not known here.
    Unknown,
    /// Words that have the names.
    Words(Vec<String>),
}

impl Listed {
    fn of(call: &Call<'_>) -> Self {
        // A file with checksums: the values of options are numbers, `-` is the input.
        let is_file = |arg: &str| !arg.starts_with('-') && !arg.bytes().all(|b| b.is_ascii_digit());
        let is_inner = |word: &&crate::shell::Word| !word.inner.is_empty();
        let arguments = call.words.iter().skip(1);
        if arguments.clone().any(|word| word.inner.is_empty() && is_file(&word.text)) {
            return Self::Unknown;
        }
        let mut texts: Vec<String> = Vec::new();
        let mut is_known = true;
        let mut take = |command: &Command| {
            let program = command.words.first().map_or("", |word| word.text.as_str());
            // What grep takes out of a list has its pattern in it.
            is_known &= matches!(program, "echo" | "printf" | "grep" | "egrep" | "fgrep");
            texts.extend(command.words.iter().skip(1).map(|word| word.text.clone()));
        };
        let read = piped(call);
        let is_cut = read.len() > MAX_GROUP;
        read.iter().take(MAX_GROUP).for_each(&mut take);
        for script in arguments.filter(is_inner).flat_map(|word| &word.inner) {
            commands(script, &mut take);
        }
        for (operator, word) in &call.command.redirections {
            is_known &= operator != "<";
            texts.extend((operator == "<<<").then(|| word.text.clone()));
        }
        texts.extend(call.command.input.iter().map(|piece| piece.text.clone()));
        // The name stands at the end.
        let last = texts.last().and_then(|text| text.split_whitespace().last()).unwrap_or("$");
        if !is_known || is_cut || last.contains('$') {
            return Self::Unknown;
        }
        Self::Words(texts)
    }

    fn has(&self, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or_default();
        match self {
            Self::Unknown => true,
            Self::Words(words) => words.iter().any(|word| word.contains(name)),
        }
    }
}

fn commands(script: &Script, each: &mut impl FnMut(&Command)) {
    calls(script, &mut |call| each(call.command));
}
