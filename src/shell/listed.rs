//! The files that `find` and `xargs` give the programs that they run, as patterns: `**` stands for any folders.

use super::{Command, Script, Word};

/// How many words of a list are read.
const MOST: usize = 64;
/// The longest pattern.
const LONGEST: usize = 256;

/// Options of `find` that name files. Of a path, the last part counts.
const NAMES: [&str; 6] = ["-iname", "-ipath", "-iwholename", "-name", "-path", "-wholename"];
const EXEC: [&str; 4] = ["-exec", "-execdir", "-ok", "-okdir"];

/// The commands that `find` runs, with the files that it gives them.
///
/// What is written in their place is taken from `left`.
pub fn found(words: &[Word], left: &mut usize) -> Vec<Vec<Word>> {
    let files = patterns(words);
    let mut rest = words;
    let mut next = || {
        let begin = rest.iter().position(|word| EXEC.contains(&word.text.as_str()))?;
        let behind = rest.get(begin + 1..)?;
        let end = behind.iter().position(|word| matches!(word.text.as_str(), ";" | "+")).unwrap_or(behind.len());
        rest = behind.get(end..)?;
        with(behind.get(..end)?, "{}", &files, false, left)
    };
    std::iter::from_fn(&mut next).collect()
}

/// The program of `xargs` with the files that it gets from the pipe; none if the files are not known.
pub fn piped(script: &Script, command: &Command, at: usize, left: &mut usize) -> Option<Vec<Word>> {
    let (before, program) = command.words.split_at_checked(at)?;
    let xargs = before.iter().position(|word| word.text.rsplit('/').next() == Some("xargs"))?;
    let files = read(script, command);
    if files.is_empty() {
        return None;
    }
    let mut options = before.get(xargs + 1..)?.iter().map(|word| word.text.as_str());
    let replaced = options.by_ref().find_map(|option| match option {
        "-i" | "--replace" => Some("{}"),
        "-I" => Some(""),
        _ => option.strip_prefix("-I").or_else(|| option.strip_prefix("--replace=")),
    });
    let replaced = replaced.map(|text| if text.is_empty() { options.next().unwrap_or("{}") } else { text });
    with(program, replaced.unwrap_or("{}"), &files, replaced.is_none(), left)
}

/// The words with the files of `$(find . -name '*.deb')`; none if there is no such word.
pub fn substituted(words: &[Word], left: &mut usize) -> Option<Vec<Word>> {
    let listed = |word: &Word| -> Vec<String> {
        let scripts = word.inner.iter().filter(|_| word.text == "$()");
        scripts.flat_map(|script| &script.commands).flat_map(files_of).take(MOST).collect()
    };
    let is_plain = |file: &String| !file.contains('$');
    let mut all = Vec::new();
    for word in words {
        let files = listed(word);
        if files.is_empty() || !files.iter().all(is_plain) {
            all.push(word.clone());
        } else {
            *left = left.checked_sub(files.iter().map(|file| file.len() + 1).sum())?;
            all.extend(files.into_iter().map(|text| Word::instead(text, word)));
        }
    }
    (all.len() != words.len() || all.iter().zip(words).any(|(new, old)| new.text != old.text)).then_some(all)
}

/// The files that the commands name from which the command reads.
pub fn read(script: &Script, command: &Command) -> Vec<String> {
    script.sources(command).into_iter().flat_map(files_of).take(MOST).collect()
}

/// The files that a command writes to its output, one by one.
fn files_of(command: &Command) -> Vec<String> {
    let program = command.words.first().map_or("", |word| word.text.as_str());
    let words = command.words.iter().skip(1).map(|word| word.text.as_str()).take(MOST);
    match program.rsplit('/').next().unwrap_or_default() {
        "find" => patterns(&command.words),
        "echo" | "printf" => {
            words.filter(|word| !word.starts_with(['-', '%'])).flat_map(str::split_whitespace).map(bounded).collect()
        }
        "ls" => {
            let mut files: Vec<String> = words.filter(|word| !word.starts_with('-')).map(bounded).collect();
            // Of a folder it writes the names alone.
            let is_folder = |word: &String| !word.contains(['*', '?', '[', '.']);
            if files.is_empty() || files.iter().any(is_folder) {
                files.retain(|word| !is_folder(word));
                files.push("*".to_owned());
            }
            files
        }
        _ => Vec::new(),
    }
}

fn bounded(word: &str) -> String {
    if word.len() <= LONGEST { word.to_owned() } else { String::new() }
}

/// The patterns of the files that `find` finds.
fn patterns(words: &[Word]) -> Vec<String> {
    let text = |at: usize| words.get(at).map_or("", |word| word.text.as_str());
    let is_start = |word: &&str| !word.starts_with(['-', '(', '!']);
    let starts: Vec<&str> = words.iter().skip(1).map(|word| word.text.as_str()).take_while(is_start).take(8).collect();
    let starts = if starts.is_empty() { vec!["."] } else { starts };
    let is_name = |at: &usize| NAMES.contains(&text(*at)) && !matches!(text(at.wrapping_sub(1)), "!" | "-not");
    let names = (0..words.len()).filter(is_name).map(|at| text(at + 1).rsplit('/').next().unwrap_or_default());
    let names: Vec<&str> = names.filter(|name| !name.is_empty()).take(8).collect();
    let names = if names.is_empty() { vec!["*"] } else { names };
    let of_start = |start: &&str| {
        let start = start.trim_end_matches('/').to_owned();
        names.iter().map(move |name| format!("{start}/**/{name}")).collect::<Vec<_>>()
    };
    starts.iter().flat_map(of_start).filter(|pattern| pattern.len() <= LONGEST).collect()
}

/// The words with the files in the place of this text, or behind them; none where that grows too long.
fn with(words: &[Word], replaced: &str, files: &[String], appends: bool, left: &mut usize) -> Option<Vec<Word>> {
    let length: usize = files.iter().map(|file| file.len() + 1).sum();
    let mut all = Vec::new();
    for word in words {
        let count = if appends { 0 } else { word.text.matches(replaced).count() };
        let in_place = if count == 0 { 0 } else { word.text.len() * files.len() + length * count };
        *left = left.checked_sub(in_place + 1)?;
        if count == 0 {
            all.push(word.clone());
        } else if word.text == replaced {
            all.extend(files.iter().map(|file| Word::instead(file.clone(), word)));
        } else if word.text.contains(char::is_whitespace) {
            // A script, which gets them one by one.
            all.push(Word::instead(word.text.replace(replaced, &files.join(" ")), word));
        } else {
            let name = |file: &String| word.text.replace(replaced, file.trim_start_matches("./"));
            all.extend(files.iter().map(|file| Word::instead(name(file), word)));
        }
    }
    if let Some(last) = words.last().filter(|_| appends) {
        *left = left.checked_sub(length)?;
        all.extend(files.iter().map(|file| Word::instead(file.clone(), last)));
    }
    Some(all)
}
