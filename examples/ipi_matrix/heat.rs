//! Which colour a number has, in the terminal and in the picture.

use anstyle::{Ansi256Color, Style};

/// One step of a colour scale.
#[derive(Clone, Copy)]
pub(crate) struct Shade {
    rgb: [u8; 3],
    /// The nearest of a terminal's 256 colours.
    ansi: u8,
}

const fn shade(rgb: u32, ansi: u8) -> Shade {
    let [_, r, g, b] = rgb.to_be_bytes();
    Shade { rgb: [r, g, b], ansi }
}

/// For durations: ColorBrewer's YlOrRd. It darkens from end to end, so that it can be read without colour, too.
pub(crate) const WARM: [Shade; 9] = [
    shade(0xff_ff_cc, 230),
    shade(0xff_ed_a0, 229),
    shade(0xfe_d9_76, 222),
    shade(0xfe_b2_4c, 215),
    shade(0xfd_8d_3c, 208),
    shade(0xfc_4e_2a, 202),
    shade(0xe3_1a_1c, 160),
    shade(0xbd_00_26, 124),
    shade(0x80_00_26, 88),
];

/// For ratios: ColorBrewer's Blues without its palest, which no duration has.
pub(crate) const COOL: [Shade; 9] = [
    shade(0xe3_ee_f9, 195),
    shade(0xd0_e1_f2, 153),
    shade(0xb7_d4_ea, 117),
    shade(0x94_c4_df, 75),
    shade(0x6a_ae_d6, 74),
    shade(0x4a_98_c9, 68),
    shade(0x2e_7e_bc, 32),
    shade(0x17_64_ab, 25),
    shade(0x08_30_6b, 18),
];

/// Numbers from the lightest shade to the darkest.
pub(crate) struct Scale {
    pub(crate) low: f64,
    pub(crate) high: f64,
    shades: &'static [Shade; 9],
}

impl Scale {
    /// A scale on which every number of `values` has a place. If they are almost equal it is wider than they are, or
    /// noise would look like distance.
    pub(crate) fn over(values: impl IntoIterator<Item = f64>, shades: &'static [Shade; 9]) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.into_iter().filter(|value| value.is_finite()) {
            (low, high) = (low.min(value), high.max(value));
        }
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        let (middle, least_width) = ((low + high) / 2.0, 0.2 * (low + high) / 2.0);
        if high - low < least_width {
            (low, high) = (middle - least_width / 2.0, middle + least_width / 2.0);
        }
        Scale { low, high, shades }
    }

    /// Where a number stands, from 0 to 1. What is no number stands at the end.
    fn place(&self, value: f64) -> f64 {
        let place = (value - self.low) / (self.high - self.low);
        if place.is_finite() { place.clamp(0.0, 1.0) } else { 1.0 }
    }

    /// The number at a place from 0 to 1.
    pub(crate) fn at(&self, place: f64) -> f64 {
        self.low + place * (self.high - self.low)
    }

    /// A number's colour in the picture, between the shades.
    pub(crate) fn rgb(&self, value: f64) -> Rgb {
        let place = self.place(value) * (self.shades.len() - 1) as f64;
        let lower = (place as usize).min(self.shades.len() - 2);
        let (from, to) = (self.shades[lower].rgb, self.shades[lower + 1].rgb);
        let part = place - lower as f64;
        let mix =
            |from: u8, to: u8| (f64::from(from) * (1.0 - part) + f64::from(to) * part).round();
        Rgb(std::array::from_fn(|i| mix(from[i], to[i]) as u8))
    }

    /// A number's colours in the terminal.
    pub(crate) fn style(&self, value: f64) -> Style {
        let step = (self.place(value) * (self.shades.len() - 1) as f64).round() as usize;
        style(self.shades[step])
    }

    /// Every shade from low to high, for a legend in the terminal.
    pub(crate) fn steps(&self) -> impl Iterator<Item = Style> {
        self.shades.iter().map(|&shade| style(shade))
    }

    /// The stops of a gradient from low to high, for a legend in the picture.
    pub(crate) fn stops(&self) -> impl Iterator<Item = (f64, Rgb)> {
        let last = (self.shades.len() - 1) as f64;
        self.shades.iter().enumerate().map(move |(i, shade)| (i as f64 / last, Rgb(shade.rgb)))
    }
}

fn style(shade: Shade) -> Style {
    const BLACK: Ansi256Color = Ansi256Color(16);
    const WHITE: Ansi256Color = Ansi256Color(231);
    let ink = if Rgb(shade.rgb).is_light() { BLACK } else { WHITE };
    Style::new().bg_color(Some(Ansi256Color(shade.ansi).into())).fg_color(Some(ink.into()))
}

/// A colour of the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rgb([u8; 3]);

impl Rgb {
    /// Whether black can be read on it better than white: by its luminance, as WCAG defines contrast.
    pub(crate) fn is_light(self) -> bool {
        let linear = self.0.map(|part| (f64::from(part) / 255.0).powf(2.2));
        0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] > 0.179
    }
}

impl std::fmt::Display for Rgb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [r, g, b] = self.0;
        write!(f, "#{r:02x}{g:02x}{b:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_a_scale_have_the_first_and_the_last_shade() {
        let scale = Scale::over([300.0, 100.0, f64::NAN, 200.0], &WARM);
        assert_eq!((scale.low, scale.high), (100.0, 300.0));
        let shown = [100.0, 300.0, 50.0, f64::INFINITY].map(|value| scale.rgb(value).to_string());
        assert_eq!(shown, ["#ffffcc", "#800026", "#ffffcc", "#800026"]);
        assert_eq!(scale.at(0.5), 200.0);
    }

    #[test]
    fn numbers_that_are_almost_equal_stand_in_the_middle() {
        for values in [vec![100.0], vec![99.0, 101.0], vec![]] {
            let scale = Scale::over(values.iter().copied(), &COOL);
            assert!(scale.low < scale.high);
            assert!(values.iter().all(|&value| (0.4..=0.6).contains(&scale.place(value))));
        }
    }

    #[test]
    fn ink_can_be_read_on_every_shade() {
        let light = |shades: &[Shade; 9]| shades.iter().filter(|s| Rgb(s.rgb).is_light()).count();
        assert_eq!((light(&WARM), light(&COOL)), (6, 7));
    }
}
