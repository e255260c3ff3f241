//! The commands that need no training: what they print, as text and as one JSON document.

#![allow(clippy::unwrap_used)] // the helpers of a test are test code too

use std::process::{Command, Output};

use serde_json::Value;

fn bitplan(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bitplan"));
    command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap()
}

/// The one document on standard output.
fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&output.stdout)))
}

fn golden() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/hawqv3_resnet18.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The published planning table as a file of its own.
fn golden_table(folder: &tempfile::TempDir) -> String {
    let path = folder.path().join("table.json");
    std::fs::write(&path, golden()["table"].to_string()).unwrap();
    path.to_str().unwrap().to_string()
}

#[test]
fn plan_reproduces_the_published_optima() {
    let folder = tempfile::tempdir().unwrap();
    let table = golden_table(&folder);
    for case in golden()["cases"].as_array().unwrap() {
        let budgets: Vec<String> = match &case["budget"] {
            Value::Object(budgets) => budgets.iter().map(|(name, limit)| format!("--budget={name}={limit}")).collect(),
            other => panic!("{other}"),
        };
        let mut arguments = vec!["plan", "--table", &table, "--json"];
        arguments.extend(budgets.iter().map(String::as_str));
        let output = bitplan(&arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let plan = json(&output);
        assert_eq!((plan["format"].as_str(), plan["status"].as_str()), (Some("bitplan.plan/1"), Some("optimal")));
        let (found, expected) = (plan["objective"].as_f64().unwrap(), case["objective"].as_f64().unwrap());
        assert!((found - expected).abs() <= 1e-9 * expected, "{budgets:?}: {found} instead of {expected}");
    }
}

#[test]
fn an_infeasible_budget_is_one_json_document_too() {
    let folder = tempfile::tempdir().unwrap();
    let output = bitplan(&["plan", "--table", &golden_table(&folder), "--budget", "gbops=1", "--json"]);
    assert_eq!(output.status.code(), Some(4));
    let document = json(&output);
    assert_eq!(document["code"], 4);
    assert!(document["error"].as_str().unwrap().contains("`gbops` is 1, the smallest feasible value is"));
}

#[test]
fn inspect_counts_what_was_published() {
    let document = json(&bitplan(&["inspect", "resnet20", "--json"]));
    let sum = |key: &str| document["layers"].as_array().unwrap().iter().map(|l| l[key].as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum("parameters"), sum("macs")), (268_336, 40_551_040));
    let text = String::from_utf8(bitplan(&["inspect", "resnet8", "--shape", "1x28x28"]).stdout).unwrap();
    let total = text.lines().find(|line| line.starts_with("total")).unwrap();
    assert!(text.contains("stage3.block1.conv2") && total.contains("9345920"), "{text}");
    assert!(text.contains("residual       stem.conv, stage1.block1.conv2"), "{text}");
}

#[test]
fn check_prints_layers_and_ranges_before_any_work() {
    let output = bitplan(&["check", "search_spaces/fashion_mnist_resnet8.yaml", "--json"]);
    let document = json(&output);
    assert_eq!((document["train_images"].as_u64(), document["test_images"].as_u64()), (Some(10_000), Some(2_000)));
    assert_eq!(document["layers"].as_array().unwrap().len(), 10);
    let bitops = document["budgets"].as_array().unwrap().iter().find(|b| b["name"] == "bitops").unwrap().clone();
    // Every layer at w2a2 but the pinned first and last at w8a8; and everything at w8a8.
    let pinned = (112_896 + 640) as f64;
    assert_eq!(bitops["smallest"], 4.0 * (9_345_920.0 - pinned) + 64.0 * pinned);
    assert_eq!(bitops["largest"], 64.0 * 9_345_920.0);
}

#[test]
fn outputs_never_replace_inputs() {
    let folder = tempfile::tempdir().unwrap();
    let table = golden_table(&folder);
    let before = std::fs::read(&table).unwrap();
    let output = bitplan(&["plan", "--table", &table, "--budget", "gbops=60", "-o", &table]);
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(std::fs::read(&table).unwrap(), before);
}

/// What a command printed as text, and its exit code.
fn text(arguments: &[&str]) -> (String, String, Option<i32>) {
    let output = bitplan(arguments);
    let utf8 = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (utf8(&output.stdout), utf8(&output.stderr), output.status.code())
}

const EXAMPLE: &str = "examples/hawqv3_resnet18.csv";

#[test]
fn the_csv_example_is_the_published_table() {
    let folder = tempfile::tempdir().unwrap();
    let table = golden_table(&folder);
    for budget in ["gbops=50%", "latency_ms=w4a4", "weights_mb=7.5", "avg_weight_bits=6"] {
        let plan = |table: &str| json(&bitplan(&["plan", "--table", table, "--budget", budget, "--json"]));
        let csv = plan(EXAMPLE);
        if budget.starts_with("avg") {
            // The example states bits, not numbers of weights.
            assert!(csv["error"].as_str().unwrap().contains("parameters"), "{csv}");
            continue;
        }
        assert_eq!(csv["layers"], plan(&table)["layers"], "{budget}");
    }
    let plan = json(&bitplan(&["plan", "--table", EXAMPLE, "--budget", "layer_avg_weight_bits=6", "--json"]));
    let bits: Vec<f64> =
        plan["layers"].as_array().unwrap().iter().map(|l| l["weight_bits"].as_f64().unwrap()).collect();
    assert!(bits.iter().sum::<f64>() <= 6.0 * bits.len() as f64);
    assert_eq!(plan["status"], "optimal");
}

#[test]
fn plan_says_what_pins_cost_and_what_comes_next() {
    let arguments = ["plan", "--table", EXAMPLE, "--budget", "gbops=50%", "--pin", "stage3.unit2.conv1=w8a8"];
    let more = [&arguments[..], &["--k-best", "3", "--explain", "--json"]].concat();
    let plan = json(&bitplan(&more));
    let objective = |p: &Value| p["objective"].as_f64().unwrap();
    let alternatives = plan["alternatives"].as_array().unwrap();
    assert_eq!((alternatives.len(), &plan["alternatives_proved"]), (2, &Value::Bool(true)));
    assert!(
        objective(&plan) <= objective(&alternatives[0]) && objective(&alternatives[0]) <= objective(&alternatives[1])
    );
    let pin = plan["bindings"].as_array().unwrap().iter().find(|b| b["kind"] == "pin").unwrap();
    let free = json(&bitplan(&["plan", "--table", EXAMPLE, "--budget", "gbops=50%", "--json"]));
    assert!((pin["cost"].as_f64().unwrap() - (objective(&plan) - objective(&free))).abs() < 1e-12);
    let pinned = plan["layers"].as_array().unwrap().iter().find(|l| l["name"] == "stage3.unit2.conv1").unwrap();
    assert_eq!(pinned["candidate"], "w8a8");
    let (_, error, code) = text(&["plan", "--table", EXAMPLE, "--budget", "gbops=50%", "--pin", "stage3.conv1=w8a8"]);
    assert!(code == Some(2) && error.contains("stage3"), "{error}");
}

/// The oracle are plans of their own, without a limit and with 1 % more of it.
#[test]
fn plan_says_what_limits_cost() {
    let plan = |budgets: &[&str]| {
        let budgets: Vec<&str> = budgets.iter().flat_map(|b| ["--budget", *b]).collect();
        json(&bitplan(&[&["plan", "--table", EXAMPLE, "--explain", "--json"][..], &budgets].concat()))
    };
    let objective = |value: &Value| value["objective"].as_f64().unwrap();
    let both = plan(&["gbops=60", "weights_mb=5.65"]);
    for (k, (without, higher)) in
        [("weights_mb=5.65", ["gbops=60.6", "weights_mb=5.65"]), ("gbops=60", ["gbops=60", "weights_mb=5.7065"])]
            .iter()
            .enumerate()
    {
        let budget = &both["budgets"][k];
        for (relief, other) in [("without", plan(&[without])), ("higher", plan(higher))] {
            let relief = &budget[relief];
            assert!((objective(relief) - objective(&other)).abs() < 1e-12, "{budget} {}", other["objective"]);
            assert!((relief["gain"].as_f64().unwrap() - (objective(&both) - objective(relief))).abs() < 1e-15);
        }
    }
    assert!(objective(&both["unlimited"]) <= objective(&both["budgets"][0]["without"]));
    let (shown, _, code) =
        text(&["plan", "--table", EXAMPLE, "--budget", "gbops=60", "--budget", "weights_mb=5.65", "--explain"]);
    assert!(code == Some(0) && shown.contains("limits: what the objective gains with more of each"), "{shown}");
    assert!(shown.contains("1 % more of gbops") && shown.contains("without any limit"), "{shown}");
}

#[test]
fn general_solvers_and_the_exact_one_agree_on_the_published_table() {
    let plan = |solver: &str| {
        json(&bitplan(&["plan", "--table", EXAMPLE, "--budget", "gbops=50%", "--solver", solver, "--json"]))
    };
    let (exact, general) = (plan("exact"), plan("microlp"));
    assert_eq!((&exact["layers"], &general["status"]), (&general["layers"], &Value::from("optimal")));
    assert_eq!(general["solver"]["name"], "microlp + proof");
}

#[test]
fn a_plan_as_good_as_a_uniform_one_is_remarked() {
    let (_, error, code) = text(&["plan", "--table", EXAMPLE, "--budget", "gbops=w8a8"]);
    assert!(code == Some(0) && error.contains("note: w8a8 in every layer"), "{error}");
    let (_, error, _) = text(&["plan", "--table", EXAMPLE, "--budget", "gbops=50%"]);
    assert!(!error.contains("note:"), "{error}");
}

#[test]
fn sensitivities_that_cannot_be_losses_are_refused_or_repaired_aloud() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    let rows =
        "layer,candidate,weight_bits,sensitivity,cost.m\na,w2,2,0.5,1\na,w4,4,-0.25,2\nb,w2,2,0.1,1\nb,w4,4,0.3,2\n";
    std::fs::write(&path, rows).unwrap();
    let table = path.to_str().unwrap();
    let run = |policy: &str| text(&["plan", "--table", table, "--budget", "m=4", "--sensitivities", policy]);
    let (_, error, code) = run("strict");
    assert!(code == Some(3) && error.contains("layer `a`, candidate `w4`") && error.contains("clamp"), "{error}");
    let (out, error, code) = run("keep");
    assert!(code == Some(0) && out.contains("objective -0.15") && !error.contains("repaired"), "{out}{error}");
    let (out, error, _) = run("clamp");
    assert!(
        out.contains("objective 0.1")
            && error.contains("layer `a`, candidate `w4`: sensitivity 0e0 instead of -2.5e-1")
    );
    let (out, error, _) = run("monotone");
    // Fewer bits cannot lose less: b at w2 is raised to what it loses at w4.
    assert!(
        out.contains("objective 0.3") && error.contains("layer `b`, candidate `w2`: sensitivity 3e-1 instead of 1e-1")
    );
    for bad in ["nan", "inf"] {
        std::fs::write(&path, rows.replace("-0.25", bad)).unwrap();
        let (_, error, code) = run("monotone");
        assert!(code == Some(3) && error.contains("t.csv: line 3") && error.contains("layer `a`"), "{error}");
    }
}

#[test]
fn no_plan_says_which_budgets_as_data_too() {
    let output = bitplan(&["plan", "--table", EXAMPLE, "--budget", "gbops=20", "--budget", "latency_ms=1", "--json"]);
    assert_eq!(output.status.code(), Some(4));
    let document = json(&output);
    let why = &document["infeasibility"];
    assert_eq!(why["budgets"].as_array().unwrap().len(), 2);
    assert!(why["budgets"][0]["alone"].as_f64().unwrap() > 26.0 && why["together"].as_f64().unwrap() > 1.0, "{why}");
}

#[test]
fn without_time_there_is_still_a_plan_and_its_gap() {
    // 3,000 layers whose sensitivity falls with three costs: no proof in a millisecond.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hard.csv");
    let mut rows = String::from("layer,candidate,sensitivity,cost.x,cost.y,cost.z\n");
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    for layer in 0..3000 {
        for candidate in 0..4 {
            let (x, y, z, noise) = (next(), next(), next(), next());
            rows += &format!("l{layer},c{candidate},{},{x},{y},{z}\n", 4.0 - x - y - z + 0.01 * noise);
        }
    }
    std::fs::write(&path, rows).unwrap();
    let budgets = ["--budget", "x=1300", "--budget", "y=1350", "--budget", "z=1400"];
    let output = bitplan(
        &[&["plan", "--table", path.to_str().unwrap(), "--time-limit", "0.01", "--json"][..], &budgets].concat(),
    );
    assert_eq!(output.status.code(), Some(5), "{}", String::from_utf8_lossy(&output.stderr));
    let plan = json(&output);
    assert_eq!((&plan["status"], plan["layers"].as_array().unwrap().len()), (&Value::from("feasible"), 3000));
    let gap = plan["gap"].as_f64().unwrap();
    // How small the gap is depends on the machine; that it is stated, and that the plan keeps the budgets, does not.
    assert!(gap > 0.0 && gap <= 1.0, "{gap}");
    assert!(plan["budgets"].as_array().unwrap().iter().all(|b| b["slack"].as_f64().unwrap() >= -1e-9));
}

#[test]
fn the_front_of_the_published_table_is_whole_and_falls() {
    let front = json(&bitplan(&["pareto", "--table", EXAMPLE, "--budget", "gbops", "--json"]));
    let points = front["points"].as_array().unwrap();
    assert_eq!((front["format"].as_str(), front["complete"].as_bool()), (Some("bitplan.pareto/1"), Some(true)));
    let at = |p: &Value| (p["limit_used"].as_f64().unwrap(), p["objective"].as_f64().unwrap());
    assert!(points.windows(2).all(|w| at(&w[0]).0 < at(&w[1]).0 && at(&w[0]).1 > at(&w[1]).1));
    assert!(points.iter().any(|p| p["supported"] == true) && points.iter().any(|p| p["supported"] == false));
    // A point is the optimum at its own cost.
    let (cost, objective) = at(&points[9]);
    let plan = json(&bitplan(&["plan", "--table", EXAMPLE, "--budget", &format!("gbops={cost}"), "--json"]));
    assert_eq!(plan["objective"].as_f64(), Some(objective));
    let (_, error, code) = text(&["pareto", "--table", EXAMPLE, "--budget", "gbops=30"]);
    assert!(code == Some(2) && error.contains("--budget NAME"), "{error}");
}

#[test]
fn a_wrong_command_line_is_one_json_document_too() {
    for arguments in
        [&["plan", "--json"][..], &["--json", "pln"], &["plan", "--table", EXAMPLE, "--k-best", "0", "--json"]]
    {
        let output = bitplan(arguments);
        assert_eq!((output.status.code(), json(&output)["code"].as_i64()), (Some(2), Some(2)), "{arguments:?}");
    }
}

#[test]
fn a_share_of_the_costliest_choice_does_not_depend_on_pins() {
    let limit = |pin: &[&str]| {
        let arguments = [&["plan", "--table", EXAMPLE, "--budget", "gbops=50%", "--json"][..], pin].concat();
        json(&bitplan(&arguments))["budgets"][0]["limit"].as_f64().unwrap()
    };
    assert_eq!(limit(&[]), limit(&["--pin", "stage2.unit1.conv1=w4a4"]));
    let twice = ["--pin", "stage2.unit1.conv1=w4a4", "--pin", "stage2.unit1.conv1=w8a8"];
    let (_, error, code) = text(&[&["plan", "--table", EXAMPLE, "--budget", "gbops=50%"][..], &twice].concat());
    assert!(code == Some(2) && error.contains("one candidate for a layer"), "{error}");
}
