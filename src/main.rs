use std::process::ExitCode;

fn main() -> ExitCode {
    podreeve::cli::run()
}
