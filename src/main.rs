//! The `bitplan` program.
fn main() {}
