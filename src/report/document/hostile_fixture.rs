//! The report of the fixture with names that a page, a terminal or a table could stumble over.

use std::collections::BTreeMap;

use super::{PLANS, report};
use crate::report::Report;

/// Names that try to be markup, and names that are hard to set.
pub(crate) const HOSTILE: [&str; 8] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(2)>",
    "emoji 🧨 and \u{202e}marks from right to left",
    "a line\nand \"another\"\r\n\tone",
    "</script></style></title>",
    "]]> <!-- & &lt; {{ 7*7 }} ${x} `code` | *a*",
    "=cmd|' /C calc'!A0",
    "",
];

/// [`report`] with hostile names everywhere that names can be.
pub(crate) fn hostile() -> Report {
    let mut report = report();
    let long = "very_long_name.".repeat(20);
    let name = |index: usize| HOSTILE.get(index % 9).map_or_else(|| long.clone(), ToString::to_string);
    (report.name, report.network) = (name(0), name(1));
    for (index, layer) in report.layers.iter_mut().enumerate() {
        layer.name = name(if index == 4 { 8 } else { index });
    }
    let renamed: BTreeMap<&str, String> = PLANS.iter().zip([4, 5]).map(|((old, _), new)| (*old, name(new))).collect();
    let rename = |text: &mut String| {
        if let Some(new) = renamed.get(text.as_str()) {
            text.clone_from(new);
        }
    };
    report.plans.iter_mut().for_each(|plan| rename(&mut plan.name));
    report.networks.iter_mut().for_each(|row| rename(&mut row.name));
    report.fronts.iter_mut().flat_map(|front| &mut front.landmarks).for_each(|mark| rename(&mut mark.name));
    let layers: Vec<String> = report.layers.iter().map(|layer| layer.name.clone()).collect();
    for binding in report.plans.iter_mut().flat_map(|plan| &mut plan.bindings) {
        binding.layers = if binding.candidate.is_some() { vec![layers[0].clone()] } else { layers[1..3].to_vec() };
    }
    if let Some(memory) = &mut report.memory {
        memory.nodes.iter_mut().enumerate().for_each(|(index, node)| *node = name(index));
        memory.profiles.iter_mut().for_each(|profile| rename(&mut profile.network));
    }
    for text in report.decisions.iter_mut().chain(&mut report.remarks) {
        text.push_str(&name(0));
    }
    report.settings.iter_mut().for_each(|setting| setting.text.push_str(&name(0)));
    report
}
