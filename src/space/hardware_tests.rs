use proptest::prelude::*;

use super::*;
use crate::error::Error;

const EXAMPLE: &str = include_str!("../../hardware/example_edge_npu.yaml");
const SMALL: &str = "format: bitplan.hardware/1
name: small
macs_per_second: {w8a8: 2T, w4a4: 4e12, fp32: 100G}
memory_bytes_per_second: 8G
";

fn parse(text: &str) -> Result<Hardware> {
    Hardware::parse(text, Path::new("h.yaml"))
}

#[test]
fn a_description_is_read_with_its_units_and_defaults() {
    let small = parse(SMALL).unwrap();
    let rate =
        |id: &str| (id.parse().unwrap(), small.macs_per_second.iter().find(|r| r.0.to_string() == id).unwrap().1);
    assert_eq!(small.macs_per_second, [rate("w4a4"), rate("w8a8"), rate("fp32")]);
    assert_eq!([rate("w4a4").1, rate("w8a8").1, rate("fp32").1], [4e12, 2e12, 1e11]);
    assert_eq!((small.memory_bytes_per_second, small.overhead_seconds), (8e9, 0.0));
    assert_eq!(small.efficiency, Efficiency { convolution: 1.0, depthwise: 1.0, linear: 1.0 });
}

#[test]
fn the_example_of_the_repository_is_valid() {
    let example = parse(EXAMPLE).unwrap();
    assert!(example.efficiency.depthwise < example.efficiency.convolution && example.overhead_seconds > 0.0);
}

#[test]
fn every_message_has_place_found_and_expected() {
    for (old, new, start) in [
        ("bitplan.hardware/1", "bitplan.space/1", "h.yaml:1:9: found `bitplan.space/1`, expected `bitplan.hardware/1`"),
        ("name: small\n", "", "h.yaml:3:1: found no key `name`"),
        ("w8a8: 2T", "w8a9: 2T", "h.yaml:3:19: found `w8a9`"),
        ("2T", "0", "h.yaml:3:25: found `0`, expected a number above 0 to 1000000000000000000000"),
        ("2T", "-1", "h.yaml:3:25: found `-1`"),
        ("2T", "fast", "h.yaml:3:25: found `fast`"),
        ("2T", "1e22", "h.yaml:3:25: found `1e22`"),
        ("{w8a8: 2T, w4a4: 4e12, fp32: 100G}", "{}", "h.yaml:3:18: found no rate"),
        ("8G", "nan", "h.yaml:4:26: found `nan`"),
        ("8G", "8G\noverhead_seconds: -1", "h.yaml:5:19: found `-1`, expected a number from 0 to 1"),
        ("8G", "8G\noverhead_second: 0", "h.yaml:5:1: found the unknown key `overhead_second`"),
        ("8G", "8G\nefficiency: {linear: 0}", "h.yaml:5:22: found `0`, expected a number above 0 to 1"),
        ("8G", "8G\nefficiency: {attention: 1}", "h.yaml:5:14: found the unknown key `attention`"),
    ] {
        assert!(SMALL.contains(old), "{old}");
        let text = parse(&SMALL.replacen(old, new, 1)).unwrap_err().to_string();
        assert!(text.starts_with(start), "{new}\n{text}\n{start}");
    }
}

proptest! {
    #[test]
    fn damaged_descriptions_are_read_or_refused_at_a_place(at in 0.0..1.0f64, length in 0usize..40, text in "\\PC{0,12}") {
        let mut damaged: Vec<char> = EXAMPLE.chars().collect();
        let start = (damaged.len() as f64 * at) as usize;
        let end = (start + length).min(damaged.len());
        damaged.splice(start..end, text.chars());
        match parse(&damaged.into_iter().collect::<String>()) {
            Ok(hardware) => prop_assert!(!hardware.macs_per_second.is_empty()),
            Err(Error::Input(error)) => prop_assert!(error.place.starts_with("h.yaml")),
            Err(error) => prop_assert!(false, "{}", error),
        }
    }
}
