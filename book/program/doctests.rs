//! Compiles and runs the Rust blocks that chapters have of their own: `cargo test -p softlockup-book --doc`. Blocks that
//! `{{#code}}` gives come from sources that are compiled anyway.
#![cfg(doctest)]

macro_rules! chapters {
    ($($chapter:ident = $file:literal),* $(,)?) => {
        $(
            #[doc = include_str!(concat!("../src/", $file))]
            mod $chapter {}
        )*
        mod zh {
            $(
                #[doc = include_str!(concat!("../src-zh/", $file))]
                mod $chapter {}
            )*
        }
    };
}

chapters! {
    readme = "README.md",
    night = "night.md",
    machine = "machine.md",
    why_22 = "why-22.md",
    why_the_others = "why-the-others.md",
    why_that_function = "why-that-function.md",
    reboot = "reboot.md",
    measuring = "measuring.md",
    predicted = "predicted.md",
    kernel_map = "kernel-map.md",
    article = "article.md",
    real_kernel = "real-kernel.md",
    glossary = "glossary.md",
    teachers = "teachers.md",
}
