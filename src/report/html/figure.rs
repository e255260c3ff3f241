//! Charts in the page.

use maud::{Markup, PreEscaped, html};
use svg::{Document, Node};

/// A chart below its heading, in a container that scrolls where the screen is narrower; nothing if there is nothing to show.
pub fn figure(label: &str, chart: Option<Document>) -> Markup {
    let Some(mut chart) = chart else { return html! {} };
    // Inside a page the namespace is known, and a page without any address in it is easier to trust.
    if let Some(attributes) = chart.get_attributes_mut() {
        attributes.remove("xmlns");
    }
    html! {
        h3 { (label) }
        figure.drawing {
            div.scroll tabindex="0" role="region" aria-label=(label) { (PreEscaped(chart.to_string())) }
        }
    }
}
