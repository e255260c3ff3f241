use serde_json::Value;

use super::*;
use crate::error::Error;

const MINIMAL: &str = "format: bitplan.space/1
name: tiny
model: {zoo: resnet8, input: [1, 28, 28], classes: 10}
data:
  train: {npy: {images: a.npy, labels: b.npy}}
  test: {npz: {file: c.npz, images: x, labels: y}, limit: 100}
search: {candidates: [w8a8, w4a4]}
";

fn parse(text: &str) -> Result<Space> {
    Space::parse(text, Path::new("spaces/s.yaml"))
}

/// The minimal file and one section more, which starts at line 8.
fn with(section: &str) -> Result<Space> {
    parse(&format!("{MINIMAL}{section}"))
}

fn message(result: Result<Space>) -> String {
    let error = result.unwrap_err();
    assert!(matches!(error, Error::Input(_)), "{error}");
    error.to_string()
}

fn json(space: &Space) -> Value {
    serde_json::to_value(space).unwrap()
}

#[test]
fn the_smallest_file_has_every_default() {
    let space = parse(MINIMAL).unwrap();
    assert_eq!((space.name.as_str(), space.seed, space.folder()), ("tiny", 1, Path::new("spaces")));
    assert_eq!(space.plans, [PlanRequest::default()]);
    assert_eq!(space, with("sensitivity:\ntraining: {fp32: }\nevaluation: ~\n").unwrap());
    let SourceSpec::Npy { images, .. } = space.data.train.source.in_folder(space.folder()) else { panic!() };
    assert_eq!((images.as_path(), space.data.test.limit), (Path::new("spaces/a.npy"), Some(100)));
}

#[test]
fn a_group_size_is_a_power_of_two() {
    for size in [16, 32, 1024] {
        assert_eq!(with(&format!("quantizer: {{group_size: {size}}}")).unwrap().quantizer.group_size, Some(size));
    }
    assert_eq!(with("quantizer: {group_size: }").unwrap(), parse(MINIMAL).unwrap());
    assert_eq!(parse(MINIMAL).unwrap().quantizer.group_size, None);
}

#[test]
fn the_serialised_form_has_no_folder_and_no_line() {
    let there = Space::parse(&format!("# moved\n{MINIMAL}"), Path::new("/elsewhere/s.yaml")).unwrap();
    let text = serde_json::to_string(&there).unwrap();
    assert_eq!(text, serde_json::to_string(&parse(MINIMAL).unwrap()).unwrap());
    assert!(!text.contains("elsewhere"));
}

#[test]
fn every_message_has_place_found_expected_and_remedy() {
    let cases = [
        (
            "sensitivity: {image: 3}",
            "spaces/s.yaml:8:15: found the unknown key `image`, expected one of the keys `estimator`, `products`",
        ),
        (
            "training:\n  fp32: {sigma: 1}",
            "spaces/s.yaml:9:10: found the unknown key `sigma`, expected one of the keys",
        ),
        (
            "training:\n  fp32: {optimizer: adan}",
            "spaces/s.yaml:9:21: found `adan`, expected adam or sgd\n  hint: did you mean `adam`?",
        ),
        ("evaluation: {batch_size: 0}", "spaces/s.yaml:8:26: found `0`, expected a whole number from 1 to 65536"),
        ("evaluation: {batch_size: 2.5}", "spaces/s.yaml:8:26: found `2.5`, expected a whole number"),
        ("evaluation: {batch_size: [1]}", "spaces/s.yaml:8:26: found `[1]`, expected a single value"),
        ("evaluation: 3", "spaces/s.yaml:8:13: found `3`, expected a section of `key: value`"),
        ("evaluation: {batch_size: 1, batch_size: 2}", "spaces/s.yaml:8:29: found the key `batch_size` a second time"),
        ("seed: -1", "spaces/s.yaml:8:7: found `-1`, expected a whole number from 0 to 18446744073709551615"),
        ("seed: 18446744073709551616", "spaces/s.yaml:8:7: found `18446744073709551616`, expected"),
        ("quantizer: {group_size: 48}", "spaces/s.yaml:8:25: found `48`, expected a power of two from 16 to 1024"),
        ("quantizer: {group_size: 8}", "spaces/s.yaml:8:25: found `8`, expected a power of two from 16 to 1024"),
        ("quantizer: {group_size: 2048}", "spaces/s.yaml:8:25: found `2048`, expected a power of two from 16 to 1024"),
        ("quantizer: {group_size: none}", "spaces/s.yaml:8:25: found `none`, expected a power of two from 16 to 1024"),
        ("quantizer: {group: 32}", "spaces/s.yaml:8:13: found the unknown key `group`, expected"),
        ("sensitivity: {relative_error: .nan}", "spaces/s.yaml:8:31: found `.nan`, expected a number above 0 to 1"),
        ("sensitivity: {relative_error: NaN}", "spaces/s.yaml:8:31: found `NaN`, expected a number above 0 to 1"),
        ("sensitivity: {relative_error: 0}", "spaces/s.yaml:8:31: found `0`, expected a number above 0 to 1"),
        (
            "sensitivity: {max_probes: 1}",
            "spaces/s.yaml:8:27: found `1`, expected min_probes (2) not above max_probes (1)",
        ),
        ("sensitivity: {pairs: 4}", "spaces/s.yaml:8:22: found `4`, expected measured_images of 1 or more"),
        (
            "training: {mixed_precision: {epochs: 2, warmup_epochs: 3}}",
            "spaces/s.yaml:8:56: found `3`, expected at most the 2 epochs",
        ),
        ("plans: []", "spaces/s.yaml:8:8: found an empty list, expected at least one plan"),
        (
            "plans: [{name: a, budgets: {}}]",
            "spaces/s.yaml:8:28: found no budget, expected bitops, weight_bytes, model_bytes, avg_weight_bits or",
        ),
        ("plans: [{name: a, budgets: {bitops: -5}}]", "spaces/s.yaml:8:37: found `-5`, expected a number above 0"),
        ("plans: [{name: a, budgets: {bitops: 0%}}]", "spaces/s.yaml:8:37: found `0%`, expected a number above 0"),
        (
            "plans: [{name: a, budgets: {bitops: w6a6}}]",
            "spaces/s.yaml:8:37: found `w6a6`, expected a candidate of the search",
        ),
        ("plans: [{name: a, budgets: {bitop: 5%}}]", "spaces/s.yaml:8:29: found the unknown key `bitop`"),
        (
            "plans: [{name: a, budgets: {bitops: 5%}}, {name: a, budgets: {bitops: 6%}}]",
            "spaces/s.yaml:8:50: found a second plan `a`",
        ),
        (
            "plans: [{name: A, budgets: {bitops: 5%}}]",
            "spaces/s.yaml:8:16: found `A`, expected 1 to 64 of the characters",
        ),
        ("plans: [{name: a}]", "spaces/s.yaml:8:10: found no key `budgets`, expected"),
        ("seed: 1\n---\nseed: 2", "spaces/s.yaml:9:1: found"),
        ("seed: *s", "spaces/s.yaml:8:7: found `*s`, expected an alias of an anchor"),
        ("seed: \"1", "spaces/s.yaml:8:7: found `\"1`, not readable as YAML"),
    ];
    for (section, start) in cases {
        let text = message(with(section));
        assert!(text.starts_with(start), "{section}\n{text}\n{start}");
    }
}

#[test]
fn what_the_minimal_file_has_is_checked_too() {
    let cases = [
        ("bitplan.space/1", "bitplan.space/2", ":1:9: found `bitplan.space/2`, expected `bitplan.space/1`"),
        ("name: tiny", "name: Tiny", ":2:7: found `Tiny`"),
        ("name: tiny", "name: ../up", ":2:7: found `../up`"),
        ("name: tiny\n", "", ": found no key `name`"),
        ("name: tiny", "name:", ":2:5: found an empty value"),
        ("resnet8", "resnet9", ":3:14: found `resnet9`, expected resnet8, resnet8_keras, resnet20, resnet18,"),
        ("[1, 28, 28]", "[28, 28]", ":3:30: found a list of 2"),
        ("[1, 28, 28]", "[0, 28, 28]", ":3:31: found `0`"),
        ("classes: 10", "classes: 1", ":3:52: found `1`"),
        ("npy: {images: a.npy, labels: b.npy}", "limit: 3", ":5:10: found 0 sources of data"),
        ("npy: {", "cifar10: {files: [a]}, npy: {", ":5:10: found 2 sources of data"),
        ("npy: {images: a.npy, labels: b.npy}", "cifar10: {files: []}", ":5:28: found an empty list"),
        ("images: a.npy", "images: ''", ":5:25: found ``, expected the path of a file"),
        ("npy", "numpy", ":5:11: found the unknown key `numpy`"),
        ("npy: {images: a.npy, labels: b.npy}", "text: {file: a, words: true}", ":5:27: found the unknown key `words`"),
        ("npy: {images: a.npy, labels: b.npy}", "text: {documents: true}", ": found no key `file`"),
        ("npy: {images: a.npy, labels: b.npy}", "text: {file: a}, tokens: {file: b}", ":5:10: found 2 sources of data"),
        ("limit: 100", "limit: 0", ":6:59: found `0`"),
        (
            "data:",
            "data:\n  normalization: {mean: [0, 1], std: [1]}",
            ":5:25: found a list of 2, expected 1, one for each",
        ),
        ("data:", "data:\n  normalization: {mean: [0], std: [0]}", ":5:36: found `0`, expected a number above 0"),
        ("data:", "data:\n  augmentation: {flip: yes}", ":5:24: found `yes`, expected true or false"),
    ];
    for (old, new, part) in cases {
        assert!(MINIMAL.contains(old), "{old}");
        let text = message(parse(&MINIMAL.replacen(old, new, 1)));
        assert!(text.starts_with("spaces/s.yaml") && text.contains(part), "{new}\n{text}\n{part}");
    }
}

#[test]
fn texts_follow_each_other_and_have_the_models_tokenizer_unless_it_is_said() {
    let images = "npy: {images: a.npy, labels: b.npy}";
    let source = |new: &str| parse(&MINIMAL.replacen(images, new, 1)).unwrap().data.train.source;
    let text = SourceSpec::Text { file: "a.txt".into(), tokenizer: None, documents: false };
    assert_eq!(source("text: {file: a.txt}"), text);
    let text = SourceSpec::Text { file: "a.txt".into(), tokenizer: Some("m".into()), documents: true };
    assert_eq!(source("text: {file: a.txt, tokenizer: m, documents: true}"), text);
    assert_eq!(source("tokens: {file: a.npy}"), SourceSpec::Tokens { file: "a.npy".into() });
}

#[test]
fn documents_made_to_exhaust_are_refused_quickly() {
    let mut laughs = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let inner = vec![format!("*a{}", level - 1); 9].join(", ");
        laughs.push_str(&format!("a{level}: &a{level} [{inner}]\n"));
    }
    let many = |item: &str| vec![item; 50_000].join(", ");
    let start = std::time::Instant::now();
    for (text, part) in [
        (format!("{MINIMAL}seed: {}", "[".repeat(100_000)), "expected a single value"),
        (format!("{MINIMAL}seed: {}", "{a: ".repeat(100_000)), "expected a single value"),
        (format!("{MINIMAL}seed:\n  {}", "- ".repeat(100_000)), "expected a single value"),
        ("[".repeat(100_000), "recursion limit"),
        ("{a: ".repeat(100_000), "recursion limit"),
        ("? ".repeat(100_000), "levels of nesting"),
        (laughs.clone(), "the unknown key `a0`"),
        (MINIMAL.replace("[w8a8, w4a4]}", &format!("[&a w8a8, {}]}}", many("*a"))), "`w8a8` a second time"),
        (
            MINIMAL.replace("[w8a8, w4a4]}", &format!("[w8a8], groups: [&g [{}], {}]}}", many("a"), many("*g"))),
            "repeated values",
        ),
        (
            MINIMAL.replace("[w8a8, w4a4]}", &format!("[w8a8], pins: {{{}}}}}", many("a: w8a8"))),
            "the key `a` a second time",
        ),
        ("x".repeat(yaml::MAX_BYTES + 1), "found 1048577 bytes, expected at most 1048576"),
        (format!("{MINIMAL}? {}", "x".repeat(900_000)), "the unknown key"),
    ] {
        let message = message(parse(&text));
        assert!(message.contains(part) && message.len() < 1000, "{message}");
    }
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

#[test]
fn a_large_search_space_is_read() {
    let pins: Vec<String> = (0..20_000).map(|layer| format!("layer{layer}: w{}a8", 2 + layer % 7)).collect();
    let space = parse(&MINIMAL.replace("[w8a8, w4a4]}", &format!("[w8a8], pins: {{{}}}}}", pins.join(", ")))).unwrap();
    let names: Vec<String> = (0..20_000).map(|layer| format!("layer{layer}")).collect();
    assert!(space.search.resolve(&names).unwrap().iter().all(|layer| layer.pinned));
}

#[test]
fn a_file_that_is_no_text_or_not_there_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.yaml");
    assert!(matches!(Space::read(&path), Err(Error::Io { .. })));
    std::fs::write(&path, b"name: \xff").unwrap();
    assert!(message(Space::read(&path)).contains("byte 6: found bytes that are no text"));
    std::fs::write(&path, MINIMAL).unwrap();
    assert_eq!(Space::read(&path).unwrap().folder(), folder.path());
}

#[test]
fn the_search_spaces_of_the_repository_are_valid() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("search_spaces");
    for name in ["fashion_mnist_resnet8", "cifar10_resnet8", "cifar10_resnet20", "stories15m"] {
        let space = Space::read(&folder.join(format!("{name}.yaml"))).unwrap();
        assert_eq!((space.name.as_str(), space.plans[0].name.as_str()), (name, "half"));
    }
    let explained = std::fs::read_to_string(folder.join("fashion_mnist_resnet8.yaml")).unwrap();
    for line in explained.lines().filter(|line| line.trim_start().starts_with("# ") && line.contains("default: ")) {
        let uncommented = explained.replacen(line, &line.replacen("# ", "", 1), 1);
        assert!(parse(&uncommented).is_ok(), "{line}");
    }
}

/// Sections as YAML, with `@` for the key and value under test, and where they are in the serialised form.
const SECTIONS: [(&str, &str, &str, &str); 10] = [
    ("mod.rs", "pub struct Space", "@", ""),
    ("data.rs", "pub struct Augmentation", "", "/data/augmentation"),
    ("settings.rs", "pub struct QuantizerSpec", "quantizer: {@}", "/quantizer"),
    ("sensitivity.rs", "pub struct SensitivitySpec", "sensitivity: {@}", "/sensitivity"),
    ("settings.rs", "pub struct EvaluationSpec", "evaluation: {@}", "/evaluation"),
    ("recipe.rs", "pub struct Recipe", "training: {multi_precision: {@}}", "/training/multi_precision/recipe"),
    (
        "training.rs",
        "pub struct Distillation",
        "training: {multi_precision: {distillation: {@}}}",
        "/training/multi_precision/quantizer/distillation",
    ),
    (
        "training.rs",
        "pub struct QuantizerRecipe",
        "training: {multi_precision: {@}}",
        "/training/multi_precision/quantizer",
    ),
    ("training.rs", "pub struct MixedPrecision", "training: {mixed_precision: {@}}", "/training/mixed_precision"),
    ("training.rs", "pub struct Training", "training: {@}", "/training"),
];

/// The fields of a struct in the source, with their doc comments joined.
fn documented(file: &str, start: &str) -> Vec<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/space").join(file);
    let source = std::fs::read_to_string(path).unwrap();
    let body = source.split_once(&format!("{start} {{\n")).unwrap().1.split_once("\n}").unwrap().0;
    let mut fields = Vec::new();
    let mut doc = String::new();
    for line in body.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("/// ") {
            doc.push_str(text);
            doc.push(' ');
        } else if let Some((name, _)) = line.strip_prefix("pub ").and_then(|line| line.split_once(':')) {
            fields.push((name.to_string(), std::mem::take(&mut doc)));
        }
    }
    fields
}

#[test]
fn documented_defaults_and_ranges_are_those_that_are_checked() {
    let mut compared = 0;
    for (file, start, section, place) in SECTIONS {
        for (field, doc) in documented(file, start) {
            let Some((default, range)) = doc.split_once(". Default").and_then(|(_, rest)| rest.split_once("; ")) else {
                continue;
            };
            let section = |value: &str| {
                let entry = if value.is_empty() { String::new() } else { format!("{field}: {value}") };
                match section {
                    "" => MINIMAL.replacen("data:", &format!("data:\n  augmentation: {{{entry}}}"), 1),
                    section => format!("{MINIMAL}{}", section.replace('@', &entry)),
                }
            };
            let Error::Input(error) = parse(&section("bogus")).unwrap_err() else { panic!("{field}") };
            assert_eq!(error.expected, range.trim().trim_end_matches('.'), "{field}");
            let parsed = json(&parse(&section("")).unwrap());
            let found = parsed.pointer(&format!("{place}/{field}")).unwrap();
            let found = found.as_str().map_or(found.to_string(), str::to_string);
            let default = default.trim_start_matches([':', ' ']);
            let default = default.rsplit("else ").next().unwrap();
            let default = if default == "`learning_rate`" { "0.0005" } else { default };
            match (found.parse::<f64>(), default.parse::<f64>()) {
                (Ok(found), Ok(default)) => assert_eq!(found, default, "{field}"),
                _ => assert_eq!(found, default, "{field}"),
            }
            compared += 1;
        }
    }
    assert_eq!(compared, 35);
}
