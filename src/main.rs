//! The program `fedag`; all of it is in the library.

fn main() -> std::process::ExitCode {
    fedag::cli::main()
}
