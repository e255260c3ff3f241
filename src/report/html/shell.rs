//! What is around the sections: head, navigation, data, script. The page needs nothing from anywhere else, and its content
//! security policy allows nothing else.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde::Serialize;

const CHARTS: &str = include_str!("charts.css");
const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// A part of the page with its place in the navigation.
#[derive(Debug, Clone)]
pub struct Section {
    /// Its id, which links point to.
    pub id: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// What stands below the heading.
    pub body: Markup,
}

impl Section {
    /// A section.
    pub fn new(id: &'static str, title: &'static str, body: Markup) -> Self {
        Self { id, title, body }
    }

    /// A section of which the run knows nothing yet: one sentence.
    pub fn without(id: &'static str, title: &'static str, sentence: &str) -> Self {
        Self::new(id, title, html! { p.without { (sentence) } })
    }
}

/// The head of a page.
#[derive(Debug, Clone)]
pub struct Heading {
    /// Name of the report.
    pub title: String,
    /// One line below it.
    pub lead: Markup,
    /// What is in front of the sections, if anything.
    pub notice: Option<Markup>,
    /// File name of the data without its ending.
    pub file: &'static str,
    /// The last line.
    pub footer: Markup,
}

/// The whole page; `data` is in it as JSON for the script and for saving.
pub fn page(heading: &Heading, sections: &[Section], data: &impl Serialize) -> String {
    // Rows have no keys but strings, so that they always have a JSON form.
    let json = serde_json::to_string(data).unwrap_or_default();
    let nonce: String = blake3::hash(json.as_bytes()).to_hex().chars().take(32).collect();
    let policy = format!(
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-{nonce}'; img-src data:; base-uri 'none'; \
         form-action 'none'"
    );
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                link rel="icon" href="data:,";
                title { (heading.title) " – bitplan" }
                style { (PreEscaped(CHARTS)) (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#main" { "Skip to the report" }
                nav aria-label="Sections" {
                    ul {
                        @for section in sections { li { a href={ "#" (section.id) } { (section.title) } } }
                    }
                }
                header {
                    h1 { bdi { (heading.title) } }
                    p.lead { (heading.lead) }
                    button #save-json.js-only type="button" data-file=(heading.file) { "Save data (JSON)" }
                }
                main #main {
                    @if let Some(notice) = &heading.notice { (notice) }
                    @for section in sections {
                        section id=(section.id) aria-labelledby={ (section.id) "-title" } {
                            h2 id={ (section.id) "-title" } { (section.title) }
                            (section.body)
                        }
                    }
                }
                footer { (heading.footer) }
                div #tip role="tooltip" hidden {}
                script #data type="application/json" { (PreEscaped(inert(&json))) }
                script nonce=(nonce) { (PreEscaped(SCRIPT)) }
            }
        }
    };
    document.into_string()
}

/// JSON that cannot end or change the script element that it is in, whatever its strings say.
fn inert(json: &str) -> String {
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}
