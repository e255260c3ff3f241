//! Networks and schemes for the tests of this folder.

use std::path::Path;

use crate::error::Result;
use crate::graph::{Graph, GraphBuilder};
use crate::latency::{Latency, Measured};
use crate::scheme::Scheme;
use crate::space::{LatencySpec, Space};

/// A chain of dense layers of these names, 2 by 2.
pub fn chain(names: &[&str]) -> Graph {
    let mut b = GraphBuilder::new("chain", [2]).unwrap();
    let mut x = b.input();
    for name in names {
        x = b.linear(name, x, 2).unwrap();
    }
    b.finish()
}

/// A search space with this `search` and, further down, these sections.
pub fn space(search: &str, sections: &str) -> Result<Space> {
    let text = format!(
        "format: bitplan.space/1\nname: n\nmodel: {{zoo: resnet8, input: [1, 8, 8], classes: 2}}\n\
         data: {{train: {{npy: {{images: a, labels: b}}}}, test: {{npy: {{images: a, labels: b}}}}}}\n\
         search: {search}\n{sections}"
    );
    Space::parse(&text, Path::new("s.yaml"))
}

/// The choices that `search` gives the layers of a graph.
pub fn scheme(graph: &Graph, search: &str) -> Scheme {
    let space = space(search, "").unwrap();
    Scheme::new(&space.search, &space.quantizer, graph).unwrap()
}

/// A table bound to a scheme; `unmeasured` as in the search space.
pub fn bound(table: &Measured, scheme: &Scheme, unmeasured: &str) -> Result<Latency> {
    let section = format!("latency: {{table: t, form: csv, unmeasured: {unmeasured}}}");
    let Some(LatencySpec::Table { unmeasured, .. }) = space("{candidates: [w8a8]}", &section)?.latency else {
        panic!("{section}")
    };
    table.bind(scheme, &unmeasured)
}
