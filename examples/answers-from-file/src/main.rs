//! `answers-from-file`: the example as a program, with the command line, signals and reloads of every other.

use std::process::ExitCode;

fn main() -> ExitCode {
    chassis::run::<highway_example_answers_from_file::AnswersFromFile>()
}
