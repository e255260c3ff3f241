//! Marks: dots, bars, lines, texts, and what they carry for hovering, focus and screen readers.

use svg::Node;
use svg::node::Value;
use svg::node::element::{Circle, Element, Group, Line, Path, Rectangle, Text};

use super::{Shape, one_line, round};

/// One drawn thing. Without a tip it is decoration; with one it can be focused and has a name.
#[derive(Debug, Clone)]
pub struct Mark {
    element: Element,
    classes: Vec<String>,
}

/// Which end of a text its place is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// The text begins there.
    Start,
    /// The text is centred there.
    Middle,
    /// The text ends there.
    End,
}

impl Mark {
    fn new(element: impl Into<Element>, class: &str) -> Mark {
        Mark { element: element.into(), classes: vec![class.to_string()] }
    }

    fn set(mut self, name: &str, value: impl Into<Value>) -> Mark {
        self.element.assign(name, value);
        self
    }

    /// Adds a class: a role in `charts.css`, never a colour.
    pub fn class(mut self, class: &str) -> Mark {
        self.classes.push(class.to_string());
        self
    }

    /// Adds the class of a series, `s0` to `s7`; the ninth series looks like the first.
    pub fn series(self, series: usize) -> Mark {
        self.class(&format!("s{}", series % 8))
    }

    /// Drawn without filling: what a filled mark of the same series is not (an activation, a point that is not supported).
    pub fn open(self) -> Mark {
        self.class("open")
    }

    /// Details for hovering, focus and screen readers: plain text, lines separated by `\n`.
    /// Names in it go through [`one_line`] first.
    pub fn tip(self, tip: &str) -> Mark {
        self.class("mark").set("tabindex", 0).set("data-tip", tip).set("aria-label", tip).set("role", "img")
    }

    /// Takes a mark with a tip out of the order of the tab key, where a chart has too many to walk through.
    pub fn untabbed(self) -> Mark {
        self.set("tabindex", -1)
    }

    /// The layer that it is of: all marks and rows of a layer light up together.
    pub fn layer(self, layer: usize) -> Mark {
        self.set("data-layer", layer)
    }

    /// The point of a front that it is.
    pub fn front(self, cost: &str, index: usize) -> Mark {
        self.set("data-front", format!("{cost}:{index}"))
    }

    /// Turned around its place, degrees clockwise.
    pub fn turned(self, degrees: f64, x: f64, y: f64) -> Mark {
        self.set("transform", format!("rotate({} {} {})", round(degrees), round(x), round(y)))
    }
}

impl From<Mark> for Box<dyn Node> {
    fn from(mark: Mark) -> Box<dyn Node> {
        let Mark { mut element, classes } = mark;
        element.assign("class", classes.join(" "));
        Box::new(element)
    }
}

/// A marker of radius `r`.
pub fn dot(shape: Shape, x: f64, y: f64, r: f64) -> Mark {
    let mark = match shape.path(x, y, r) {
        None => {
            let circle = Circle::new().set("cx", round(x)).set("cy", round(y)).set("r", round(r));
            Mark::new(circle, "dot")
        }
        Some(path) => Mark::new(Path::new().set("d", path), "dot"),
    };
    if shape.stroke_only() { mark.class("stroke") } else { mark }
}

/// A rectangle: a bar, or a cell of a table of colours. Corners in any order.
pub fn bar(x0: f64, y0: f64, x1: f64, y1: f64) -> Mark {
    let (left, right) = (round(x0.min(x1)), round(x0.max(x1)));
    let (top, bottom) = (round(y0.min(y1)), round(y0.max(y1)));
    let rectangle = Rectangle::new()
        .set("x", left)
        .set("y", top)
        .set("width", round(right - left))
        .set("height", round(bottom - top));
    Mark::new(rectangle, "bar")
}

/// A straight line.
pub fn line(x0: f64, y0: f64, x1: f64, y1: f64) -> Mark {
    let line = Line::new().set("x1", round(x0)).set("y1", round(y0)).set("x2", round(x1)).set("y2", round(y1));
    Mark::new(line, "line")
}

/// A line through points.
pub fn polyline(points: &[(f64, f64)]) -> Mark {
    let path: Vec<String> = points.iter().map(|(x, y)| format!("{} {}", round(*x), round(*y))).collect();
    let path = if path.is_empty() { String::new() } else { format!("M{}", path.join("L")) };
    Mark::new(Path::new().set("d", path), "line")
}

/// A staircase through points: from each point along x first, then along y to the next point.
pub fn steps(points: &[(f64, f64)]) -> Mark {
    let mut path = String::new();
    for (index, (x, y)) in points.iter().enumerate() {
        path +=
            &if index == 0 { format!("M{} {}", round(*x), round(*y)) } else { format!("H{}V{}", round(*x), round(*y)) };
    }
    Mark::new(Path::new().set("d", path), "line")
}

/// A vertical error bar with caps.
pub fn error_bar(x: f64, y0: f64, y1: f64, cap: f64) -> Mark {
    let (left, right, x) = (round(x - cap), round(x + cap), round(x));
    let (y0, y1) = (round(y0), round(y1));
    Mark::new(Path::new().set("d", format!("M{x} {y0}V{y1}M{left} {y0}H{right}M{left} {y1}H{right}")), "error")
}

/// A text on one line; control characters become spaces.
pub fn text(x: f64, y: f64, content: &str, anchor: Anchor) -> Mark {
    let mark = Mark::new(Text::new(one_line(content)).set("x", round(x)).set("y", round(y)), "text");
    match anchor {
        Anchor::Start => mark,
        Anchor::Middle => mark.class("middle"),
        Anchor::End => mark.class("end"),
    }
}

/// Marks of one thing that are hovered and focused together.
pub fn together(marks: Vec<Mark>) -> Mark {
    let group = marks.into_iter().fold(Group::new(), |group, mark| group.add(mark));
    Mark::new(group, "set")
}
