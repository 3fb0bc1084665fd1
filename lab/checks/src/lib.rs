//! What a learner's parts must do. Each exercise has one file here, generic over the part: the exercise, its solution,
//! and every known right and wrong answer go through the same checks.

pub mod check;
pub mod consoles;
pub mod ex01;
pub mod ex02;
pub mod ex03;
pub mod ex04;
pub mod ex05;
pub mod ex06;
pub mod ex07;
pub mod ex08;
pub mod ex09;
pub mod ex10;
pub mod ex11;
pub mod ex12;
pub mod grade;
pub mod mistakes;
pub mod oracle;
pub mod replay;
pub mod reported;
#[cfg(feature = "solutions")]
pub mod variants;

#[cfg(feature = "models")]
pub use models;
