use super::*;

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// 28 steps a second from step 1000 on.
fn training(seconds: u64) -> Running {
    let mut running = Running::new(Stage::new("multi-precision training", 9380).of("steps").after(1000));
    for second in 1..=seconds {
        running.advance(at(second), 1000 + 28 * second, "loss 0.612, training accuracy 78.1 76.0 70.3 %");
    }
    running
}

#[test]
fn a_pipe_is_told_how_far_how_fast_how_long_and_how_well() {
    let running = training(10);
    assert_eq!(
        running.plain(at(10)),
        "multi-precision training: 1280/9380 (13 %), 28.0 steps/s, 4 min 49 s left, \
         loss 0.612, training accuracy 78.1 76.0 70.3 %"
    );
    assert_eq!(running.first(), "multi-precision training … from 1280/9380 on");
    let mut share = Running::new(Stage::new("pareto front", 1000));
    assert_eq!((share.first().as_str(), share.plain(at(3)).as_str()), ("pareto front …", "pareto front: 0 %"));
    share.advance(at(30), 250, "");
    assert_eq!(share.plain(at(30)), "pareto front: 25 %, 1 min 30 s left");
    assert!(!share.is_done());
    share.advance(at(31), 1000, "");
    assert!(share.is_done());
}

#[test]
fn slow_pieces_are_counted_by_the_minute_or_the_hour() {
    let rate = |seconds: u64, pieces: u64| {
        let mut running = Running::new(Stage::new("traces", 1000).of("probes"));
        running.advance(at(seconds), pieces, "");
        running.rate().unwrap()
    };
    assert_eq!(rate(2, 500), "250 probes/s");
    assert_eq!(rate(2, 3), "1.5 probes/s");
    assert_eq!(rate(40, 10), "15.0 probes/min");
    assert_eq!(rate(600, 5), "30.0 probes/h");
}

#[test]
fn times_are_words() {
    let all = [0, 59, 60, 290, 3599, 3600, 12_000, 86_399, 190_800];
    let expected =
        ["0 s", "59 s", "1 min 0 s", "4 min 50 s", "59 min 59 s", "1 h 0 min", "3 h 20 min", "23 h 59 min", "2 d 5 h"];
    assert_eq!(all.map(|seconds| words(at(seconds))), expected);
}

#[test]
fn a_wide_terminal_shows_everything_and_a_narrow_one_the_most_important() {
    let shown = |columns: usize| training(10).fitted(at(10), columns, false);
    assert_eq!(
        shown(160),
        "multi-precision training    █░░░░░░░░░  1280/9380   13 %  28.0 steps/s  10 s  4 min 49 s left  \
         loss 0.612, training accuracy 78.1 76.0 70.3 %"
    );
    assert_eq!(shown(90), "multi-precision training  █░░░░░░░░░  1280/9380   13 %  28.0 steps/s  4 min 49 s left");
    assert_eq!(shown(80), "multi-precision training  █░░░░░░░░░  1280/9380  28.0 steps/s  4 min 49 s left");
    assert_eq!(shown(60), "multi-precision training  1280/9380   13 %  4 min 49 s left");
    assert_eq!(shown(40), "multi-precisio…   13 %  4 min 49 s left");
    assert_eq!(shown(20), "multi-preci…   13 %");
    let mut long =
        Running::new(Stage::new("front against a cost whose name says all that it is made of", 100).of("points"));
    long.advance(at(10), 20, "");
    assert_eq!(
        long.fitted(at(10), 80, false),
        "front against a cost whose…  ██░░░░░░░░  20/100   20 %  2.0 points/s  40 s left"
    );
}

#[test]
fn no_line_is_as_wide_as_its_terminal() {
    let mut strange = training(10);
    strange.advance(at(11), 1300, "规划 \u{1f468}\u{200d}\u{1f469} plan of a name without end ".repeat(9).as_str());
    let mut long =
        Running::new(Stage::new("traces (a name that nobody expected to be so long)", u64::MAX).of("probes"));
    long.advance(at(90_000), u64::MAX / 3, "");
    let fresh = Running::new(Stage::new("evaluation", 0));
    for running in [strange, long, training(0), training(10), fresh] {
        for (columns, seconds) in (0..200).flat_map(|columns| [0, 12, 100_000].map(|seconds| (columns, seconds))) {
            let line = running.fitted(at(seconds), columns, false);
            assert!(measure_text_width(&line) < columns.max(1), "{columns} columns: {line}");
            assert_eq!(
                console::strip_ansi_codes(&running.fitted(at(seconds), columns, true)),
                line,
                "only colours differ"
            );
        }
    }
}

#[test]
fn colours_end_where_they_began_and_names_bring_none() {
    let coloured = training(10).fitted(at(10), 100, true);
    assert!(coloured.contains("\x1b[36m█\x1b[39m░░"), "{coloured:?}");
    let hostile = "\x1b[31mred\r\x1b[2Jgone\n\u{9b}31m\u{202e}";
    let mut running = Running::new(Stage::new(hostile, 10).of(hostile));
    running.advance(at(2), 5, hostile);
    for line in [running.first(), running.plain(at(2)), running.fitted(at(2), 100, false)] {
        assert!(!line.chars().any(|c| c.is_control() || c == '\u{202e}'), "{line:?}");
        assert!(line.contains("red"), "{line:?}");
    }
}

#[test]
fn a_pipe_hears_after_ten_seconds_and_then_every_thirty() {
    let mut told = None;
    let mut times = Vec::new();
    for now in 0..120 {
        if is_due(at(now), told) {
            told = Some(at(now));
            times.push(now);
        }
    }
    assert_eq!(times, [10, 40, 70, 100]);
}
