//! How stages use each other, and what a container of one starts.

use super::{Base, Dockerfile, Instruction, Keyword, Stage};

/// What a container starts, in the stage itself or in one that it begins with.
#[derive(Debug, Default, Clone, Copy)]
pub struct Started<'f> {
    pub entrypoint: Option<&'f Instruction<'f>>,
    pub command: Option<&'f Instruction<'f>>,
    pub healthcheck: Option<&'f Instruction<'f>>,
}

/// A folder or a file of a stage or an image that a `RUN` has at another place: `--mount=type=bind,from=build,target=/src`.
#[derive(Debug, PartialEq, Eq)]
pub struct Mount<'f> {
    /// None for the context of the build, or for an empty folder that is lost with the command.
    pub from: Option<&'f str>,
    pub source: &'f str,
    pub target: &'f str,
    /// The name of a cache, which keeps what a command leaves there for the next one; empty if that is the target.
    pub cache: Option<&'f str>,
}

impl Dockerfile<'_> {
    /// The stage that `--from` means: by its name or its number.
    #[must_use]
    pub fn stage_index(&self, from: &str) -> Option<usize> {
        let named = self
            .stages
            .iter()
            .position(|stage| stage.name.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(from)));
        named.or_else(|| from.parse().ok().filter(|index| *index < self.stages.len()))
    }

    /// The stages that a build is made of: the last one, and those that no other stage begins with or takes files from.
    pub fn targets(&self) -> impl Iterator<Item = (usize, &Stage)> {
        let mut is_used = vec![false; self.stages.len()];
        let mut use_stage = |index: usize| is_used.get_mut(index).into_iter().for_each(|is_used| *is_used = true);
        for stage in &self.stages {
            if let Base::Stage(below) = stage.base {
                use_stage(below);
            }
        }
        for instruction in self.instructions.iter().filter(|instruction| !instruction.is_onbuild) {
            let copied = instruction.flag("from");
            let mounted = instruction.mounts().filter_map(|mount| mount.from);
            copied.into_iter().chain(mounted).filter_map(|from| self.stage_index(from)).for_each(&mut use_stage);
        }
        let last = self.stages.len().saturating_sub(1);
        let is_target = move |index: usize| index == last || is_used.get(index) == Some(&false);
        self.stages.iter().enumerate().filter(move |(index, _)| is_target(*index))
    }

    /// What a container of the stage starts.
    #[must_use]
    pub fn started(&self, stage: &Stage) -> Started<'_> {
        let stages: Vec<&Stage> = self.with_bases(stage).collect();
        let mut started = Started::default();
        for stage in stages.into_iter().rev() {
            let last = |keyword| self.of_stage(stage).rfind(|instruction| instruction.keyword == keyword);
            let (entrypoint, command) = (last(Keyword::Entrypoint), last(Keyword::Cmd));
            // A new ENTRYPOINT does not get the arguments of the stage below.
            started.command = if entrypoint.is_some() { command } else { command.or(started.command) };
            started.entrypoint = entrypoint.or(started.entrypoint);
            started.healthcheck = last(Keyword::Healthcheck).or(started.healthcheck);
        }
        started
    }
}

impl Instruction<'_> {
    /// The mounts of a `RUN` that bring files of a stage, an image, the context or a cache, or hide all files.
    pub fn mounts(&self) -> impl Iterator<Item = Mount<'_>> {
        let values = self.flags.iter().filter(|flag| flag.name == "mount").filter_map(|flag| flag.value.as_deref());
        values.filter_map(|value| {
            let (mut kind, mut from, mut source, mut target, mut id) = ("bind", None, "/", "", "");
            for field in value.split(',') {
                let (name, value) = field.trim_matches('"').split_once('=').unwrap_or((field, ""));
                match name.to_ascii_lowercase().as_str() {
                    "type" => kind = value,
                    "from" => from = Some(value),
                    "id" => id = value,
                    "source" | "src" => source = value,
                    "target" | "dst" | "destination" => target = value,
                    _ => {}
                }
            }
            // A cache begins with what is in the stage that it names.
            let cache = kind.eq_ignore_ascii_case("cache").then_some(id);
            let hides = ["bind", "tmpfs"].iter().any(|known| kind.eq_ignore_ascii_case(known)) || cache.is_some();
            hides.then_some(Mount { from, source, target, cache })
        })
    }
}
