use super::super::oracle::{check, read};
use super::super::{Shape, bar, dot};
use super::*;

fn numbers(label: &str) -> f64 {
    label.replace('\u{202f}', "").parse().unwrap()
}

#[test]
fn a_mark_lies_where_its_axes_say() {
    let mut chart = Chart::new("c", "title", "description");
    chart.legend(&[Key::dots(0, "points")]);
    let area = chart.panel("y", 200.0);
    let (x, y) = (Scale::linear([0.0, 40.0], area.across()), Scale::log([0.001, 10.0], area.upward()));
    chart.x_axis(&area, &x, "x");
    chart.y_axis(&area, &y);
    chart.draw(dot(Shape::Circle, x.at(13.0), y.at(0.2), 3.0).tip("the point"));
    let drawing = chart.finish().to_string();
    check(&drawing);
    let elements = read(&drawing);
    let ticks = |end: bool, at: &str| -> Vec<(f64, f64)> {
        let ticks = elements.iter().filter(|e| e.has("tick") && e.has("end") == end);
        ticks.map(|e| (numbers(&e.text), e.number(at))).collect()
    };
    // Between two ticks' places, by hand: linear along x, logarithmic along y.
    let (xs, ys) = (ticks(false, "x"), ticks(true, "y"));
    let (a, b) = (xs[0], xs[xs.len() - 1]);
    let expected_x = a.1 + (13.0 - a.0) / (b.0 - a.0) * (b.1 - a.1);
    let (a, b) = (ys[0], ys[ys.len() - 1]);
    let expected_y = a.1 + (0.2f64 / a.0).ln() / (b.0 / a.0).ln() * (b.1 - a.1) - 4.2;
    let point = elements.iter().find(|e| e.has("mark")).unwrap();
    assert!((point.number("cx") - expected_x).abs() < 0.05, "{point:?} {expected_x}");
    assert!((point.number("cy") - expected_y).abs() < 0.05, "{point:?} {expected_y}");
}

#[test]
fn names_of_many_layers_never_touch() {
    let name = |index: usize| format!("model.layers.{index}.self_attn.q_proj");
    for count in [1, 2, 9, 10, 30, 50, 200, 1000] {
        for long in [false, true] {
            let mut chart = Chart::new("c", "title", "description");
            let area = chart.panel("", 50.0);
            let names: Vec<String> = (0..count).map(|i| if long { name(i) } else { format!("c{i}") }).collect();
            chart.categories(&area, &Band::new(count, area.across()), &names, "layers");
            check(&chart.finish().to_string());
        }
    }
}

#[test]
fn a_long_legend_wraps_and_long_titles_are_cut() {
    let long = "very long ".repeat(40);
    let mut chart = Chart::new("c", &long, &long);
    chart.legend(&(0..9).map(|i| Key::joined(i, &format!("{i} {long}"))).collect::<Vec<_>>());
    let areas = chart.panels(&[&long, &long], 90.0);
    for area in &areas {
        chart.x_axis(area, &Scale::linear([0.0, 1e12], area.across()), &long);
        chart.y_axis(area, &Scale::linear([0.0, 1e12], area.upward()));
    }
    chart.note(&long);
    check(&chart.finish().to_string());
}

#[test]
fn the_same_chart_is_the_same_bytes_and_coordinates_have_two_digits() {
    let draw = || {
        let mut chart = Chart::new("c", "title", "description");
        let area = chart.panel("y", 100.0 / 3.0);
        chart.draw(bar(area.left, area.top, 1.0 / 3.0, -0.0004).tip("a\nb").layer(3).series(9));
        chart.finish().to_string()
    };
    assert_eq!(draw(), draw());
    let drawing = draw();
    assert!(
        drawing.contains("data-layer=\"3\"") && drawing.contains("class=\"bar mark s1\"") && !drawing.contains("-0")
    );
    assert!(drawing.contains("x=\"0.33\"") && !drawing.contains("0.333"), "{drawing}");
}

#[test]
fn hostile_texts_stay_texts() {
    for name in crate::report::fixture::HOSTILE {
        let mut chart = Chart::new("c", &format!("t{name}"), &format!("d{name}"));
        chart.legend(&[Key::dots(0, name)]);
        let area = chart.panel(&format!("p{name}"), 60.0);
        chart.draw(bar(area.left, area.top, area.right, area.bottom).tip(&format!("tip {name}")).front(name, 1));
        let drawing = chart.finish().to_string();
        check(&drawing);
        let elements = read(&drawing);
        let mark = elements.iter().find(|e| e.has("mark")).unwrap();
        assert_eq!(mark.get("data-tip"), format!("tip {name}"));
        assert_eq!(elements.iter().find(|e| e.tag == "title").unwrap().text, one_line(&format!("t{name}")));
    }
}
