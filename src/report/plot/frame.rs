//! The frame of a chart: title and description, stacked panels, axes, grid lines, legend.

use svg::Document;
use svg::node::element::{Description, Element, Group, Rectangle, Title};

use super::legend::{self, Key};
use super::marks::{Anchor, Mark, line, text};
use super::text::{FONT, cut, width};
use super::{Band, Scale, categories, one_line, round};

/// A plotting area inside a chart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Area {
    /// Left edge.
    pub left: f64,
    /// Upper edge.
    pub top: f64,
    /// Right edge.
    pub right: f64,
    /// Lower edge.
    pub bottom: f64,
}

impl Area {
    /// From left to right, for a scale along x.
    pub fn across(&self) -> (f64, f64) {
        (self.left, self.right)
    }

    /// From the lower edge to the upper one, for a scale along y.
    pub fn upward(&self) -> (f64, f64) {
        (self.bottom, self.top)
    }

    /// Left, top, right, bottom: for [`super::place_labels`].
    pub fn edges(&self) -> (f64, f64, f64, f64) {
        (self.left, self.top, self.right, self.bottom)
    }
}

/// A chart under construction: things are added from the top to the bottom.
#[derive(Debug, Clone)]
pub struct Chart {
    id: String,
    title: String,
    description: String,
    width: f64,
    left: f64,
    right: f64,
    y: f64,
    back: Vec<Mark>,
    front: Vec<Mark>,
}

/// Width of a chart in units of its `viewBox`.
pub const WIDTH: f64 = 760.0;

impl Chart {
    /// A chart. The id is that of the `svg` element and unique on the page; the description says what the chart shows and its main finding.
    pub fn new(id: &str, title: &str, description: &str) -> Chart {
        Chart {
            id: id.to_string(),
            title: one_line(title),
            description: one_line(description),
            width: WIDTH,
            left: 62.0,
            right: 16.0,
            y: 4.0,
            back: Vec::new(),
            front: Vec::new(),
        }
    }

    /// Other margins beside the panels: the left one holds tick labels or names.
    pub fn margins(mut self, left: f64, right: f64) -> Chart {
        (self.left, self.right) = (left, right);
        self
    }

    /// Adds a legend below what is there.
    pub fn legend(&mut self, keys: &[Key]) {
        let (marks, height) = legend::rows(keys, 8.0, self.width - 8.0, self.y);
        self.front.extend(marks);
        self.y += height + if keys.is_empty() { 0.0 } else { 6.0 };
    }

    /// Adds a panel below what is there, under a line that says what its y axis is.
    pub fn panel(&mut self, label: &str, height: f64) -> Area {
        if !label.is_empty() {
            let label = cut(label, FONT, self.width - 16.0);
            self.front.push(text(8.0, self.y + 15.0, &label, Anchor::Start).class("axis-title"));
            self.y += 26.0;
        }
        let area = Area { left: self.left, top: self.y, right: self.width - self.right, bottom: self.y + height };
        self.y += height + 10.0;
        area
    }

    /// Two or more panels beside each other, as [`Chart::panel`] otherwise; each keeps room for its own y axis.
    pub fn panels(&mut self, labels: &[&str], height: f64) -> Vec<Area> {
        let count = labels.len().max(1) as f64;
        let each = self.width / count;
        let top = self.y + 26.0;
        let areas = labels.iter().enumerate().map(|(index, label)| {
            let from = each * index as f64;
            let label = cut(label, FONT, each - 16.0);
            self.front.push(text(from + 8.0, top - 11.0, &label, Anchor::Start).class("axis-title"));
            Area { left: from + self.left, top, right: from + each - self.right, bottom: top + height }
        });
        let areas = areas.collect();
        self.y = top + height + 10.0;
        areas
    }

    /// The y axis of a panel: labels at its left, grid lines across it. Labels that would touch are left out.
    pub fn y_axis(&mut self, area: &Area, scale: &Scale) {
        let mut last = f64::INFINITY;
        for tick in scale.ticks() {
            let label = tick.label.as_deref().filter(|_| (tick.at - last).abs() >= FONT * 1.2);
            let grid = line(area.left, tick.at, area.right, tick.at);
            self.back.push(grid.class(if tick.label.is_some() { "grid" } else { "grid-minor" }));
            if let Some(label) = label {
                let label = cut(label, FONT, area.left.min(self.left) - 10.0);
                self.front.push(text(area.left - 7.0, tick.at + 4.2, &label, Anchor::End).class("tick"));
                last = tick.at;
            }
        }
        self.back.push(line(area.left, area.top, area.left, area.bottom).class("axis"));
    }

    /// Grid lines of an x axis in a panel, without labels: for panels above the one that has them.
    pub fn x_grid(&mut self, area: &Area, scale: &Scale) {
        for tick in scale.ticks() {
            let grid = line(tick.at, area.top, tick.at, area.bottom);
            self.back.push(grid.class(if tick.label.is_some() { "grid" } else { "grid-minor" }));
        }
        self.back.push(line(area.left, area.bottom, area.right, area.bottom).class("axis"));
    }

    /// The x axis of a panel: grid lines, labels below it, and what it shows below these. Labels that would touch are left out.
    pub fn x_axis(&mut self, area: &Area, scale: &Scale, label: &str) {
        self.x_grid(area, scale);
        let mut free = f64::NEG_INFINITY;
        for tick in scale.ticks() {
            let Some(label) = &tick.label else { continue };
            let half = width(label, FONT) / 2.0;
            let at = tick.at.min(self.width - half - 1.0);
            if at - half < free {
                continue;
            }
            self.front.push(text(at, area.bottom + 17.0, label, Anchor::Middle).class("tick"));
            free = at + half + 6.0;
        }
        self.x_title(area, label, area.bottom + 36.0);
    }

    /// The x axis of a panel of categories: their names below it, turned or thinned as needed, and what they are below these.
    pub fn categories(&mut self, area: &Area, band: &Band, names: &[String], label: &str) {
        self.back.push(line(area.left, area.bottom, area.right, area.bottom).class("axis"));
        let (marks, height) = categories::labels(names, band, area.bottom + 6.0, 145.0);
        self.front.extend(marks);
        self.x_title(area, label, area.bottom + 6.0 + height + 16.0);
    }

    fn x_title(&mut self, area: &Area, label: &str, y: f64) {
        let label = cut(label, FONT, area.right - area.left);
        let x = area.right - if label.is_empty() { 0.0 } else { (area.right - area.left) / 2.0 };
        let half = width(&label, FONT) / 2.0;
        let x = x.clamp(half.min(self.width / 2.0), (self.width - half).max(self.width / 2.0));
        if label.is_empty() {
            self.y = self.y.max(y - 6.0);
            return;
        }
        self.front.push(text(x, y, &label, Anchor::Middle).class("axis-title"));
        self.y = self.y.max(y + 12.0);
    }

    /// Adds a line of text below what is there: what the chart could not show, for example.
    pub fn note(&mut self, note: &str) {
        let note = cut(note, FONT, self.width - 16.0);
        self.front.push(text(8.0, self.y + 13.0, &note, Anchor::Start).class("note"));
        self.y += 20.0;
    }

    /// Adds a mark behind the axes' labels and before the grid, in the order of the calls.
    pub fn draw(&mut self, mark: Mark) {
        self.front.push(mark);
    }

    /// Adds a mark behind all others: shading, reference lines.
    pub fn draw_behind(&mut self, mark: Mark) {
        self.back.push(mark);
    }

    /// The finished drawing. The title stands inside a group of its own: as a child of the root, browsers would show it as a tooltip of
    /// every mark.
    pub fn finish(self) -> Document {
        let (title, description) = (format!("{}-title", self.id), format!("{}-desc", self.id));
        let mut name: Element = Title::new(self.title).into();
        svg::Node::assign(&mut name, "id", title.as_str());
        let about = Description::new().set("id", description.as_str()).add(svg::node::Text::new(self.description));
        let (width, height) = (round(self.width), round(self.y + 4.0));
        let layer = |class: &str, marks: Vec<Mark>| {
            marks.into_iter().fold(Group::new().set("class", class), |group, mark| group.add(mark))
        };
        Document::new()
            .set("id", self.id)
            .set("class", "chart")
            .set("viewBox", format!("0 0 {width} {height}"))
            .set("role", "group")
            .set("aria-labelledby", title)
            .set("aria-describedby", description)
            .add(Group::new().add(name).add(about))
            .add(Rectangle::new().set("class", "ground").set("width", width).set("height", height))
            .add(layer("back", self.back))
            .add(layer("front", self.front))
    }
}

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;
