//! `lab` as a program, on a course of two exercises: `tests/mini/`.
//!
//! Each test has a copy of the course for itself. No test asserts a duration: where one waits, it waits for something to
//! happen, and gives up after a time that says "never".

#[cfg(unix)]
mod checkers;
mod commands;
mod course;
mod hostile;
mod made_from;
mod predict;
mod progress;
mod replay;
mod verify;
mod watch;
