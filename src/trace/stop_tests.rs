use super::*;

fn trace(trace: f64, probe: Option<f64>, data: Option<f64>) -> TraceEstimate {
    let stderr = probe.zip(data).map(|(p, d)| p.hypot(d)).or(probe);
    TraceEstimate { trace, stderr, probe_stderr: probe, data_stderr: data, half_width: None }
}

const OPTIONS: TraceOptions =
    TraceOptions { min_rounds: 2, max_rounds: 9, relative_error: 0.1, max_seconds: Some(60.0) };

fn after(rounds: u64, estimates: &[TraceEstimate]) -> Option<StopReason> {
    reason(estimates, rounds, true, 1.0, &OPTIONS)
}

#[test]
fn every_trace_must_be_known_to_its_error_or_to_one_percent_of_the_largest() {
    let good = trace(-10.0, Some(0.6), Some(0.8));
    assert_eq!(after(2, &[good]), Some(StopReason::RelativeError { worst: 0.1 }));
    assert_eq!(after(1, &[good]), None);
    let tiny = trace(1e-6, Some(0.006), Some(0.008));
    assert_eq!(after(2, &[good, tiny]), Some(StopReason::RelativeError { worst: 0.1 }));
    assert_eq!(after(2, &[tiny]), None);
    let zero = trace(0.0, Some(0.0), Some(0.0));
    assert_eq!(after(2, &[zero]), Some(StopReason::RelativeError { worst: 0.0 }));
    assert_eq!(worst_relative_error(&[good, trace(1.0, None, None)]), None);
}

#[test]
fn data_noise_stops_only_where_no_trace_would_gain_from_probes() {
    let data = trace(10.0, Some(1.0), Some(2.5));
    assert_eq!(after(2, &[data]), Some(StopReason::DataNoise { probe_share: 0.4 }));
    let good = trace(10.0, Some(0.5), Some(0.0));
    assert_eq!(after(2, &[data, good]), Some(StopReason::DataNoise { probe_share: 0.4 }));
    for gains in [trace(10.0, Some(2.0), Some(4.0)), trace(10.0, Some(2.0), Some(0.0)), trace(10.0, Some(2.0), None)] {
        assert_eq!(after(2, &[data, gains]), None);
    }
    assert_eq!(after(1, &[data]), None);
}

#[test]
fn limits_come_last_and_a_source_without_randomness_has_one_round() {
    let bad = trace(10.0, Some(3.0), Some(3.0));
    assert_eq!(after(8, &[bad]), None);
    assert_eq!(after(9, &[bad]), Some(StopReason::ProbeLimit { rounds: 9 }));
    assert_eq!(reason(&[bad], 8, true, 60.0, &OPTIONS), Some(StopReason::TimeLimit { seconds: 60.0 }));
    assert_eq!(
        reason(&[trace(10.0, Some(0.1), None)], 2, true, 99.0, &OPTIONS),
        after(2, &[trace(10.0, Some(0.1), None)])
    );
    assert_eq!(reason(&[bad], 1, false, 0.0, &OPTIONS), Some(StopReason::OneRound));
    // Nothing is known after one round of one block: on to the limit.
    assert_eq!(after(2, &[trace(1.0, None, None)]), None);
}

#[test]
fn reasons_are_written_with_their_number_and_read_again() {
    for (reason, text) in [
        (StopReason::RelativeError { worst: 0.05 }, r#"{"relative_error":{"worst":0.05}}"#),
        (StopReason::DataNoise { probe_share: 0.25 }, r#"{"data_noise":{"probe_share":0.25}}"#),
        (StopReason::ProbeLimit { rounds: 4 }, r#"{"probe_limit":{"rounds":4}}"#),
        (StopReason::TimeLimit { seconds: 1.5 }, r#"{"time_limit":{"seconds":1.5}}"#),
        (StopReason::OneRound, r#""one_round""#),
    ] {
        assert_eq!(serde_json::to_string(&reason).unwrap(), text);
        assert_eq!(serde_json::from_str::<StopReason>(text).unwrap(), reason);
    }
}
