//! An upper limit on one cost of a planning table.

/// An upper limit on the sum of one cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Budget {
    /// Name of the cost.
    pub name: String,
    /// Its limit, finite and not negative, in the unit of the cost.
    pub limit: f64,
}

impl Budget {
    /// A budget.
    pub fn new(name: impl Into<String>, limit: f64) -> Self {
        Budget { name: name.into(), limit }
    }
}
