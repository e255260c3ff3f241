use proptest::prelude::*;

use super::*;

/// Three layers, the first pinned, costs `mb` and `x=y`; uniform choices w8 (8 + 16 + 32 = 56 mb) and w4 (32 mb).
const TABLE: &str = "layer,candidate,sensitivity,weight_bits,parameters,cost.mb,cost.x=y
a,w8,0,8,1,8,3
b,w4,1,4,2,8,5
b,w8,0,8,2,16,1
c,w4,1,4,5,16,7
c,w8,0,8,5,32,1
c,w9,0,9,5,100,1
";

fn limit(text: &str) -> Result<f64> {
    let table = PlanningTable::parse_csv(TABLE, "t.csv").unwrap();
    let budget = resolve(&table, text)?;
    assert_eq!(Some(budget.name.as_str()), text.rsplit_once('=').map(|(name, _)| name));
    Ok(budget.limit)
}

#[test]
fn every_form_of_a_limit_is_the_number_worked_out_by_hand() {
    for (text, expected) in [
        ("mb=0", 0.0),
        ("mb=-0", 0.0),
        ("mb=30", 30.0),
        ("mb=1.5K", 1500.0),
        ("x=y=2KiB", 2048.0),
        ("mb=w8", 56.0),
        ("mb=w4", 32.0),
        ("mb=100%", 56.0),
        ("mb=25%", 14.0),
        ("mb=0.1%", 0.056),
        ("mb=150%", 84.0),
        // The costliest uniform choice of this cost is the other one: 3 + 5 + 7.
        ("x=y=100%", 15.0),
        ("x=y=w8", 5.0),
        ("layer_avg_weight_bits=w4", 16.0 / 3.0),
        ("avg_weight_bits=w4", (8.0 + 8.0 + 20.0) / 8.0),
        ("avg_weight_bits=50%", 4.0),
        ("avg_weight_bits=5", 5.0),
    ] {
        let found = limit(text).unwrap();
        assert!((found - expected).abs() <= 1e-15 * expected, "{text}: {found}");
        assert!(found.is_sign_positive());
    }
}

#[test]
fn a_whole_percentage_of_a_hundred_is_exact() {
    let text = "layer,candidate,sensitivity,cost.m\na,x,0,100\na,y,0,1\n";
    let table = PlanningTable::parse_csv(text, "t.csv").unwrap();
    let exact = |percent: u32| resolve(&table, &format!("m={percent}%")).unwrap().limit == f64::from(percent);
    assert!((1..=200).all(exact));
    assert!((1..=200).any(|p| f64::from(p) / 100.0 * 100.0 != f64::from(p)), "the other order is not exact");
}

#[test]
fn without_uniform_choices_percentages_are_of_the_costliest_candidates() {
    let text = "layer,candidate,sensitivity,cost.m\na,x,0,10\na,y,0,1\nb,z,0,2\nb,u,0,30\n";
    let table = PlanningTable::parse_csv(text, "t.csv").unwrap();
    assert_eq!(resolve(&table, "m=50%").unwrap().limit, 20.0);
    assert!(resolve(&table, "m=x").unwrap_err().to_string().contains("`x`, which layer `b` lacks"));
    let mut raw = crate::table::RawTable::from(&table);
    raw.pins.insert("a".into(), "y".into());
    let pinned = PlanningTable::check(raw.clone(), "t").unwrap();
    assert_eq!(resolve(&pinned, "m=50%").unwrap().limit, 0.5 * 31.0, "b is free, and its first id is uniform");
}

#[test]
fn what_is_no_budget_is_refused_with_a_hint() {
    for (text, message) in [
        ("mb", "found no `=`, expected NAME=VALUE"),
        ("", "found no `=`"),
        ("=5", "budget ``: found no such cost"),
        ("bm=5", "did you mean `mb`?"),
        ("avg_weight_bit=5", "did you mean `avg_weight_bits`?"),
        ("latency=5", "found no such cost, expected mb or x=y"),
        ("mb=", "found ``"),
        ("mb=-1", "negative"),
        ("mb=-1K", "negative"),
        ("mb=nan", "found `nan`"),
        ("mb=inf", "found `inf`"),
        ("mb=1e999", "found `1e999`"),
        ("mb=1e308K", "found `1e308K`"),
        ("mb=0%", "a finite percentage above 0"),
        ("mb=-5%", "a finite percentage above 0"),
        ("mb=nan%", "a finite percentage above 0"),
        ("mb=inf%", "a finite percentage above 0"),
        ("mb=1e308%", "a finite percentage above 0"),
        ("mb=%", "found `%`"),
        ("mb=5 %", "found `5 %`"),
        ("mb= 5", "found ` 5`"),
        ("mb=5k", "K, M, G and T are powers of 1000"),
        ("mb=5KB", "found bytes for a cost in mb"),
        ("layer_avg_weight_bits=5KiB", "found bytes for a cost in bits"),
        ("mb=w44", "did you mean `w4`?"),
        ("mb=zzz", "such candidates: w8, w4"),
        ("mb=w9", "`w9`, which layer `b` lacks"),
    ] {
        let error = limit(text).expect_err(text);
        assert_eq!(error.exit_code(), 2, "{text}");
        assert!(error.to_string().contains(message), "{text}: {error}");
    }
}

proptest! {
    #[test]
    fn any_text_is_a_limit_of_zero_or_more_or_refused(
        text in "(mb|x=y|avg_weight_bits|q)?=?[-+0-9.eKMGiBw%\\PC]{0,8}",
    ) {
        if let Ok(limit) = limit(&text) {
            prop_assert!(limit >= 0.0 && limit.is_finite());
        }
    }
}
