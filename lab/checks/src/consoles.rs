//! The consoles that real kernels printed: `tests/ground-truth/`.

/// One recorded console.
#[derive(Clone, Copy, Debug)]
pub struct RealConsole {
    /// The file's name, without its end.
    pub name: &'static str,
    /// Its bytes.
    pub bytes: &'static [u8],
}

macro_rules! real {
    ($($name:literal)*) => {
        &[$(RealConsole {
            name: $name,
            bytes: include_bytes!(concat!("../../../tests/ground-truth/", $name, ".log")),
        }),*]
    };
}

/// All of them.
pub const REAL: &[RealConsole] = real![
    "a64-612-baseline-execbusy-smp4"
    "a64-612-csd-smp4"
    "a64-612-nest0-smp4"
    "a64-612-oops-execbusy-smp4"
    "a64-612-panic_on_oops-smp4"
    "a64-612-pnmi-smp4"
    "a64-612-softpanic-smp4"
    "a64-d61-oops-kick-smp4"
    "x86-d61-nest1-again-smp4"
    "x86-d61-nest1-smp4"
];

/// One of them, by its name.
///
/// # Panics
/// If there is none of that name.
pub fn real(name: &str) -> &'static [u8] {
    let found = REAL.iter().find(|console| console.name == name);
    found.unwrap_or_else(|| panic!("no console is called {name}")).bytes
}
