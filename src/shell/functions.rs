//! Functions of a script, which run where they are called.

use super::arguments::Arguments;
use super::program::program;
use super::{Call, Command, Failure, Function, Script};
use std::cmp::Reverse;
use std::collections::HashMap;
use std::ops::Range;

/// The functions of a script that it calls by their names.
pub struct Functions<'s> {
    script: &'s Script,
    by_name: HashMap<&'s str, &'s Function>,
}

impl<'s> Functions<'s> {
    /// None where the script has no function, or calls none.
    pub fn of(script: &'s Script) -> Option<Self> {
        if script.functions.is_empty() {
            return None;
        }
        let mut calls = calls(script);
        let functions: HashMap<&str, usize> =
            script.functions.iter().enumerate().map(|(index, function)| (function.name.as_str(), index)).collect();
        let mut by_name = HashMap::new();
        // From what no function runs, through the functions that it calls.
        let mut next = vec![script.functions.len()];
        while let Some(from) = next.pop() {
            for name in calls.get_mut(from).map(std::mem::take).into_iter().flatten() {
                let Some((index, function)) =
                    functions.get(name).and_then(|at| Some((*at, script.functions.get(*at)?)))
                else {
                    continue;
                };
                by_name.insert(name, function);
                next.push(index);
            }
        }
        (!by_name.is_empty()).then_some(Self { script, by_name })
    }

    pub fn is_of(&self, script: &Script) -> bool {
        std::ptr::eq(self.script, script)
    }

    /// For each command of the script, whether it is one of these functions.
    pub fn commands(&self) -> Vec<bool> {
        let mut begins = vec![0_usize; self.script.commands.len() + 1];
        let mut ends = begins.clone();
        let count = |list: &mut Vec<usize>, at: usize| list.get_mut(at).into_iter().for_each(|count| *count += 1);
        for function in self.by_name.values() {
            count(&mut begins, function.commands.start);
            count(&mut ends, function.commands.end);
        }
        let mut open = 0;
        let is_in = |(begin, end): (&usize, &usize)| {
            open = open + begin - end;
            open > 0
        };
        begins.iter().zip(&ends).map(is_in).collect()
    }

    /// The commands that the call of a function runs, with its arguments. What they cost is taken from `left`.
    pub fn called(&self, call: &Call<'_>, left: &mut usize) -> Option<Script> {
        let function = self.by_name.get(call.words.first()?.text.as_str())?;
        let commands = self.script.commands.get(function.commands.clone())?;
        let first = commands.first()?;
        let mut arguments = Arguments::new(call.words.get(1..).unwrap_or_default(), left);
        arguments.name(commands);
        let begin = function.commands.start;
        let commands = commands.iter().enumerate().map(|(at, command)| {
            let mut command = arguments.in_command(command)?;
            // What is behind the call runs though the function fails, unless that ends the whole script: `|| exit 1`.
            if function.last.binary_search(&(begin + at)).is_ok() || call.command.failure >= Failure::Printed {
                command.failure = command.failure.max(call.command.failure);
            }
            command.reads = below(&command.reads, begin);
            // Commands of the function itself run in the shell of the call.
            let (depth, number) = command.within;
            let (outer, around) = call.command.within;
            let inner = depth.saturating_sub(first.within.0);
            command.within = if inner == 0 { (outer, around) } else { (outer + inner, number) };
            Some(command)
        });
        Some(Script { commands: commands.collect::<Option<Vec<Command>>>()?, functions: Vec::new() })
    }
}

/// The programs that each function of the script names, and at the end those that no function names.
fn calls(script: &Script) -> Vec<Vec<&str>> {
    let mut calls = vec![Vec::new(); script.functions.len() + 1];
    let mut functions: Vec<(usize, &Function)> = script.functions.iter().enumerate().collect();
    functions.sort_by_key(|(_, function)| (function.commands.start, Reverse(function.commands.end)));
    let mut functions = functions.into_iter().peekable();
    let mut open: Vec<(usize, &Function)> = Vec::new();
    for (at, command) in script.commands.iter().enumerate() {
        open.extend(std::iter::from_fn(|| functions.next_if(|(_, function)| function.commands.start <= at)));
        while open.pop_if(|(_, function)| function.commands.end <= at).is_some() {}
        let within = open.last().map_or(script.functions.len(), |(index, _)| *index);
        let name = program(&command.words).at.and_then(|at| command.words.get(at));
        if let (Some(name), Some(calls)) = (name, calls.get_mut(within)) {
            calls.push(name.text.as_str());
        }
        // Those of scripts whose output a word is.
        let inner = command.words.iter().flat_map(|word| &word.inner).flat_map(|script| &script.commands);
        let names = inner.filter_map(|command| command.words.get(program(&command.words).at?));
        calls.get_mut(within).into_iter().for_each(|calls| calls.extend(names.clone().map(|word| word.text.as_str())));
    }
    calls
}

fn below(range: &Range<usize>, begin: usize) -> Range<usize> {
    range.start.saturating_sub(begin)..range.end.saturating_sub(begin)
}
