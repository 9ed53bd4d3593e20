//! A place in a pod: a field of the pod or of one of its containers.

use crate::workload::ContainerRef;

/// A step of a path into the pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'p> {
    Key(&'p str),
    Index(usize),
}

/// The longest path that a rule judges, counted from the container or from the pod.
const STEPS: usize = 6;

/// A field of the pod, present or absent. It does not allocate, because a pod may have 20,000 containers.
#[derive(Debug, Clone, Copy)]
pub struct Location<'p> {
    /// The container that the path starts in, or the one that inherits the field of the pod.
    container: Option<ContainerRef<'p>>,
    inherited: bool,
    steps: [Step<'p>; STEPS],
    len: u8,
    /// How many of the steps exist in the pod.
    present: u8,
}

impl<'p> Location<'p> {
    const fn new(container: Option<ContainerRef<'p>>) -> Self {
        Self { container, inherited: false, steps: [Step::Index(0); STEPS], len: 0, present: 0 }
    }

    /// The pod's `spec`.
    /// ```
    /// # use podreeve::rule::Location;
    /// let at = Location::spec().key("securityContext", true).key("runAsUser", false);
    /// assert_eq!(at.pointer(), "/spec/securityContext");
    /// assert_eq!(at.missing(), "/runAsUser");
    /// ```
    #[must_use]
    pub fn spec() -> Self {
        Self::pod().key("spec", true)
    }

    /// The pod itself, for `metadata`.
    #[must_use]
    pub const fn pod() -> Self {
        Self::new(None)
    }

    /// The spec of the Job that the pod template belongs to.
    #[must_use]
    pub fn job() -> Self {
        Self::pod().key("..", true)
    }

    #[must_use]
    pub const fn container(container: ContainerRef<'p>) -> Self {
        Self::new(Some(container))
    }

    /// A field of a container's `securityContext`; `present` is whether it is set.
    #[must_use]
    pub fn security_context(container: ContainerRef<'p>, field: &'p str, present: bool) -> Self {
        let parent = container.container.security_context.is_some();
        Self::container(container).key("securityContext", parent).key(field, present)
    }

    /// One key further; `present` is whether the key exists and is not null.
    #[must_use]
    pub fn key(self, key: &'p str, present: bool) -> Self {
        self.step(Step::Key(key), present)
    }

    /// One list element further; elements are always present.
    #[must_use]
    pub fn index(self, index: usize) -> Self {
        self.step(Step::Index(index), true)
    }

    fn step(mut self, step: Step<'p>, present: bool) -> Self {
        if let Some(next) = self.steps.get_mut(usize::from(self.len)) {
            *next = step;
            if present && self.present == self.len {
                self.present += 1;
            }
            self.len += 1;
        }
        self
    }

    /// The last key of the path, for rules that repair some of their findings.
    #[must_use]
    pub fn last_key(&self) -> Option<&'p str> {
        match self.steps(0, self.len).last() {
            Some(Step::Key(key)) => Some(key),
            _ => None,
        }
    }

    /// The same field of the pod, as this container inherits it.
    #[must_use]
    pub const fn inherited_by(mut self, container: ContainerRef<'p>) -> Self {
        self.container = Some(container);
        self.inherited = true;
        self
    }

    /// Whether a container inherits the field from the pod.
    #[must_use]
    pub const fn is_inherited(&self) -> bool {
        self.inherited
    }

    /// The container that has the field or inherits it.
    #[must_use]
    pub const fn container_concerned(&self) -> Option<ContainerRef<'p>> {
        self.container
    }

    /// The container that has the field itself.
    #[must_use]
    pub const fn container_ref(&self) -> Option<ContainerRef<'p>> {
        if self.inherited { None } else { self.container }
    }

    fn steps(&self, from: u8, to: u8) -> &[Step<'p>] {
        self.steps.get(usize::from(from)..usize::from(to)).unwrap_or_default()
    }

    /// Whether the path goes through this key.
    #[must_use]
    pub fn has_key(&self, key: &str) -> bool {
        self.steps(0, self.len).contains(&Step::Key(key))
    }

    /// The first list index of the path.
    #[must_use]
    pub fn list_index(&self) -> Option<usize> {
        self.steps(0, self.len).iter().find_map(|step| match step {
            Step::Index(index) => Some(*index),
            Step::Key(_) => None,
        })
    }

    /// JSON pointer to the deepest part of the path that exists: it resolves in the pod.
    #[must_use]
    pub fn pointer(&self) -> String {
        let mut pointer = String::with_capacity(POINTER);
        self.push_pointer(&mut pointer);
        pointer
    }

    /// Appends [`Self::pointer`].
    pub fn push_pointer(&self, out: &mut String) {
        if let Some(container) = self.container_ref() {
            container.push_pointer(out);
        }
        join(out, self.steps(0, self.present));
    }

    /// JSON pointer from [`Self::pointer`] to the judged field; empty when the field exists.
    #[must_use]
    pub fn missing(&self) -> String {
        let mut missing = String::new();
        join(&mut missing, self.steps(self.present, self.len));
        missing
    }

    /// JSON pointer to the judged field, present or absent.
    #[must_use]
    pub fn field(&self) -> String {
        let mut field = String::with_capacity(POINTER);
        self.push_field(&mut field);
        field
    }

    /// Appends [`Self::field`].
    pub fn push_field(&self, out: &mut String) {
        self.push_pointer(out);
        join(out, self.steps(self.present, self.len));
    }

    /// Appends the pointer to the judged field in the object, whose pod is at `pod`. Returns the length of what exists in the
    /// object.
    pub fn push_absolute(&self, out: &mut String, pod: &str) -> usize {
        let (start, keys) = (out.len(), self.steps(0, self.len));
        // Only the path to the Job around the pod goes up.
        let up = keys.iter().take_while(|step| **step == Step::Key("..")).count();
        let base = (0..up).fold(pod, |base, _| base.rsplit_once('/').map_or("", |(above, _)| above));
        out.push_str(base);
        if let Some(container) = self.container_ref() {
            container.push_pointer(out);
        }
        join(out, keys.get(up..usize::from(self.present)).unwrap_or_default());
        let present = out.len() - start;
        join(out, self.steps(self.present, self.len));
        present
    }
}

/// Nearly all pointers are shorter.
const POINTER: usize = 96;

fn join(pointer: &mut String, steps: &[Step<'_>]) {
    for step in steps {
        match step {
            Step::Key(key) => {
                pointer.push('/');
                pointer.push_str(&crate::patch::escape(key));
            }
            Step::Index(index) => crate::patch::push_index(pointer, *index),
        }
    }
}
