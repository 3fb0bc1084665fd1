//! The checks of `ex01_add`.

use crate::Check;

/// Generic over the answer.
pub fn checks(add: fn(u32, u32) -> u32) -> Vec<Check> {
    let expect = move |one, other, sum| {
        let got = add(one, other);
        if got == sum { Ok(()) } else { Err(format!("{one} and {other} are {sum}, and not {got}")) }
    };
    vec![
        Check {
            name: "oracle::add::nothing",
            tier: "oracle",
            rule: "nothing and nothing is nothing",
            points: 2,
            run: Box::new(move || expect(0, 0, 0)),
        },
        Check {
            name: "oracle::add::numbers",
            tier: "oracle",
            rule: "two numbers are added",
            points: 5,
            run: Box::new(move || expect(2, 2, 4).and_then(|()| expect(20, 3, 23))),
        },
    ]
}
