//! Reads drawings back, for tests: what is drawn, where the texts lie, and which of them overlap.

use std::collections::BTreeMap;

use svg::node::element::tag::Type;
use svg::parser::Event;

use super::text::{FONT, width};

/// An element as it was read.
#[derive(Debug, Clone)]
pub(crate) struct Read {
    pub(crate) tag: String,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) text: String,
}

impl Read {
    pub(crate) fn has(&self, class: &str) -> bool {
        self.attributes.get("class").is_some_and(|classes| classes.split(' ').any(|c| c == class))
    }

    pub(crate) fn number(&self, name: &str) -> f64 {
        self.attributes[name].parse().unwrap()
    }

    pub(crate) fn get(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }
}

/// All elements in the order of the document; panics unless every tag is closed by its own and nothing is malformed.
pub(crate) fn read(drawing: &str) -> Vec<Read> {
    let (mut elements, mut open): (Vec<Read>, Vec<usize>) = (Vec::new(), Vec::new());
    for event in svg::read(drawing).unwrap() {
        match event {
            Event::Tag(tag, Type::End, _) => {
                let begun = open.pop().expect("an end tag without a beginning");
                assert_eq!(elements[begun].tag, tag);
            }
            Event::Tag(tag, kind, attributes) => {
                if kind == Type::Start {
                    open.push(elements.len());
                }
                let decode = |(name, value): (String, svg::node::Value)| (name, decode(&value));
                let attributes = attributes.into_iter().map(decode).collect();
                elements.push(Read { tag: tag.into(), attributes, text: String::new() });
            }
            Event::Text(text) => elements[*open.last().unwrap()].text += &decode(text),
            other => panic!("{other:?} in a drawing"),
        }
    }
    assert!(open.is_empty(), "unclosed tags");
    elements
}

fn decode(text: &str) -> String {
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'");
    text.replace("&amp;", "&")
}

type Corners = [(f64, f64); 4];

/// The estimated corners of a text, turned as its `transform` says.
pub(crate) fn corners(text: &Read) -> Corners {
    let (x, y, wide) = (text.number("x"), text.number("y"), width(&text.text, FONT));
    let left = if text.has("end") {
        x - wide
    } else if text.has("middle") {
        x - wide / 2.0
    } else {
        x
    };
    let (top, bottom) = (y - 0.75 * FONT, y + 0.2 * FONT);
    let degrees: f64 = match text.get("transform").strip_prefix("rotate(") {
        Some(turn) => turn.split(' ').next().unwrap().parse().unwrap(),
        None => 0.0,
    };
    let (sin, cos) = degrees.to_radians().sin_cos();
    [(left, top), (left + wide, top), (left + wide, bottom), (left, bottom)]
        .map(|(a, b)| (x + (a - x) * cos - (b - y) * sin, y + (a - x) * sin + (b - y) * cos))
}

/// Whether two rectangles share more than an edge, by a separating axis.
pub(crate) fn overlap(a: &Corners, b: &Corners) -> bool {
    let separates = |p: (f64, f64), q: (f64, f64)| {
        let axis = (q.0 - p.0, q.1 - p.1);
        let spread = |corners: &Corners| {
            let along = corners.map(|(x, y)| x * axis.0 + y * axis.1);
            (
                along.iter().copied().fold(f64::INFINITY, f64::min),
                along.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            )
        };
        let ((low, high), (from, to)) = (spread(a), spread(b));
        high <= from + 1e-6 || to <= low + 1e-6
    };
    ![a, b].iter().any(|c| separates(c[0], c[1]) || separates(c[1], c[2]))
}

/// Fails if two texts overlap, one leaves the drawing, a mark has no name, or a text or attribute could be markup or colour.
pub(crate) fn check(drawing: &str) {
    let elements = read(drawing);
    let view: Vec<f64> = elements[0].get("viewBox").split(' ').map(|n| n.parse().unwrap()).collect();
    let texts: Vec<&Read> = elements.iter().filter(|e| e.tag == "text" && !e.text.trim().is_empty()).collect();
    for (index, text) in texts.iter().enumerate() {
        let at = corners(text);
        for (x, y) in at {
            let inside = (-0.5..=view[2] + 0.5).contains(&x) && (-0.5..=view[3] + 0.5).contains(&y);
            assert!(inside, "{:?} leaves the drawing at {x} {y}", text.text);
        }
        for other in &texts[..index] {
            assert!(!overlap(&at, &corners(other)), "{:?} covers {:?}", text.text, other.text);
        }
    }
    for mark in elements.iter().filter(|e| e.has("mark")) {
        assert!(
            !mark.get("aria-label").trim().is_empty() && mark.get("aria-label") == mark.get("data-tip"),
            "{mark:?}"
        );
        assert!(["0", "-1"].contains(&mark.get("tabindex")), "{mark:?}");
    }
    const KNOWN: [&str; 12] =
        ["svg", "g", "title", "desc", "rect", "text", "circle", "path", "line", "polyline", "defs", "pattern"];
    for element in &elements {
        assert!(KNOWN.contains(&element.tag.as_str()), "{element:?}");
        for name in element.attributes.keys() {
            let style = ["style", "fill", "stroke", "color", "href"].contains(&name.as_str());
            assert!(!style && !name.starts_with("on"), "{element:?}");
        }
        assert!(!element.attributes.values().any(|v| v.contains("NaN") || v.contains("inf ")), "{element:?}");
    }
    let named = ["aria-labelledby", "aria-describedby"]
        .map(|attribute| elements[0].get(attribute))
        .into_iter()
        .all(|id| elements.iter().any(|e| e.get("id") == id && !e.text.is_empty()));
    assert!(named && elements[0].get("role") == "group", "the drawing has no name");
}

#[test]
fn the_oracle_sees_what_is_wrong() {
    let covers = |a: (f64, &str), b: (f64, &str)| {
        let text = |(x, t): (f64, &str)| format!("<text class=\"text\" x=\"{x}\" y=\"20\">{t}</text>");
        let elements = read(&format!("<svg>{}{}</svg>", text(a), text(b)));
        overlap(&corners(&elements[1]), &corners(&elements[2]))
    };
    assert!(covers((10.0, "abc"), (20.0, "def")) && !covers((10.0, "abc"), (60.0, "def")));
    let turned =
        read("<svg><text class=\"text end\" transform=\"rotate(-45 100 100)\" x=\"100\" y=\"100\">abcdef</text></svg>");
    let (left, low) = corners(&turned[1])[0];
    assert!(
        left < 80.0 && low > 110.0,
        "a text that ends at its place and is turned by -45 degrees comes from the lower left: {left} {low}"
    );
    for bad in ["<svg><g></svg>", "<svg><text x=\"1\"></svg></text>"] {
        assert!(std::panic::catch_unwind(|| read(bad)).is_err(), "{bad}");
    }
}
