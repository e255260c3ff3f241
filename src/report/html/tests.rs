//! Pages read back by a parser of HTML that shares no code with the writer.

use std::collections::BTreeSet;

use scraper::{ElementRef, Html, Selector};

use super::{comparison_html, html};
use crate::report::{Comparison, Report, fixture};

fn parsed(page: &str) -> Html {
    let page = Html::parse_document(page);
    assert!(page.errors.is_empty(), "{:?}", page.errors);
    page
}

fn pages() -> Vec<(&'static str, String)> {
    let comparison = |reports: Vec<Report>| comparison_html(&Comparison::new(reports));
    vec![
        ("complete", html(&fixture::report())),
        ("partial", html(&fixture::partial())),
        ("hostile", html(&fixture::hostile())),
        ("compared", comparison(vec![fixture::report(), fixture::report()])),
        ("compared hostile", comparison(vec![fixture::hostile(), fixture::partial(), fixture::report()])),
    ]
}

fn all<'a>(page: &'a Html, selector: &str) -> Vec<ElementRef<'a>> {
    page.select(&Selector::parse(selector).unwrap()).collect()
}

fn text(element: ElementRef<'_>) -> String {
    element.text().collect()
}

/// What a page must not have, if it is to be safe to open: scripts of others, handlers in attributes, addresses.
fn dangers(page: &Html) -> Vec<String> {
    let mut found = Vec::new();
    let scripts = all(page, "script");
    if scripts.len() != 2 {
        found.push(format!("{} scripts", scripts.len()));
    }
    for element in all(page, "*") {
        for (name, value) in element.value().attrs() {
            let written_by_us =
                !matches!(name, "data-tip" | "aria-label" | "title" | "data-front" | "data-front-panel");
            if name.starts_with("on") {
                found.push(format!("handler {name}"));
            }
            if written_by_us && (value.contains("//") || value.contains("javascript:")) {
                found.push(format!("address in {name}: {value}"));
            }
        }
        if matches!(element.value().name(), "img" | "iframe" | "object" | "embed" | "form" | "base" | "foreignobject") {
            found.push(format!("element {}", element.value().name()));
        }
    }
    found
}

#[test]
fn no_name_becomes_markup() {
    for (name, page) in pages() {
        assert_eq!(dangers(&parsed(&page)), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn the_danger_finder_sees_a_name_that_was_not_escaped() {
    let page = html(&fixture::report()).replace("block1.conv2", fixture::HOSTILE[1]);
    let found = dangers(&Html::parse_document(&page));
    assert!(found.iter().any(|danger| danger == "handler onerror"), "{found:?}");
}

#[test]
fn every_hostile_name_is_there_as_text() {
    let report = fixture::hostile();
    let page = html(&report);
    let page = parsed(&page);
    let named: BTreeSet<String> = all(&page, "bdi").into_iter().map(text).collect();
    let layers = report.layers.iter().map(|layer| &layer.name);
    for name in layers.chain(report.plans.iter().map(|plan| &plan.name)).chain([&report.name, &report.network]) {
        // A parser turns every end of a line into one kind.
        let name = name.replace("\r\n", "\n");
        assert!(name.is_empty() || named.contains(&name), "{name:?} is not among {named:?}");
    }
}

#[test]
fn the_data_in_the_page_are_the_report() {
    for report in [fixture::report(), fixture::partial(), fixture::hostile()] {
        let page = html(&report);
        let page = parsed(&page);
        let data = text(all(&page, "script#data")[0]);
        assert!(!data.contains('<'), "the data could end their element");
        assert_eq!(serde_json::from_str::<Report>(&data).unwrap(), report);
    }
}

#[test]
fn only_the_pages_own_script_may_run() {
    let page = html(&fixture::report());
    let page = parsed(&page);
    let policy = all(&page, "meta[http-equiv=Content-Security-Policy]")[0].attr("content").unwrap().to_string();
    let nonce = all(&page, "script[nonce]")[0].attr("nonce").unwrap();
    let json = serde_json::to_string(&fixture::report()).unwrap();
    assert_eq!(nonce, &blake3::hash(json.as_bytes()).to_hex()[..32]);
    let rules: Vec<&str> = policy.split("; ").collect();
    let script = format!("script-src 'nonce-{nonce}'");
    assert_eq!(rules[..4], ["default-src 'none'", "style-src 'unsafe-inline'", &script, "img-src data:"]);
}

#[test]
fn ids_are_unique_and_every_reference_has_its_target() {
    for (name, page) in pages() {
        let page = parsed(&page);
        let ids: Vec<&str> = all(&page, "[id]").iter().filter_map(|element| element.attr("id")).collect();
        let unique: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(ids.len(), unique.len(), "{name}: {ids:?}");
        for element in all(&page, "[aria-labelledby], [href^='#']") {
            let labels = element.attr("aria-labelledby").unwrap_or_default().split_whitespace();
            for target in labels.chain(element.attr("href").and_then(|link| link.strip_prefix('#'))) {
                assert!(unique.contains(target), "{name}: {target}");
            }
        }
    }
}

#[test]
fn headings_go_down_one_level_at_a_time() {
    for (name, page) in pages() {
        let page = parsed(&page);
        let levels: Vec<u32> = all(&page, "h1, h2, h3, h4")
            .iter()
            .filter_map(|heading| heading.value().name().strip_prefix('h')?.parse().ok())
            .collect();
        assert_eq!(levels.iter().filter(|level| **level == 1).count(), 1, "{name}");
        assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{name}: {levels:?}");
    }
}

#[test]
fn tables_are_labelled_and_their_rows_have_all_columns() {
    for (name, page) in pages() {
        let page = parsed(&page);
        let mut files = BTreeSet::new();
        for table in all(&page, "div.table") {
            let within = |selector: &str| table.select(&Selector::parse(selector).unwrap()).collect::<Vec<_>>();
            assert!(within("table.sortable")[0].attr("aria-label").is_some_and(|label| !label.is_empty()));
            let file = within("button.save-csv")[0].attr("data-file").unwrap().to_string();
            assert!(files.insert(file.clone()), "{name}: two tables are saved as {file}");
            let columns = within("thead th[aria-sort=none] > button[type=button]").len();
            for row in within("tbody tr") {
                assert_eq!(row.child_elements().count(), columns, "{name}: {file}");
            }
        }
        assert!(!files.is_empty(), "{name}");
    }
}

#[test]
fn sort_keys_are_the_numbers_of_the_rows() {
    let report = fixture::report();
    let page = html(&report);
    let page = parsed(&page);
    let rows = all(&page, "#layers tbody tr[data-layer]");
    for (row, layer) in rows.iter().zip(&report.layers) {
        let keys: Vec<f64> = row.child_elements().filter_map(|cell| cell.attr("data-v")?.parse().ok()).collect();
        assert!(keys.contains(&(layer.parameters as f64)) && keys.contains(&(layer.macs as f64)), "{keys:?}");
        assert!(keys.contains(&layer.average_trace.unwrap()), "{keys:?}");
    }
}

#[test]
fn every_section_of_a_page_is_there_and_says_something() {
    let run = [
        "decision",
        "layers",
        "front",
        "networks",
        "training",
        "draws",
        "agreement",
        "budgets",
        "memory",
        "provenance",
    ];
    let compared = ["runs", "settings", "networks", "layers", "front", "training", "provenance"];
    for (name, page) in pages() {
        let page = parsed(&page);
        let expected: &[&str] = if name.starts_with("compared") { &compared } else { &run };
        let sections = all(&page, "main > section");
        let ids: Vec<&str> = sections.iter().filter_map(|section| section.attr("id")).collect();
        assert_eq!(ids, expected, "{name}");
        for section in sections {
            assert!(section.child_elements().count() >= 2, "{name}: {:?} has a heading only", section.attr("id"));
        }
    }
}

#[test]
fn a_run_that_has_just_begun_says_how_far_it_got_and_shows_no_plan() {
    let page = html(&fixture::partial());
    let page = parsed(&page);
    let notice = text(all(&page, ".notice")[0]);
    assert!(notice.contains("not finished") && notice.contains("2 of 5"), "{notice}");
    assert!(all(&page, ".figures").is_empty());
    assert!(all(&parsed(&html(&fixture::report())), ".notice").is_empty());
}

#[test]
fn front_panels_belong_to_the_marks_of_their_front() {
    let page = html(&fixture::report());
    let page = parsed(&page);
    let panel = all(&page, "#front-plan-bitops")[0];
    assert_eq!(panel.attr("data-front-panel"), Some("bitops"));
    assert!(!all(&page, ".mark[data-front='bitops:0']").is_empty());
}

#[test]
fn the_same_report_gives_the_same_bytes() {
    let again = pages();
    for ((name, first), (_, second)) in pages().into_iter().zip(again) {
        assert!(first == second, "{name}");
    }
}
