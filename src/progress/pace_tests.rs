use super::*;

fn at(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// A stage whose pieces take so long each, from `done` on.
fn steady(total: u64, done: u64, pieces: u64, seconds: f64) -> Pace {
    let mut pace = Pace::new(total, done);
    (1..=pieces).for_each(|piece| pace.advance(at(piece as f64 * seconds), done + piece));
    pace
}

fn close(found: Option<f64>, expected: f64) -> bool {
    found.is_some_and(|found| (found / expected - 1.0).abs() < 1e-9)
}

fn left(pace: &Pace, now: f64) -> Option<f64> {
    pace.remaining(at(now)).map(|left| left.as_secs_f64())
}

#[test]
fn an_even_stage_has_the_rate_of_its_pieces_at_any_time() {
    for (pieces, seconds) in [(10, 0.25), (400, 0.25), (100_000, 0.01), (3, 700.0), (60, 700.0)] {
        let pace = steady(200_000, 0, pieces, seconds);
        assert!(close(pace.rate(), 1.0 / seconds), "{pieces} of {seconds} s: {:?}", pace.rate());
        let expected = (200_000 - pieces) as f64 * seconds;
        assert!((left(&pace, pieces as f64 * seconds).unwrap() / expected - 1.0).abs() < 1e-9);
    }
}

#[test]
fn nothing_is_promised_before_something_is_known() {
    let mut pace = Pace::new(100, 0);
    assert_eq!((pace.rate(), pace.remaining(at(5.0))), (None, None));
    pace.advance(at(0.5), 1);
    assert_eq!((pace.rate(), pace.remaining(at(0.5))), (None, None), "less than a second");
    pace.advance(at(1.5), 3);
    assert!(close(pace.rate(), 2.0));
    let mut slow = Pace::new(4, 0);
    slow.advance(at(30.0), 1);
    assert!(close(left(&slow, 30.0), 90.0), "one long piece is enough");
}

#[test]
fn what_an_earlier_run_has_done_does_not_count() {
    let resumed = steady(10_000, 9_000, 40, 0.5);
    assert!(close(resumed.rate(), 2.0) && close(left(&resumed, 20.0), 480.0));
    assert_eq!((resumed.done(), resumed.percent()), (9_040, 90));
    // Negative control: a stage that believes it began at 0 promises far too much.
    let mut fooled = Pace::new(10_000, 0);
    fooled.advance(at(0.5), 9_001);
    fooled.advance(at(20.0), 9_040);
    assert!(fooled.rate().unwrap() > 300.0 && left(&fooled, 20.0).unwrap() < 3.0);
}

#[test]
fn a_stage_that_slows_down_says_so_within_minutes() {
    let mut pace = steady(1_000_000, 0, 36_000, 0.1);
    for second in 1..=300u64 {
        pace.advance(at(3600.0 + second as f64), 36_000 + second);
    }
    // After five half-lives a 32nd of the old weight is left: 10/32 + 31/32, about 1.28 pieces a second; the mean of the whole
    // stage would be above 9.
    assert!((pace.rate().unwrap() - 1.28).abs() < 0.02, "{:?}", pace.rate());
}

#[test]
fn the_remaining_time_counts_down_within_a_piece_but_not_below_the_others() {
    let pace = steady(10, 0, 4, 30.0);
    assert!(close(left(&pace, 120.0), 180.0) && close(left(&pace, 130.0), 170.0));
    assert!(close(left(&pace, 1_000.0), 150.0), "five pieces are still to begin");
    let last = steady(10, 0, 9, 30.0);
    assert_eq!(left(&last, 900.0), Some(0.0), "any moment now");
    assert_eq!(steady(10, 0, 10, 30.0).remaining(at(300.0)), None);
}

#[test]
fn strange_reports_break_nothing() {
    let mut pace = Pace::new(0, 0);
    assert_eq!((pace.percent(), pace.remaining(at(1.0))), (100, None));
    pace.advance(at(2.0), 7);
    assert_eq!((pace.percent(), pace.remaining(at(3.0))), (100, None), "more than all");
    let mut back = steady(10, 0, 4, 1.0);
    let before = back;
    back.advance(at(9.0), 2);
    back.advance(at(9.0), 4);
    assert_eq!(back, before, "no progress");
    let mut late = Pace::new(10, 0);
    late.advance(at(5.0), 1);
    late.advance(at(4.0), 2);
    assert!(late.rate().is_some_and(f64::is_finite), "a clock that went back");
    let mut huge = Pace::new(u64::MAX, 0);
    huge.advance(at(1e9), 1);
    assert_eq!(huge.percent(), 0);
    assert!(huge.remaining(at(1e9)).is_none(), "more seconds than can be counted");
}
