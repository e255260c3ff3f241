//! Quantities as people write them: `1.5G`, `300KiB`, `4096`.

/// Suffixes and their factors; those of bytes end in `B`.
const UNITS: [(&str, f64); 10] = [
    ("KiB", 1024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
    ("KB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("K", 1e3),
    ("M", 1e6),
    ("G", 1e9),
    ("T", 1e12),
];

/// What the suffixes mean, for messages.
pub const UNITS_HELP: &str = "K, M, G and T are powers of 1000, KiB, MiB and GiB of 1024";

/// A finite number, its suffix multiplied in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantity {
    /// The number.
    pub value: f64,
    /// Whether the suffix is one of bytes.
    pub bytes: bool,
}

impl Quantity {
    /// Reads a number with an optional suffix, nothing between or around them. K, M, G and T are powers of 1000, as are
    /// KB, MB and GB; KiB, MiB and GiB are powers of 1024. `None` for anything else, and for what is not finite.
    pub fn parse(text: &str) -> Option<Self> {
        let suffix = UNITS.iter().find_map(|&(unit, factor)| Some((text.strip_suffix(unit)?, factor)));
        let (digits, factor) = suffix.unwrap_or((text, 1.0));
        let value = digits.parse::<f64>().ok()? * factor;
        value.is_finite().then_some(Self { value, bytes: text.ends_with('B') })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_suffix_is_the_power_it_says() {
        for (power, letter) in (1..).zip(["K", "M", "G", "T"]) {
            for (suffix, base, bytes) in [("", 1000i64, false), ("B", 1000, true), ("iB", 1024, true)] {
                let expected = Quantity { value: (3 * base.pow(power)) as f64, bytes };
                // Terabytes are not among the units.
                let known = letter != "T" || suffix.is_empty();
                assert_eq!(
                    Quantity::parse(&format!("3{letter}{suffix}")),
                    known.then_some(expected),
                    "{letter}{suffix}"
                );
            }
        }
        for (text, value) in [("0", 0.0), ("1e9", 1e9), ("-2.5K", -2500.0), (".5", 0.5), ("1e-3M", 1e3), ("+7", 7.0)] {
            assert_eq!(Quantity::parse(text), Some(Quantity { value, bytes: false }), "{text}");
        }
    }

    #[test]
    fn what_is_no_finite_number_is_none() {
        for text in [
            "", "K", "B", "5B", "5k", "5PB", "5 K", " 5", "5 ", "1,5", "0x10", "1e999", "1e308K", "nan", "infK",
            "-inf", "5KK", "5KKiB", "½", "٣",
        ] {
            assert_eq!(Quantity::parse(text), None, "{text:?}");
        }
    }
}
