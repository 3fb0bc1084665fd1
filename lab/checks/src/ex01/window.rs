//! When it began.

use softlockup::KernelTime;
use softlockup::scenario::nested_oops::Before;
use softlockup::time;

use crate::check::Failure;
use crate::ex01::{Answer, random_machines};
use crate::oracle::ask;

pub(super) fn busy_window(answer: Answer) -> Result<(), Failure> {
    window(answer, Before::Busy, 6)
}

pub(super) fn idle_window(answer: Answer) -> Result<(), Failure> {
    window(answer, Before::Idle, 7)
}

/// The window after the last report but `samples` samples, which is one period long.
fn window(answer: Answer, before: Before, samples: u64) -> Result<(), Failure> {
    let mut count = 0;
    for (thresh, run) in random_machines(before, &[5, 7, 10, 15, 24]) {
        let period = time::sample_period_ns(thresh);
        let report = run?.report();
        for lockup in report.soft_lockups {
            let (cpu, reported) = (lockup.cpu, lockup.time);
            let began = lockup.wait_began.expect("it waits for CPU 0");
            let right = (reported - samples * period, reported - (samples - 1) * period);
            assert!(right.0 < began && began <= right.1, "{began} is not in {right:?}");
            count += 1;
            let said = ask(&format!("the window of a report at {reported} s"), move || {
                (answer.onset_window)(reported, thresh, before)
            })?;
            if said == right {
                continue;
            }
            let (after, until) = said;
            let was = match before {
                Before::Busy => "was busy, was fed right after each sample, and got stuck at",
                Before::Idle => "was idle, and woke up and touched its watchdog at",
            };
            let outside = began <= after || until < began;
            let wrong = match outside {
                true => "which is outside of it".to_owned(),
                false => format!(
                    "which is inside; but the window that the watchdog allows is {} s to {} s",
                    right.0, right.1
                ),
            };
            let one_later = said == (right.0 + period, right.1 + period);
            let mistake = one_later.then_some(match before {
                Before::Busy => {
                    "five samples counted; the fifth is within the threshold, and the sixth reports"
                }
                Before::Idle => {
                    "the window of a busy CPU; one that was idle was touched, and got a period more"
                }
            });
            let failure = Failure::new(format!(
                "with a watchdog_thresh of {thresh} s CPU#{cpu} reported itself at {reported} s, and the code says \
                 that it got stuck between {after} s and {until} s. It {was} {began} s, {wrong}. A sample comes \
                 every {} s: count them back from the report. A reader who looks for the cause in the wrong period finds an innocent task",
                KernelTime::from_ns(period)
            ));
            return Err(Failure { mistake, ..failure });
        }
    }
    assert!(count > 10, "{count} reports are too few to tell");
    Ok(())
}
