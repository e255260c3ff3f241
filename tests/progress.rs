//! What a long command says on standard error while it works: plain lines on a pipe, one changing line on a terminal, and
//! colours only where they are wanted.

#![allow(clippy::unwrap_used)] // the helpers of a test are test code too

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Until something must have been shown; more than enough on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Arguments of a command that works for minutes: plans of 200 layers, resampled a million times.
fn long_command(folder: &Path) -> Vec<String> {
    let table = folder.join("table.csv");
    let mut rows = String::from("layer,candidate,sensitivity,stderr,cost.m\n");
    for layer in 0..200 {
        rows += &format!("l{layer},w2,{},0.1,1\nl{layer},w4,0.2,0.05,2\n", 1.0 + 0.01 * f64::from(layer));
    }
    std::fs::write(&table, rows).unwrap();
    let table = table.to_str().unwrap();
    ["plan", "--table", table, "--budget", "m=300", "--stability", "1000000"].map(String::from).to_vec()
}

/// Ends with the test, whatever becomes of it.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn with_colours_as(command: &mut Command, variables: &[(&str, &str)]) {
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
        command.env_remove(name);
    }
    command.env("TERM", "xterm").envs(variables.iter().copied());
}

/// Standard error of the long command on a pipe, up to the first line that says how far it is.
fn on_a_pipe(variables: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_bitplan"));
    with_colours_as(&mut command, variables);
    command.args(long_command(folder.path())).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = Ended(command.spawn().unwrap());
    let mut text = String::new();
    for line in BufReader::new(child.0.stderr.take().unwrap()).lines() {
        text += &(line.unwrap() + "\n");
        if text.contains(" left") {
            break;
        }
    }
    text
}

#[test]
fn a_pipe_gets_plain_lines_whatever_the_variables_say() {
    let variables: [&[(&str, &str)]; 3] = [&[], &[("NO_COLOR", "1")], &[("CLICOLOR_FORCE", "1")]];
    let texts = variables.map(|set| std::thread::spawn(move || on_a_pipe(set)));
    for text in texts.map(|thread| thread.join().unwrap()) {
        assert!(!text.contains(['\x1b', '\r']), "{text:?}");
        let lines: Vec<&str> = text.lines().collect();
        let begins = lines.iter().position(|line| *line == "resampling …").unwrap_or_else(|| panic!("{text}"));
        let goes_on = lines[begins + 1];
        let (counts, rest) = goes_on.strip_prefix("resampling: ").unwrap().split_once(" (").unwrap();
        let (done, total) = counts.split_once('/').unwrap();
        assert!(done.parse::<u64>().unwrap() > 0 && total == "1000000", "{goes_on}");
        assert!(rest.contains(" %), ") && rest.contains(" draws/") && rest.contains("same plan "), "{goes_on}");
    }
}

/// What the long command shows on a pseudo terminal of so many columns, up to its third picture; none without the
/// `script` of util-linux.
fn on_a_terminal(columns: usize, variables: &[(&str, &str)]) -> Option<String> {
    let version = Command::new("script").arg("--version").output().ok()?;
    if !String::from_utf8_lossy(&version.stdout).contains("util-linux") {
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let shown = folder.path().join("shown");
    let words: Vec<String> = [vec![env!("CARGO_BIN_EXE_bitplan").to_string()], long_command(folder.path())]
        .concat()
        .iter()
        .map(|word| format!("'{word}'"))
        .collect();
    let line = format!("stty rows 24 cols {columns}; exec {}", words.join(" "));
    let mut command = Command::new("script");
    with_colours_as(&mut command, variables);
    command.args(["--quiet", "--flush", "--command", &line]).arg(&shown);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let _child = Ended(command.spawn().unwrap());
    let start = Instant::now();
    loop {
        std::thread::sleep(Duration::from_millis(50));
        let text = String::from_utf8_lossy(&std::fs::read(&shown).unwrap_or_default()).into_owned();
        if text.matches("resampling").count() > 3 {
            return Some(text);
        }
        assert!(start.elapsed() < PATIENCE, "nothing was drawn: {text:?}");
    }
}

/// Control sequences of a text, and the text without them.
fn sequences(text: &str) -> (Vec<String>, String) {
    let (mut found, mut rest) = (Vec::new(), String::new());
    let mut pieces = text.split("\x1b[");
    rest += pieces.next().unwrap_or_default();
    for piece in pieces {
        let end = piece.find(|c: char| c.is_ascii_alphabetic()).map_or(piece.len(), |at| at + 1);
        found.push(piece[..end].to_string());
        rest += &piece[end..];
    }
    (found, rest)
}

#[test]
fn a_terminal_gets_colours_unless_no_color_is_set() {
    let variables: [&[(&str, &str)]; 3] = [&[], &[("NO_COLOR", "1")], &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]];
    for (set, coloured) in variables.iter().zip([true, false, false]) {
        let Some(text) = on_a_terminal(100, set) else {
            eprintln!("skipped: there is no `script` of util-linux here");
            return;
        };
        let (found, _) = sequences(&text);
        assert!(!found.is_empty(), "the line is drawn again in its place: {text:?}");
        assert_eq!(found.iter().any(|sequence| sequence.ends_with('m')), coloured, "{set:?}: {found:?}");
        assert!(text.contains('░') && text.contains("/1000000"), "{text:?}");
    }
}

#[test]
fn a_narrow_terminal_has_one_line_that_does_not_wrap() {
    let Some(text) = on_a_terminal(40, &[]) else {
        eprintln!("skipped: there is no `script` of util-linux here");
        return;
    };
    let (found, rest) = sequences(&text);
    assert!(!found.iter().any(|sequence| sequence.ends_with('A')), "the cursor never has to go up: {found:?}");
    let pictures: Vec<&str> = rest.split(['\r', '\n']).filter(|picture| picture.contains("resampling")).collect();
    assert!(pictures.len() >= 3 && pictures.iter().all(|picture| picture.chars().count() <= 40), "{pictures:?}");
}
