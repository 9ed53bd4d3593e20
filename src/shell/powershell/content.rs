//! Commands of PowerShell that write a file: `Set-Content -Path a -Value b`, `'b' | Out-File a`.

use crate::shell::Word;

/// Whether the command writes a text to a file.
#[must_use]
pub fn writes_content(name: &str) -> bool {
    matches!(name, "add-content" | "out-file" | "set-content")
}

/// The file that such a command writes, and the texts that it writes there, if they stand among its words. The first word names the
/// command.
#[must_use]
pub fn target_and_values(words: &[Word]) -> (Option<&Word>, Vec<&Word>) {
    let (mut target, mut values, mut is_value) = (None, Vec::new(), false);
    let mut words = words.iter().skip(1);
    while let Some(word) = words.next() {
        match word.text.as_str() {
            // Several texts may stand next to each other, and the first one may begin with a sign.
            "-inputobject" | "-value" => {
                values.extend(words.next());
                is_value = true;
                continue;
            }
            "-filepath" | "-literalpath" | "-path" => target = words.next(),
            "-delimiter" | "-encoding" | "-stream" | "-width" => drop(words.next()),
            option if option.starts_with('-') => {}
            _ if is_value || target.is_some() => {
                values.push(word);
                continue;
            }
            _ => target = Some(word),
        }
        is_value = false;
    }
    (target, values)
}
