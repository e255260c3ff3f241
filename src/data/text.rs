//! Texts for language models: windows of tokens, each position with the token that comes next.
//!
//! ```text
//! tokens t0 t1 t2 …, windows of p positions          b: what the tokenizer puts in front of a text, if anything
//! with b        window i = b, t[ip .. ip+p−1]        labels t[ip .. ip+p]
//! without       window i = t[ip .. ip+p]             labels t[ip+1 .. ip+p+1]
//! documents     window   = s[0 .. p]                 labels s[1 .. p+1],   s: one document as the tokenizer gives it
//! ```
//!
//! Every token of a text is predicted once; those that fill no window are left out. Documents are what blank lines separate:
//! each is a window of its own, cut at `p`; behind a shorter one the labels are [`IGNORED`]; one of fewer than two tokens is
//! left out. An array of rank 1 is read as a text without `b`; of rank 2, a window a row: `[N, p + 1]`, or `[N, p]`, whose
//! last label is unknown.
//!
//! Which tokenizer is no matter here: it is a function from a text to token numbers.

use std::path::Path;

use super::dataset::{IGNORED, Windows};
use super::input::Input;
use super::npy;
use crate::error::{Error, Result};

/// Most bytes of a text: its tokens take a hundred bytes each while the tokenizer works.
const MAX_TEXT: usize = 64 << 20;

/// What a token becomes that is behind the end of a document; nothing in front of it sees it in a causal network.
const PADDING: u32 = 0;

/// Text to token numbers, with those that the tokenizer puts in front of a text and behind it.
pub type Encode<'a> = dyn Fn(&str) -> Result<Vec<u32>> + 'a;

/// How a text becomes windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Tokens of a window.
    pub positions: usize,
    /// Whether each document is a window of its own.
    pub documents: bool,
    /// Most windows.
    pub limit: usize,
}

/// Reads a UTF-8 text, gzipped or not, and cuts it into windows; see the module.
///
/// # Errors
/// When the file is missing, is not UTF-8 or has more than 64 MiB, the tokenizer fails, or there is not one whole window.
pub fn read_text(path: &Path, cut: Cut, encode: &Encode<'_>) -> Result<Windows> {
    let place = path.display().to_string();
    let mut input = Input::open(path)?;
    let mut bytes = Vec::new();
    let mut chunk = vec![0; 1 << 16];
    loop {
        let filled = input.fill(&mut chunk)?;
        bytes.extend_from_slice(&chunk[..filled]);
        if filled < chunk.len() {
            break;
        }
        if bytes.len() > MAX_TEXT {
            let remedy = "take a part of it, or write its tokens to an .npy file";
            return Err(Error::input(place, "a longer text", format!("at most {MAX_TEXT} bytes"), remedy));
        }
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let place = format!("{place}: byte {}", error.utf8_error().valid_up_to());
        Error::input(place, "bytes that are no text", "UTF-8", "convert the file, or name another one")
    })?;
    match cut.documents {
        true => documents(&text, place, cut, encode),
        false => {
            let special = Special::of(&text, encode)?;
            let tokens = encode(&text)?;
            let tokens = &tokens[special.before.min(tokens.len())..];
            let tokens = &tokens[..tokens.len().saturating_sub(special.behind)];
            windows(tokens, special.first, place, cut)
        }
    }
}

/// Reads an `.npy` array of token numbers; see the module.
///
/// # Errors
/// When the file cannot be read or is not such an array, or there is not one whole window.
pub fn read_tokens(path: &Path, positions: usize, limit: usize) -> Result<Windows> {
    let place = path.display().to_string();
    let (shape, tokens) = npy::read_tokens(path)?;
    let cut = Cut { positions, documents: false, limit };
    let [_, width] = shape[..] else { return windows(&tokens, None, place, cut) };
    if width != positions && width != positions + 1 {
        let expected = format!("rows of {positions} tokens, the network's input, or of {}", positions + 1);
        return Err(Error::input(place, format!("tokens of shape {shape:?}"), expected, "cut the rows to that length"));
    }
    let mut found = Windows { inputs: Vec::new(), labels: Vec::new(), positions, place };
    tokens.chunks_exact(width.max(1)).take(limit).for_each(|row| found.push(row));
    Ok(found)
}

impl Windows {
    /// Takes a sequence in: each token with the next one, as far as there are.
    fn push(&mut self, sequence: &[u32]) {
        let positions = self.positions;
        let inputs = sequence.iter().copied().chain(std::iter::repeat(PADDING));
        let labels = sequence.iter().skip(1).copied().chain(std::iter::repeat(IGNORED));
        self.inputs.extend(inputs.take(positions));
        self.labels.extend(labels.take(positions));
    }
}

/// What a tokenizer puts around every text.
struct Special {
    /// How many tokens in front.
    before: usize,
    /// How many behind.
    behind: usize,
    /// The last one in front.
    first: Option<u32>,
}

impl Special {
    /// By comparing the tokens of nothing with those of the beginning of `text`.
    fn of(text: &str, encode: &Encode<'_>) -> Result<Self> {
        let around = encode("")?;
        let sample: String = text.chars().take(16).collect();
        let some = encode(&sample)?;
        let before = around.iter().zip(&some).take_while(|(a, b)| a == b).count();
        Ok(Self { before, behind: around.len() - before, first: around[..before].last().copied() })
    }
}

fn windows(tokens: &[u32], first: Option<u32>, place: String, cut: Cut) -> Result<Windows> {
    let Cut { positions, limit, .. } = cut;
    let mut found = Windows { inputs: Vec::new(), labels: Vec::new(), positions, place };
    let needed = positions + usize::from(first.is_none());
    if positions == 0 || tokens.len() < needed {
        let (text, expected) = (format!("{} tokens", tokens.len()), format!("{needed} or more, for one window"));
        return Err(Error::input(found.place, text, expected, "use a longer text, or fewer positions"));
    }
    let count = (tokens.len() - usize::from(first.is_none())) / positions;
    for window in 0..count.min(limit) {
        let start = window * positions;
        match first {
            Some(first) => {
                let sequence: Vec<u32> =
                    std::iter::once(first).chain(tokens[start..start + positions].iter().copied()).collect();
                found.push(&sequence);
            }
            None => found.push(&tokens[start..start + positions + 1]),
        }
    }
    Ok(found)
}

fn documents(text: &str, place: String, cut: Cut, encode: &Encode<'_>) -> Result<Windows> {
    let mut found = Windows { inputs: Vec::new(), labels: Vec::new(), positions: cut.positions, place };
    let mut count = 0;
    for document in split_at_blank_lines(text) {
        if count == cut.limit {
            break;
        }
        let sequence = encode(document)?;
        if sequence.len() >= 2 {
            found.push(&sequence);
            count += 1;
        }
    }
    if found.inputs.is_empty() {
        let remedy = "separate the documents by blank lines, in a text that is not empty";
        return Err(Error::input(found.place, "no document", "one of two tokens or more", remedy));
    }
    Ok(found)
}

/// The texts between lines with nothing but white space, without white space around them.
fn split_at_blank_lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        if rest.is_empty() {
            return None;
        }
        let mut end = 0;
        for line in rest.split_inclusive('\n') {
            if line.trim().is_empty() {
                break;
            }
            end += line.len();
        }
        let (document, behind) = rest.split_at(end);
        rest = behind;
        Some(document.trim_end())
    })
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
