//! Policies from files, directories and the built-ins, and their reload.
