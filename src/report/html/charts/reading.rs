//! Reads charts back in the tests: what is drawn, and where the ticks put a number.

use svg::Document;

use crate::report::plot::oracle::{Read, check, read};

/// The elements of a chart that passes the checks of all charts and comes out the same again.
pub(super) fn drawn(chart: impl Fn() -> Option<Document>) -> Vec<Read> {
    let drawing = chart().unwrap().to_string();
    assert_eq!(drawing, chart().unwrap().to_string());
    check(&drawing);
    read(&drawing)
}

/// Number and coordinate of the tick labels below (`across`) or beside the panels, in the order of the drawing.
pub(super) fn ticks(elements: &[Read], across: bool) -> Vec<(f64, f64)> {
    let labels = elements.iter().filter(|e| e.has("tick") && e.has(if across { "middle" } else { "end" }));
    let place = |e: &Read| if across { e.number("x") } else { e.number("y") - 4.2 };
    labels.filter_map(|e| Some((e.text.parse().ok()?, place(e)))).collect()
}

/// Where an axis puts a number, by its outer ticks; `log` of a logarithmic axis.
pub(super) fn at(ticks: &[(f64, f64)], log: bool, value: f64) -> f64 {
    let unit = |v: f64| if log { v.ln() } else { v };
    let (first, last) = (ticks[0], ticks[ticks.len() - 1]);
    let share = (unit(value) - unit(first.0)) / (unit(last.0) - unit(first.0));
    first.1 + share * (last.1 - first.1)
}

/// The corners of a path.
pub(super) fn path(element: &Read) -> Vec<(f64, f64)> {
    let number = |text: &str| text.parse::<f64>().unwrap();
    let mut place = (0.0, 0.0);
    let mut places = Vec::new();
    let spaced = ["M", "L", "H", "V"].iter().fold(element.get("d").to_string(), |d, c| d.replace(c, &format!("|{c}")));
    for part in spaced.split('|').filter(|part| !part.is_empty()) {
        let (command, rest) = part.split_at(1);
        match command {
            "H" => place.0 = number(rest),
            "V" => place.1 = number(rest),
            _ => place = rest.split_once(' ').map(|(x, y)| (number(x), number(y))).unwrap(),
        }
        places.push(place);
    }
    places
}

/// Fails unless two coordinates are the same but for rounding to two digits and ticks that were moved by less than that.
pub(super) fn close(a: f64, b: f64) {
    assert!((a - b).abs() < 0.06, "{a} is not {b}");
}
