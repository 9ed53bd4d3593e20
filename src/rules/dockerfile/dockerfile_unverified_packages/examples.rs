//! The examples of the rule, by subject.

mod archives;
mod arrivals;
mod checks;
mod files;
mod packages;
mod settings;
mod stages;
mod windows;
mod written_scripts;

use crate::rule::FileExample;

const SUBJECTS: [&[FileExample]; 9] = [
    settings::EXAMPLES,
    arrivals::EXAMPLES,
    files::EXAMPLES,
    checks::EXAMPLES,
    archives::EXAMPLES,
    packages::EXAMPLES,
    stages::EXAMPLES,
    written_scripts::EXAMPLES,
    windows::EXAMPLES,
];

pub static EXAMPLES: [FileExample; count(&SUBJECTS)] = joined(&SUBJECTS);

const fn count(subjects: &[&[FileExample]]) -> usize {
    let (mut count, mut rest) = (0, subjects);
    while let [first, others @ ..] = rest {
        count += first.len();
        rest = others;
    }
    count
}

/// One list, as each rule has one.
const fn joined<const N: usize>(subjects: &[&[FileExample]]) -> [FileExample; N] {
    let mut all = [FileExample::good("", ""); N];
    let (mut places, mut rest): (&mut [FileExample], _) = (&mut all, subjects);
    while let [first, others @ ..] = rest {
        let mut examples = *first;
        while let [example, behind @ ..] = examples {
            if let [place, free @ ..] = places {
                *place = *example;
                places = free;
            }
            examples = behind;
        }
        rest = others;
    }
    all
}
