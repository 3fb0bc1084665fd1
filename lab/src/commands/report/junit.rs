//! JUnit's XML: an exercise is a suite, a check is a case.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::{Row, printed, trouble};
use crate::channel::{Check, Status};
use crate::stop::Stop;

pub(super) fn render(rows: &[Row<'_>]) -> Result<String, Stop> {
    let mut report = Report::new("lab");
    for (exercise, graded) in rows {
        let mut suite = TestSuite::new(exercise.folder.as_str());
        suite.set_time(graded.took);
        for check in &graded.checks {
            suite.add_test_case(case(&exercise.folder, check));
        }
        if let Some((what, why)) = trouble(graded) {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_message(why);
            let mut case = TestCase::new(what, status);
            case.set_classname(exercise.folder.as_str());
            suite.add_test_case(case);
        }
        if let Some(text) = printed(graded) {
            suite.set_system_out(text);
        }
        report.add_test_suite(suite);
    }
    report.to_string().map_err(Stop::grader)
}

fn case(exercise: &str, check: &Check) -> TestCase {
    let mut status = match check.status {
        Status::Pass => TestCaseStatus::success(),
        Status::Fail => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Status::Skip => TestCaseStatus::skipped(),
    };
    if check.status != Status::Pass {
        status.set_type(check.tier.to_string());
        status.set_message(check.message.as_deref().unwrap_or(&check.rule));
    }
    if let Some(detail) = &check.detail {
        status.set_description(detail.as_str());
    }
    let mut case = TestCase::new(check.name.as_str(), status);
    case.set_classname(exercise);
    case
}
