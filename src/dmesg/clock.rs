//! The clocks of loggers.
//!
//! Loggers: `syslogd` and `journalctl` (`Jan 23 23:39:43`, `2025-05-12T22:29:52.686659+02:00`), `dmesg -T` and `-e`
//! (`[Thu Oct 30 06:21:23 2025]`, `[Nov 3 13:15]`, `[  +0.000003]`), console servers (`21:42:17`).

use crate::dmesg::entry::WallClock;
use crate::dmesg::scan::Scan;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

const MICROS_PER_SEC: u64 = 1_000_000;
const MICROS_PER_DAY: u64 = 86_400 * MICROS_PER_SEC;

/// What a logger says about the time of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clock {
    /// This is it.
    At(WallClock),
    /// So many microseconds after the line before.
    After(u64),
}

fn at(days: u64, micros: u64) -> Clock {
    Clock::At(WallClock { micros: days * MICROS_PER_DAY + micros })
}

/// Inside of the brackets of `dmesg -T` and `dmesg -e`.
pub(super) fn in_brackets(inside: &str) -> Option<Clock> {
    let mut scan = Scan(inside);
    scan.blanks();
    let clock = if scan.tag("+").is_some() {
        let secs: u64 = scan.decimal()?;
        let micros = fraction(&mut scan)?;
        Clock::After(secs.checked_mul(MICROS_PER_SEC)?.checked_add(micros)?)
    } else {
        of_a_calendar(&mut scan)?
    };
    scan.0.is_empty().then_some(clock)
}

/// `Jan 23 23:39:43`, `Thu Oct 30 06:21:23 2025`.
pub(super) fn of_a_calendar(scan: &mut Scan<'_>) -> Option<Clock> {
    if scan.any(&WEEKDAYS).is_some() {
        scan.tag(" ")?;
    }
    let (month, day) = month_and_day(scan)?;
    let micros = time_of_day(scan)?;
    let mut ahead = *scan;
    let year = ahead.tag(" ").and_then(|()| digits(&mut ahead, 4));
    if year.is_some() {
        *scan = ahead;
    }
    Some(at(days(year, month, day)?, micros))
}

/// `2024-10-19 09:03:34.391`, `2025-05-12T22:29:52.686659+02:00`, `09:03:34.391`, `2024-10-19`.
pub(super) fn iso(scan: &mut Scan<'_>) -> Option<Clock> {
    let mut ahead = *scan;
    if let Some(micros) = time_of_day(&mut ahead) {
        *scan = ahead;
        return Some(at(0, micros));
    }
    let year = digits(scan, 4)?;
    scan.tag("-")?;
    let month = digits(scan, 2)?;
    scan.tag("-")?;
    let days = days(Some(year), month, digits(scan, 2)?)?;
    ahead = *scan;
    let time = ahead.any(&["T", " "]).and_then(|()| time_of_day(&mut ahead));
    let Some(micros) = time else { return Some(at(days, 0)) };
    *scan = ahead;
    Some(zone(scan, days * MICROS_PER_DAY + micros))
}

/// The same moment in UTC, if a zone follows: `Z`, `+02:00`, `-0330`.
fn zone(scan: &mut Scan<'_>, micros: u64) -> Clock {
    let mut ahead = *scan;
    let mut offset = |sign: &str| {
        ahead.tag(sign)?;
        let hours = digits(&mut ahead, 2)?;
        _ = ahead.tag(":");
        let minutes = digits(&mut ahead, 2)?;
        Some((hours * 60 + minutes) * 60 * MICROS_PER_SEC)
    };
    let micros = match offset("+") {
        Some(east) => micros.saturating_sub(east),
        None => micros + offset("-").unwrap_or(0),
    };
    _ = ahead.tag("Z");
    *scan = ahead;
    Clock::At(WallClock { micros })
}

/// `Jan 23 `, with the blank behind it.
fn month_and_day(scan: &mut Scan<'_>) -> Option<(u64, u64)> {
    let month = MONTHS.iter().position(|month| scan.0.starts_with(month))? as u64 + 1;
    scan.0 = &scan.0[3..];
    scan.tag(" ")?;
    scan.blanks();
    let day = scan.decimal()?;
    scan.tag(" ")?;
    Some((month, day))
}

/// `23:39`, `23:39:43`, `23:39:43.391`, in microseconds.
fn time_of_day(scan: &mut Scan<'_>) -> Option<u64> {
    let hour = digits(scan, 2).filter(|&hour| hour < 24)?;
    scan.tag(":")?;
    let minute = digits(scan, 2).filter(|&minute| minute < 60)?;
    let mut micros = (hour * 60 + minute) * 60 * MICROS_PER_SEC;
    if scan.tag(":").is_some() {
        micros += digits(scan, 2).filter(|&second| second <= 60)? * MICROS_PER_SEC;
        micros += fraction(scan).unwrap_or(0);
    }
    Some(micros)
}

/// `.391` or `,391`, in microseconds; what is finer is dropped.
fn fraction(scan: &mut Scan<'_>) -> Option<u64> {
    const PLACES: usize = 6;
    let mut ahead = *scan;
    ahead.any(&[".", ","])?;
    let digits = ahead.take(|b| b.is_ascii_digit());
    let shown = digits.get(..PLACES.min(digits.len())).filter(|digits| !digits.is_empty())?;
    let missing = u32::try_from(PLACES - shown.len()).ok()?;
    let micros = shown.parse::<u64>().ok()? * 10_u64.pow(missing);
    *scan = ahead;
    Some(micros)
}

/// A number of exactly so many digits, or of that many to begin with.
fn digits(scan: &mut Scan<'_>, count: usize) -> Option<u64> {
    let (number, rest) = scan.0.split_at_checked(count)?;
    number.bytes().all(|b| b.is_ascii_digit()).then_some(())?;
    scan.0 = rest;
    number.parse().ok()
}

/// Days from 1970, or from the beginning of a leap year if the year is not known.
fn days(year: Option<u64>, month: u64, day: u64) -> Option<u64> {
    const BEFORE: [u64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    const EPOCH: u64 = 1970;
    let before = BEFORE.get(usize::try_from(month).ok()?.checked_sub(1)?)?;
    (1..=31).contains(&day).then_some(())?;
    let leaps_until = |year: u64| year / 4 - year / 100 + year / 400;
    let (since_epoch, is_leap) = match year {
        Some(year @ EPOCH..=9_999) => {
            let leaps = leaps_until(year - 1) - leaps_until(EPOCH - 1);
            ((year - EPOCH) * 365 + leaps, leaps_until(year) > leaps_until(year - 1))
        }
        Some(_) => return None,
        None => (0, true),
    };
    Some(since_epoch + before + u64::from(is_leap && month > 2) + day - 1)
}
