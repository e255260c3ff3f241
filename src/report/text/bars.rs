//! Small pictures from characters.

/// Characters of a bar.
const BAR: usize = 12;

/// Characters of a line of values.
const LINE: usize = 16;

const EIGHTHS: [char; 9] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A bar for a share in `0..=1`, in eighths of a character.
pub(super) fn bar(share: f64) -> String {
    let eighths = (share.clamp(0.0, 1.0) * (8 * BAR) as f64).round() as usize;
    let rest = EIGHTHS.get(eighths % 8).filter(|_| !eighths.is_multiple_of(8));
    std::iter::repeat_n('█', eighths / 8).chain(rest.copied()).collect()
}

/// The course of values, the smallest at the bottom; empty for fewer than two. Long courses are thinned, keeping the ends.
pub(super) fn course(values: &[f64]) -> String {
    let finite: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    let (low, high) = finite.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), &v| (l.min(v), h.max(v)));
    if finite.len() < 2 {
        return String::new();
    }
    let height = |value: f64| {
        let share = if high > low { (value - low) / (high - low) } else { 0.0 };
        HEIGHTS.get((share * 7.0).round() as usize).copied().unwrap_or('▁')
    };
    thinned(finite.len(), LINE).into_iter().filter_map(|i| finite.get(i)).map(|&v| height(v)).collect()
}

/// At most `most` of the indices below `count`, evenly spread, with the first and the last.
pub(super) fn thinned(count: usize, most: usize) -> Vec<usize> {
    if count <= most || most < 2 {
        return (0..count).collect();
    }
    (0..most).map(|i| (i * (count - 1) + (most - 1) / 2) / (most - 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_their_shares() {
        assert_eq!((bar(0.0), bar(1.0), bar(0.5)), (String::new(), "█".repeat(12), "█".repeat(6)));
        assert_eq!(bar(1.0 / 96.0), "▏");
        assert_eq!((bar(f64::NAN), bar(7.0)), (String::new(), "█".repeat(12)));
    }

    #[test]
    fn courses_keep_their_ends() {
        assert_eq!(course(&[1.0, 0.5, 0.0]), "█▅▁");
        assert_eq!((course(&[1.0]), course(&[2.0, 2.0])), (String::new(), "▁▁".into()));
        for (count, most) in [(0, 5), (5, 5), (6, 5), (1000, 12), (13, 12)] {
            let indices = thinned(count, most);
            assert_eq!(indices.len(), count.min(most));
            assert!(indices.is_sorted_by(|a, b| a < b), "{indices:?}");
            assert_eq!(
                (indices.first(), indices.last().copied()),
                (if count > 0 { Some(&0) } else { None }, count.checked_sub(1))
            );
        }
    }
}
