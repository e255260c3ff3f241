use super::*;
use crate::table::RawTable;
use crate::table::fixtures::Uniform;

fn table(rows: &str) -> PlanningTable {
    PlanningTable::parse_csv(
        &format!("layer,candidate,weight_bits,activation_bits,cost.m,cost.t,sensitivity\n{rows}"),
        "t",
    )
    .unwrap()
}

fn sensitivities(table: &PlanningTable) -> Vec<f64> {
    table.layers().iter().flat_map(|l| l.candidates.iter().map(|c| c.sensitivity)).collect()
}

/// By bits w2 < w4 < w8; 8 bits lose more than 4, and one loss is negative.
const NOISY: &str = "a,w8,8,8,4,4,0.2\na,w4,4,8,3,3,0.1\na,w2,2,8,2,2,-0.5\nb,w8,8,8,4,4,-1e-9\n";

#[test]
fn every_policy_does_what_it_says_and_reports_each_change() {
    let changed = |policy| {
        let (after, changes) = repair(table(NOISY), policy).unwrap();
        let changes: Vec<_> = changes.iter().map(|c| (c.layer.clone() + "." + &c.candidate, c.from, c.to)).collect();
        (sensitivities(&after), changes)
    };
    assert_eq!(changed(Policy::Keep), (vec![0.2, 0.1, -0.5, -1e-9], vec![]));
    let clamped = vec![("a.w2".to_string(), -0.5, 0.0), ("b.w8".to_string(), -1e-9, 0.0)];
    assert_eq!(changed(Policy::Clamp), (vec![0.2, 0.1, 0.0, 0.0], clamped));
    let raised = vec![("a.w4".to_string(), 0.1, 0.2), ("a.w2".into(), -0.5, 0.2), ("b.w8".into(), -1e-9, 0.0)];
    assert_eq!(changed(Policy::Monotone), (vec![0.2, 0.2, 0.2, 0.0], raised));
    let error = repair(table(NOISY), Policy::Strict).unwrap_err();
    let message = error.to_string();
    assert!(
        message.starts_with("layer `a`, candidate `w2`, sensitivity: found -0.5, the first of 2 negative"),
        "{message}"
    );
    assert!(error.exit_code() == 3 && message.contains("--sensitivities"));
    let fine = table("a,w8,8,8,4,4,0\na,w4,4,8,3,3,-0.0\n");
    for policy in Policy::ALL {
        let (after, changes) = repair(fine.clone(), policy).unwrap();
        assert_eq!((after, changes), (fine.clone(), vec![]), "{policy}");
    }
}

#[test]
fn precision_is_by_the_bits_that_all_state_else_by_all_costs() {
    let after = |rows: &str| sensitivities(&repair(table(rows), Policy::Monotone).unwrap().0);
    // Widths that cross are not ordered; w8a8 is above both.
    assert_eq!(after("a,x,8,4,1,1,3\na,y,4,8,1,1,1\na,z,8,8,1,1,2\n"), [3.0, 2.0, 2.0]);
    // The same widths twice, as two methods may have: not ordered, whatever they cost.
    assert_eq!(after("a,x,4,4,1,1,3\na,y,4,4,9,9,1\n"), [3.0, 1.0]);
    // Weight bits alone.
    assert_eq!(after("a,x,4,,1,1,1\na,y,8,,0,0,3\n"), [3.0, 3.0]);
    // Bits of some only, then none: by costs, which cross between the first two.
    for bits in ["8,8", ","] {
        assert_eq!(after(&format!("a,x,{bits},2,1,3\na,y,,,1,2,1\na,z,,,2,2,2\n")), [3.0, 2.0, 2.0]);
    }
    let raw = PlanningTable::parse_csv("layer,candidate,sensitivity\na,x,1\nb,y,1\nb,z,2\n", "t").unwrap();
    let error = repair(raw, Policy::Monotone).unwrap_err().to_string();
    assert!(error.starts_with("layer `b`: found neither the bits of every candidate nor costs"), "{error}");
}

#[test]
fn the_monotone_table_is_the_smallest_monotone_one_above_the_clamped() {
    let mut u = Uniform(11);
    let (mut moved, mut unordered) = (0, 0);
    for _ in 0..500 {
        let bits = |x: f64| 1 << (1.0 + 3.0 * x) as u32;
        let rows: String =
            (0..6).map(|c| format!("a,c{c},{},{},1,1,{}\n", bits(u.next()), bits(u.next()), u.next() - 0.3)).collect();
        let before = table(&rows);
        let (after, changes) = repair(before.clone(), Policy::Monotone).unwrap();
        moved += changes.len();
        let clamped: Vec<f64> = sensitivities(&before).iter().map(|s| s.max(0.0)).collect();
        let (found, candidates) = (sensitivities(&after), &before.layers()[0].candidates);
        for (c, low) in candidates.iter().enumerate() {
            assert!(found[c] >= clamped[c]);
            let mut reason = found[c] == clamped[c];
            for (d, high) in candidates.iter().enumerate() {
                let (w, a) = (high.weight_bits.cmp(&low.weight_bits), high.activation_bits.cmp(&low.activation_bits));
                let above = w.is_ge() && a.is_ge() && (w.is_gt() || a.is_gt());
                assert!(!above || found[c] >= found[d], "{rows}");
                reason |= above && found[c] == clamped[d];
                unordered += usize::from(!above && found[c] < found[d]);
            }
            assert!(reason, "raised further than it must be: {rows}");
        }
        assert_eq!(repair(after.clone(), Policy::Monotone).unwrap(), (after, vec![]), "a second time changes nothing");
    }
    assert!(moved > 500 && unordered > 500);
}

#[test]
fn not_a_number_is_refused_before_any_policy() {
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut raw = RawTable::from(&table(NOISY));
        raw.layers[1].candidates[0].sensitivity = value;
        let error = PlanningTable::check(raw, "t.json").unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("t.json: layer `b`, candidate `w8`, sensitivity: found {value}")),
            "{error}"
        );
    }
}

#[test]
fn every_policy_is_read_by_its_name() {
    for policy in Policy::ALL {
        assert_eq!(policy.to_string().parse(), Ok(policy));
    }
    assert_eq!("clmp".parse::<Policy>().unwrap_err().remedy, "did you mean `clamp`?");
}
