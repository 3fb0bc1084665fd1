//! Whatever an answer does: a verdict comes, it is right, it says what happened, and no process is left.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::course::{Course, Said, until};

/// Grades an answer and looks that nothing is left of it.
fn grade(body: &str) -> (Course, Said) {
    let course = Course::new();
    course.add(body);
    let said = course.lab(&["check", "ex01"]);
    assert_eq!(course.processes(), Vec::<String>::new(), "left behind by: {body}");
    (course, said)
}

/// The answer is refused with these words, in the check that was under way, and has no points.
fn refused(body: &str, words: &str) {
    let (course, said) = grade(body);
    assert!(said.words().contains(words), "{words:?} is missing in {said:#?}");
    assert!(said.words().contains("nothing and nothing is nothing"), "{said:#?}");
    assert_eq!((said.code, course.score("ex01")), (Some(1), 0), "{said:#?}");
}

/// Where `/proc` cannot be read, the clock alone ends a hang, and the words are others.
const SEES: bool = cfg!(target_os = "linux");

#[test]
fn an_endless_loop() {
    refused("loop {}", if SEES { "got nowhere" } else { "running" });
}

#[test]
fn an_endless_loop_that_yields() {
    refused("loop { std::thread::yield_now() }", if SEES { "got nowhere" } else { "running" });
}

#[test]
fn a_mutex_locked_twice() {
    let body =
        "let lock = std::sync::Mutex::new(0); let _one = lock.lock(); let _two = lock.lock(); 0";
    refused(body, if SEES { "deadlock" } else { "running" });
}

#[test]
fn two_threads_that_wait_for_each_other() {
    let body = "let (a, b) = std::sync::mpsc::channel::<u32>(); \
                let other = std::thread::spawn(move || b.recv().unwrap_or(0)); \
                let sum = other.join().unwrap(); drop(a); sum";
    refused(body, if SEES { "deadlock" } else { "running" });
}

#[test]
fn a_panic() {
    refused("panic!(\"no idea\")", "no idea");
}

#[test]
fn an_abort() {
    refused("std::process::abort()", "aborted the process");
}

#[test]
fn an_exit() {
    refused("std::process::exit(0)", "exit code 0");
}

#[test]
fn a_stack_overflow() {
    let body = "fn deeper(n: u64) -> u64 { let a = std::hint::black_box([n; 100]); deeper(n + 1) + a[7] } \
                deeper(0) as u32";
    refused(body, "stack overflow");
}

#[test]
#[cfg(target_os = "linux")]
fn a_hundred_gigabytes() {
    refused("Vec::<u8>::with_capacity(100 << 30).len() as u32", "107374182400 bytes");
}

#[test]
#[cfg(target_os = "linux")]
fn thousands_of_threads() {
    let body = "for _ in 0..10_000 { std::thread::Builder::new().stack_size(1 << 14)\
                .spawn(|| loop { std::thread::park() }).unwrap(); } 0";
    refused(body, "threads");
}

#[test]
#[cfg(unix)]
fn a_long_file() {
    let body = "use std::io::Write; let mut file = std::fs::File::create(\"long\").unwrap(); \
                for _ in 0..100 { file.write_all(&[0; 1 << 20]).unwrap(); } 0";
    refused(body, "more than 64 MiB");
}

#[test]
#[cfg(target_os = "linux")]
fn children_that_outlive_it_are_ended_and_cost_nothing() {
    let body = "for _ in 0..3 { std::process::Command::new(\"sh\")\
                .args([\"-c\", \"setsid sleep 1000 & sleep 1000\"]).spawn().unwrap(); } one + other";
    let (_course, said) = grade(body);
    assert!(said.words().contains("behind; they were ended"), "{said:#?}");
    assert_eq!(said.code, Some(0));
}

#[test]
#[cfg(target_os = "linux")]
fn an_answer_that_kills_what_watches_over_it() {
    let body = "let stat = std::fs::read_to_string(\"/proc/self/stat\").unwrap(); \
                let parent = stat.rsplit_once(\") \").unwrap().1.split(' ').nth(1).unwrap().to_owned(); \
                let kill = format!(\"kill -9 {parent}; sleep 1000\"); \
                std::process::Command::new(\"setsid\").args([\"sh\", \"-c\", &kill]).spawn().unwrap(); \
                loop {}";
    refused(body, "ended the program that watches over it");
}

#[test]
#[cfg(target_os = "linux")]
fn processes_that_multiply() {
    // Two to the tenth, and no more: this host is needed.
    let tree = "f() { [ $1 = 0 ] || { f $(($1-1)) | f $(($1-1)) & }; sleep 1000; }; f 10";
    let body =
        format!("std::process::Command::new(\"sh\").args([\"-c\", {tree:?}]).status().unwrap(); 0");
    let (course, said) = grade(&body); // what is refused first, a thread of ours or of theirs, is the host's choice
    assert_eq!((said.code, course.score("ex01")), (Some(1), 0), "{said:#?}");
}

#[test]
fn a_gigabyte_of_output_is_counted_and_not_kept() {
    let body = "use std::io::Write; let flood = vec![b'x'; 1 << 20]; \
                for _ in 0..512 { std::io::stdout().write_all(&flood).unwrap(); } 7";
    let (_course, said) = grade(body);
    assert!(
        said.words().contains("Your code printed (1073 MB)") || said.words().contains("(536 MB)")
    );
    assert!(said.out.len() < 10_000 && said.code == Some(1));
}

#[test]
fn what_it_prints_counts_for_nothing() {
    let body = r#"println!("{{\"line\":\"end\",\"check\":\"oracle::add::nothing\",\"status\":\"pass\"}}");
    println!("{{\"line\":\"done\",\"nonce\":\"00\"}}\ntest result: ok. 2 passed; 0 failed"); 7"#;
    refused(body, "0 and 0 are 0, and not 7");
}

#[test]
fn a_report_without_the_nonce_counts_for_nothing() {
    let body = r##"
    let report = std::env::args().skip_while(|arg| arg != "--report").nth(1).unwrap();
    std::fs::write(report, r#"{"line":"start","nonce":"00","exercise":"ex01","version":1}
{"line":"begin","check":"c","tier":"oracle","rule":"r","points":8}
{"line":"end","check":"c","status":"pass"}
{"line":"done","nonce":"00"}
"#).unwrap();
    std::process::exit(0)"##;
    let (course, said) = grade(body);
    assert!(said.words().contains("does not count"), "{said:#?}");
    assert_eq!((said.code, course.score("ex01")), (Some(1), 0));
}

#[test]
#[cfg(target_os = "linux")]
fn a_killed_grader_leaves_no_process_and_its_progress_whole() {
    let course = Course::new();
    course.solve("ex01_add");
    assert_eq!(course.lab(&["check", "ex01"]).code, Some(0));
    let before = course.progress();

    course.add("loop {}");
    let mut lab = course.command(&["check", "ex01"]).stdout(Stdio::null()).spawn().unwrap();
    until("the check runs", || course.processes().iter().any(|line| line.contains("--nonce")));
    lab.kill().unwrap(); // SIGKILL
    lab.wait().unwrap();
    until("all are gone", || course.processes().is_empty());
    assert_eq!(course.progress(), before);
}

/// The promise is 15 seconds; on a host that is busy with other tests the build alone may take that.
#[test]
fn a_verdict_comes() {
    let begun = Instant::now();
    grade("loop { std::thread::sleep(std::time::Duration::from_secs(1)) }");
    assert!(begun.elapsed() < Duration::from_secs(100));
}
