use proptest::prelude::*;

use super::*;

#[test]
fn limits_are_read_in_every_unit() {
    let cases = [
        ("1024", Limit::Absolute(1024.0)),
        ("1.5G", Limit::Absolute(1.5e9)),
        ("2T", Limit::Absolute(2e12)),
        ("3K", Limit::Absolute(3e3)),
        ("0.5M", Limit::Absolute(5e5)),
        ("300KiB", Limit::Absolute(307_200.0)),
        ("2MiB", Limit::Absolute(2_097_152.0)),
        ("1GiB", Limit::Absolute(1_073_741_824.0)),
        ("4KB", Limit::Absolute(4e3)),
        ("4MB", Limit::Absolute(4e6)),
        ("4GB", Limit::Absolute(4e9)),
        ("1e9", Limit::Absolute(1e9)),
        ("50%", Limit::Percent(50.0)),
        ("0.1%", Limit::Percent(0.1)),
        ("w4a8", Limit::Uniform(Candidate::new(4, 8).unwrap())),
        ("fp32", Limit::Uniform(Candidate::FP32)),
    ];
    for (text, limit) in cases {
        assert_eq!(text.parse(), Ok(limit), "{text}");
        assert_eq!(limit.to_string().parse(), Ok(limit), "{text}");
    }
}

#[test]
fn what_is_no_limit_is_refused() {
    for text in [
        "",
        "0",
        "-1",
        "-5%",
        "0%",
        "%",
        "K",
        "nan",
        ".nan",
        "inf",
        "infinityK",
        "nan%",
        "1e999",
        "1e308K",
        "5 %",
        "5k",
        "5PB",
        "5B",
        "w4",
        "w9a9",
        "W4A4",
        "50%%",
        "1,5",
        "0x10",
    ] {
        assert!(text.parse::<Limit>().is_err(), "{text}");
    }
}

#[test]
fn a_budget_takes_the_limits_that_fit_it() {
    for text in [
        "bitops=50%",
        "bitops=1.5G",
        "weight_bytes=300KiB",
        "weight_bytes=w4a4",
        "avg_weight_bits=4.5",
        "avg_weight_bits=32",
    ] {
        let request: BudgetRequest = text.parse().unwrap();
        assert_eq!(request.to_string().parse(), Ok(request));
    }
    for text in
        ["bitops", "=5", "bitops=", "bitops=5MB", "avg_weight_bits=33", "avg_weight_bits=1K", "bitop=5", "bitops==5"]
    {
        assert!(text.parse::<BudgetRequest>().is_err(), "{text}");
    }
    assert_eq!("bitop=5".parse::<BudgetRequest>().unwrap_err().remedy, "did you mean `bitops`?");
}

#[test]
fn a_budget_is_serialised_as_it_is_written() {
    let request: BudgetRequest = "weight_bytes=w4a4".parse().unwrap();
    assert_eq!(serde_json::to_string(&request).unwrap(), r#"{"name":"weight_bytes","limit":"w4a4"}"#);
}

proptest! {
    #[test]
    fn every_limit_reads_back_as_itself(number in 1e-300f64..1e300) {
        for limit in [Limit::Absolute(number), Limit::Percent(number)] {
            prop_assert_eq!(limit.to_string().parse(), Ok(limit));
        }
    }

    #[test]
    fn any_text_is_a_limit_above_zero_or_refused(text in "\\PC{0,12}") {
        if let Ok(Limit::Absolute(number) | Limit::Percent(number)) = text.parse() {
            prop_assert!(number > 0.0 && number.is_finite());
        }
    }
}
