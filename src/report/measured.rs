//! Measured against predicted loss increases, for a terminal.

use crate::numeric::stats::Moments;
use crate::report::text::table;
use crate::sensitivity::{Estimate, MeasuredReport};

fn cells(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|t| t.to_string()).collect()
}

/// A loss with its standard error.
fn loss(mean: f64, stderr: f64) -> String {
    format!("{mean:.5} ± {stderr:.5}")
}

fn percent(share: &Option<Estimate>) -> String {
    share.map_or_else(|| "-".into(), |s| format!("{:.1} ± {:.1} %", 100.0 * s.mean, 100.0 * s.stderr))
}

fn correlation(value: Option<f64>) -> String {
    value.map_or_else(|| "-".into(), |v| format!("{v:.3}"))
}

/// The whole measurement as tables.
pub fn measured_text(report: &MeasuredReport) -> String {
    let layers = report.layers.iter().flat_map(|layer| {
        layer.candidates.iter().map(|c| {
            let predicted = format!("{:.5}", c.predicted);
            vec![layer.name.clone(), c.candidate.to_string(), loss(c.increase, c.stderr), predicted]
        })
    });
    let heading = cells(&["layer", "candidate", "loss increase", "predicted"]);
    let mut lines = vec![
        format!("Loss of the FP32 network on {} images: {}", report.images, loss(report.base.mean, report.base.stderr)),
        String::new(),
        "One layer quantised".into(),
        table((heading, layers.collect()), 2),
    ];
    let agreement = report.agreement.iter().map(|a| {
        let among = a.candidate.map_or_else(|| "all".into(), |c| c.to_string());
        vec![among, a.count.to_string(), correlation(a.spearman), correlation(a.kendall)]
    });
    let heading = cells(&["candidates", "values", "Spearman", "Kendall"]);
    lines.extend([String::new(), "Order, predicted against measured".into(), table((heading, agreement.collect()), 1)]);
    if !report.joint.is_empty() {
        let joint = report.joint.iter().map(|j| {
            let (all, sum) = (loss(j.increase.mean, j.increase.stderr), loss(j.sum.mean, j.sum.stderr));
            vec![j.candidate.to_string(), all, sum, percent(&j.not_additive)]
        });
        let heading = cells(&["candidate", "all layers", "sum of single layers", "not additive"]);
        lines.extend([String::new(), "All layers quantised".into(), table((heading, joint.collect()), 1)]);
    }
    if !report.pairs.is_empty() {
        let pairs = report.pairs.iter().map(|p| {
            let names = p.layers.iter().zip(&p.candidates).map(|(layer, c)| format!("{layer} {c}"));
            vec![names.collect::<Vec<_>>().join(", "), format!("{:.5}", p.increase), loss(p.interaction, p.stderr)]
        });
        let heading = cells(&["pair", "loss increase", "interaction"]);
        lines.extend([String::new(), "Two layers quantised".into(), table((heading, pairs.collect()), 1)]);
        let sizes: Moments = report.pairs.iter().map(|p| p.interaction.abs() / p.increase.abs()).collect();
        if let Some(mean) = sizes.mean().filter(|m| m.is_finite()) {
            lines.push(format!("Mean size of an interaction: {:.1} % of the pair's increase", 100.0 * mean));
        }
    }
    lines.join("\n") + "\n"
}
