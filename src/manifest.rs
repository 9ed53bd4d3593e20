//! YAML and JSON files: documents, Lists, and the line of every field.
