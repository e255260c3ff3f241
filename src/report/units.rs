//! Numbers as people read them, the same in every rendering.

/// Bit operations: `41.0 k`, `67.4 M`, `2.595 G`, `1.203 T`.
pub fn operations(bitops: f64) -> String {
    match bitops.abs() {
        size if size < 1e6 => format!("{:.1} k", bitops / 1e3),
        size if size < 1e8 => format!("{:.1} M", bitops / 1e6),
        size if size < 1e12 => format!("{:.3} G", bitops / 1e9),
        _ => format!("{:.3} T", bitops / 1e12),
    }
}

/// Bytes in binary units: `134.3 KiB`, `11.87 MiB`, `6.71 GiB`.
pub fn bytes(bytes: f64) -> String {
    const KIB: f64 = 1024.0;
    match bytes.abs() {
        size if size < 2.0 * KIB * KIB => format!("{:.1} KiB", bytes / KIB),
        size if size < KIB * KIB * KIB => format!("{:.2} MiB", bytes / (KIB * KIB)),
        _ => format!("{:.2} GiB", bytes / (KIB * KIB * KIB)),
    }
}

/// What stays on the line of its number.
const UNITS: [&str; 11] = ["%", "±", "k", "M", "G", "T", "KiB", "MiB", "GiB", "ms", "points"];

/// A sentence whose numbers stay on one line with their errors and units: the spaces between them do not break.
pub fn together(sentence: &str) -> String {
    let (mut whole, mut previous) = (String::with_capacity(sentence.len()), None);
    for word in sentence.split(' ') {
        let unit = UNITS.contains(&word.trim_end_matches(['.', ',', ':', ';', ')']));
        match previous {
            None => {}
            Some(before) if unit || before == "±" => whole.push('\u{a0}'),
            Some(_) => whole.push(' '),
        }
        whole.push_str(word);
        previous = Some(word);
    }
    whole
}

/// A plan in a sentence or a heading: `plan half`; one without a name of its own is `plan`.
pub fn plan_title(name: &str) -> String {
    if name == "plan" { name.into() } else { format!("plan {name}") }
}

/// The first letter as a capital.
pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A cost in the unit that its name implies; other costs as plain numbers.
pub fn cost(name: &str, value: f64) -> String {
    match name {
        "bitops" => operations(value),
        "weight_bytes" | "model_bytes" => bytes(value),
        "latency_ms" => format!("{value:.3} ms"),
        "cycles" => grouped(value.max(0.0).round() as u64),
        _ => significant(value, 4),
    }
}

/// A cost's name for people: `BitOPs`, `weight bytes`.
pub fn cost_title(name: &str) -> String {
    match name {
        "bitops" => "BitOPs".into(),
        "avg_weight_bits" => "mean weight bits".into(),
        "layer_avg_weight_bits" => "mean weight bits of a layer".into(),
        "latency_ms" => "latency".into(),
        other => other.replace('_', " "),
    }
}

/// A share as per cent with one or two digits behind the point: `50.0 %`, `0.31 %`.
pub fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    if percent.abs() >= 1e6 {
        return format!("{} %", significant(percent.clamp(f64::MIN, f64::MAX), 2));
    }
    if percent != 0.0 && percent.abs() < 1.0 { format!("{percent:.2} %") } else { format!("{percent:.1} %") }
}

/// What is used of a limit, as per cent: 100 % only if it is all.
pub fn of_limit(used: f64, limit: f64) -> String {
    match used / limit {
        part if (0.9995..1.0).contains(&part) => format!("{:.2} %", ((1e4 * part).floor() / 100.0).min(99.99)),
        part => percent(part),
    }
}

/// Right predictions as per cent, with their standard error: `91.23 ± 0.28 %`.
pub fn accuracy(share: f64, stderr: Option<f64>) -> String {
    match stderr {
        None => format!("{:.2} %", 100.0 * share),
        Some(error) => format!("{:.2} ± {:.2} %", 100.0 * share, 100.0 * error),
    }
}

/// A perplexity with its standard error: `8.166 ± 0.16`.
pub fn perplexity(value: f64, stderr: Option<f64>) -> String {
    match stderr {
        None => significant(value, 4),
        Some(error) => format!("{} ± {}", significant(value, 4), significant(error, 2)),
    }
}

/// A ratio less one, with its standard error, as per cent: `10.5 ± 0.11 %`.
pub fn relative(change: f64, stderr: Option<f64>) -> String {
    match stderr {
        None => percent(change),
        Some(error) => format!("{} ± {} %", significant(100.0 * change, 3), significant(100.0 * error, 2)),
    }
}

/// A difference of two shares, with its standard error: `0.57 ± 0.39 points`.
pub fn points(difference: f64, stderr: f64) -> String {
    format!("{:.2} ± {:.2} points", 100.0 * difference, 100.0 * stderr)
}

/// Digits in groups of three, thin enough to stay on one line.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let groups: Vec<String> =
        digits.as_bytes().rchunks(3).rev().map(|g| g.iter().map(|&b| char::from(b)).collect()).collect();
    groups.join("\u{202f}")
}

/// `1 layer`, `3 layers`.
pub fn plural(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// So many significant digits, with an exponent where plain digits would be long: `0.00123`, `1.23e-7`.
pub fn significant(value: f64, digits: usize) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    let exponent = value.abs().log10().floor() as i32;
    let digits = digits.max(1);
    match exponent {
        -4..=6 => format!("{value:.*}", (digits as i32 - 1 - exponent).max(0) as usize),
        _ => format!("{value:.*e}", digits - 1),
    }
}

/// A value with its standard error in the same notation: `0.0123 ± 0.0004`, `1.2e-6 ± 3e-7`.
pub fn plus_minus(value: f64, stderr: Option<f64>) -> String {
    match stderr {
        None => significant(value, 3),
        Some(error) => format!("{} ± {}", significant(value, 3), significant(error, 2)),
    }
}

/// A difference of two shares in percentage points with its sign: `+1.20 ± 0.35`.
pub fn change(difference: f64, stderr: Option<f64>) -> String {
    match stderr {
        None => format!("{:+.2}", 100.0 * difference),
        Some(error) => format!("{:+.2} ± {:.2}", 100.0 * difference, 100.0 * error),
    }
}

/// An average trace with its standard error, or the error as a limit where the trace is not above it.
pub fn trace(average: f64, stderr: Option<f64>) -> String {
    match stderr {
        Some(error) if average <= error => format!("< {error:.1e}"),
        Some(error) => format!("{average:.2e} ± {error:.1e}"),
        None => format!("{average:.2e}"),
    }
}

/// A loss in nats: `0.3128`.
pub fn loss(nats: f64) -> String {
    format!("{nats:.4}")
}

/// A rank correlation: `0.93`.
pub fn correlation(value: f64) -> String {
    format!("{value:.2}")
}

/// The beginning of a content hash, which is enough to tell files apart; the whole one is in the JSON document.
pub fn hash(hash: &str) -> String {
    hash.chars().take(16).collect()
}

/// A wall time: `26 ms`, `0.4 s`, `73 s`, `12 min 5 s`, `3 h 20 min`.
pub fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match whole {
        _ if seconds < 0.0995 => format!("{:.0} ms", 1e3 * seconds.max(0.0)),
        0..10 => format!("{seconds:.1} s"),
        10..120 => format!("{whole} s"),
        120..7200 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

/// A number on an axis whose ticks are `step` apart: as many digits as tell it from its neighbours.
pub fn tick(value: f64, step: f64) -> String {
    if value == 0.0 || !value.is_finite() || step <= 0.0 {
        return if value == 0.0 { "0".into() } else { format!("{value}") };
    }
    let power = |v: f64| v.abs().log10().floor() as i32;
    match power(value) {
        -3..=4 => format!("{value:.*}", (-power(step * (1.0 + 1e-9))).max(0) as usize),
        exponent => format!("{value:.*e}", (exponent - power(step * (1.0 + 1e-9))).clamp(0, 9) as usize),
    }
}

/// What to divide a cost by to draw it on an axis up to `largest`, and that unit: `(1e9, "G")`, `(1024, "KiB")`.
pub fn axis_unit(cost: &str, largest: f64) -> (f64, &'static str) {
    const KIB: f64 = 1024.0;
    let steps: &[(f64, &str)] = match cost {
        "bitops" | "macs" | "parameters" | "cycles" => &[(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")],
        "weight_bytes" | "model_bytes" | "bytes" => {
            &[(KIB * KIB * KIB, "GiB"), (KIB * KIB, "MiB"), (KIB, "KiB"), (1.0, "B")]
        }
        "latency_ms" => &[(1.0, "ms")],
        _ => &[],
    };
    let last = steps.last().copied().filter(|(_, unit)| matches!(*unit, "B" | "ms"));
    steps.iter().copied().find(|(size, _)| largest >= *size).or(last).unwrap_or((1.0, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_keep_their_digits() {
        assert_eq!([plan_title("plan"), plan_title("half")], ["plan", "plan half"]);
        assert_eq!([capital("über"), capital("")], ["Über", ""]);
        assert_eq!(operations(2.595e9), "2.595 G");
        assert_eq!(
            together("takes 0.155 G BitOPs (5.0 %), 0.40 ± 0.41 points lower  and `G` "),
            "takes 0.155\u{a0}G BitOPs (5.0\u{a0}%), 0.40\u{a0}±\u{a0}0.41\u{a0}points lower  and `G` "
        );
        assert_eq!(operations(67.04e6), "67.0 M");
        assert_eq!(operations(40_960.0), "41.0 k");
        assert_eq!(bytes(134.3 * 1024.0), "134.3 KiB");
        assert_eq!(bytes(11.87 * 1024.0 * 1024.0), "11.87 MiB");
        assert_eq!(grouped(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(grouped(12), "12");
        assert_eq!([plural(1, "probe"), plural(2000, "probe")], ["1 probe", "2\u{202f}000 probes"]);
        assert_eq!(significant(0.001234, 3), "0.00123");
        assert_eq!(significant(1.234e-7, 3), "1.23e-7");
        assert_eq!(significant(-12345.6, 3), "-12346");
        assert_eq!((significant(0.0, 3).as_str(), significant(f64::NAN, 3).as_str()), ("0", "NaN"));
        assert_eq!(percent(0.003149), "0.31 %");
        assert_eq!(percent(0.5), "50.0 %");
        assert_eq!([percent(12_345.0), percent(1e308)], ["1234500 %", "1.8e308 %"]);
        let parts = [(1.0, 1.0), (0.9997, 1.0), (0.999999, 1.0), (0.5, 1.0), (1.0001, 1.0)];
        assert_eq!(parts.map(|(u, l)| of_limit(u, l)), ["100.0 %", "99.97 %", "99.99 %", "50.0 %", "100.0 %"]);
        assert_eq!(relative(0.105, Some(0.0011)), "10.5 ± 0.11 %");
        assert_eq!(accuracy(0.91234, Some(0.0028)), "91.23 ± 0.28 %");
        assert_eq!(accuracy(0.5, None), "50.00 %");
        assert_eq!(points(0.0057, 0.0039), "0.57 ± 0.39 points");
        assert_eq!(duration(725.0), "12 min 5 s");
        assert_eq!((duration(0.026).as_str(), duration(0.0996).as_str()), ("26 ms", "0.1 s"));
        assert_eq!((tick(0.5, 0.5).as_str(), tick(3.0, 1.0).as_str(), tick(1e-6, 1e-6).as_str()), ("0.5", "3", "1e-6"));
        assert_eq!((tick(0.30000000000000004, 0.1).as_str(), tick(1.25e8, 5e6).as_str()), ("0.3", "1.25e8"));
        assert_eq!((axis_unit("bitops", 2.5e9), axis_unit("weight_bytes", 900.0)), ((1e9, "G"), (1.0, "B")));
        assert_eq!((axis_unit("cycles", 10.0), axis_unit("anything", 1e9)), ((1.0, ""), (1.0, "")));
        assert_eq!(plus_minus(0.0123, Some(0.00042)), "0.0123 ± 0.00042");
        assert_eq!((change(0.012, Some(0.0035)), change(-0.012, None)), ("+1.20 ± 0.35".into(), "-1.20".into()));
        assert_eq!((trace(0.4, Some(0.04)), trace(0.01, Some(0.02))), ("4.00e-1 ± 4.0e-2".into(), "< 2.0e-2".into()));
    }
}
