//! Texts against windows written out by hand, with a tokenizer of one token a letter.

use super::*;
use crate::data::{Dataset, Pixels, counted};
use std::path::PathBuf;

/// `a` is 10, `b` 11, …; white space has no token.
fn letters(text: &str) -> Vec<u32> {
    text.bytes().filter(u8::is_ascii_lowercase).map(|letter| u32::from(letter - b'a') + 10).collect()
}

fn plain(text: &str) -> Result<Vec<u32>> {
    Ok(letters(text))
}

/// 1 in front and 2 behind.
fn marked(text: &str) -> Result<Vec<u32>> {
    Ok([vec![1], letters(text), vec![2]].concat())
}

/// 2 behind.
fn ended(text: &str) -> Result<Vec<u32>> {
    Ok([letters(text), vec![2]].concat())
}

fn file(content: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("text.txt");
    std::fs::write(&path, content).unwrap();
    (folder, path)
}

fn cut(positions: usize, documents: bool) -> Cut {
    Cut { positions, documents, limit: usize::MAX }
}

fn read(text: &str, cut: Cut, encode: &Encode<'_>) -> Result<Windows> {
    let (_folder, path) = file(text.as_bytes());
    read_text(&path, cut, encode)
}

fn message<T: std::fmt::Debug>(result: Result<T>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn without_a_token_in_front_each_window_predicts_one_further_than_it_reads() {
    let found = read("abc def gh", cut(3, false), &plain).unwrap();
    assert_eq!(found.inputs, [10, 11, 12, 13, 14, 15]);
    assert_eq!(found.labels, [11, 12, 13, 14, 15, 16]);
    // The same with a token behind the text, which is none of its own.
    assert_eq!(read("abc def gh", cut(3, false), &ended).unwrap().labels, found.labels);
    assert_eq!(read("abc def gh", Cut { limit: 1, ..cut(3, false) }, &plain).unwrap().inputs, [10, 11, 12]);
}

#[test]
fn a_token_in_front_of_a_text_is_in_front_of_every_window() {
    let found = read("abc def gh", cut(4, false), &marked).unwrap();
    assert_eq!(found.inputs, [1, 10, 11, 12, 1, 14, 15, 16]);
    assert_eq!(found.labels, [10, 11, 12, 13, 14, 15, 16, 17]);
}

#[test]
fn documents_are_windows_of_their_own_and_what_is_behind_them_does_not_count() {
    let found = read("\n\nab\nc\n \t\n\nde\r\n\r\n\n", cut(4, true), &marked).unwrap();
    assert_eq!(found.inputs, [1, 10, 11, 12, 1, 13, 14, 2]);
    assert_eq!(found.labels, [10, 11, 12, 2, 13, 14, 2, IGNORED]);
    assert_eq!(counted(&found.labels), 7);
    // One token predicts nothing; a longer document is cut.
    let found = read("a\n\nabcdef", cut(3, true), &plain).unwrap();
    assert_eq!((&found.inputs[..], &found.labels[..]), (&[10, 11, 12][..], &[11, 12, 13][..]));
}

#[test]
fn texts_that_give_no_window_are_refused() {
    assert!(message(read("", cut(3, false), &plain)).contains("found 0 tokens, expected 4 or more, for one window"));
    assert!(message(read("abc", cut(3, false), &plain)).contains("found 3 tokens, expected 4 or more"));
    assert!(read("abc", cut(3, false), &marked).is_ok());
    assert!(message(read("ab", cut(3, false), &marked)).contains("found 2 tokens, expected 3 or more"));
    assert!(message(read(" \n\n \n", cut(3, true), &plain)).contains("found no document"));
    let (_folder, path) = file(b"ab\xff");
    assert!(message(read_text(&path, cut(1, false), &plain)).contains("byte 2: found bytes that are no text"));
}

#[test]
fn a_token_beyond_the_vocabulary_is_refused_with_its_place() {
    let windows = || read("abcdefg", cut(3, false), &plain).unwrap();
    let dataset = Dataset::of_windows(windows(), 17).unwrap();
    assert_eq!((dataset.len(), dataset.predictions_per_sample(), dataset.input_shape()), (2, 3, vec![3]));
    assert_eq!(dataset.pixels(), &Pixels::Tokens(vec![10, 11, 12, 13, 14, 15]));
    let refused = message(Dataset::of_windows(windows(), 15));
    assert!(refused.contains("window 1, position 2: found token 15, expected a token below 15"), "{refused}");
    // The largest stands among the labels only.
    let refused = message(Dataset::of_windows(windows(), 16));
    assert!(refused.contains("window 1, position 2: found token 16, expected a token below 16"), "{refused}");
    assert!(message(Dataset::of_windows(windows(), (1 << 24) + 1)).contains("at most 16777216"));
}

fn npy(descr: &str, shape: &[usize], bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let sizes: Vec<String> = shape.iter().map(|size| format!("{size},")).collect();
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({}), }}\n", sizes.concat());
    let start = [&b"\x93NUMPY\x01\x00"[..], &(header.len() as u16).to_le_bytes(), header.as_bytes(), bytes].concat();
    file(&start)
}

#[test]
fn arrays_of_tokens_are_texts_or_rows() {
    let numbers: Vec<u8> = [5u16, 6, 7, 8, 9, 10].iter().flat_map(|n| n.to_le_bytes()).collect();
    let windows = |shape: &[usize], positions: usize| {
        let (_folder, path) = npy("<u2", shape, &numbers);
        read_tokens(&path, positions, usize::MAX)
    };
    let found = windows(&[6], 2).unwrap();
    assert_eq!((&found.inputs[..], &found.labels[..]), (&[5, 6, 7, 8][..], &[6, 7, 8, 9][..]));
    let found = windows(&[2, 3], 2).unwrap();
    assert_eq!((&found.inputs[..], &found.labels[..]), (&[5, 6, 8, 9][..], &[6, 7, 9, 10][..]));
    let found = windows(&[2, 3], 3).unwrap();
    assert_eq!(
        (&found.inputs[..], &found.labels[..]),
        (&[5, 6, 7, 8, 9, 10][..], &[6, 7, IGNORED, 9, 10, IGNORED][..])
    );
    assert!(message(windows(&[2, 3], 4)).contains("expected rows of 4 tokens, the network's input, or of 5"));
    assert!(message(windows(&[6], 6)).contains("found 6 tokens, expected 7 or more"));
    assert!(message(windows(&[1, 2, 3], 2)).contains("found tokens of shape [1, 2, 3]"));
    // Rows of one token have nothing to predict.
    assert!(
        message(Dataset::of_windows(windows(&[6, 1], 1).unwrap(), 11)).contains("window 0: found nothing to predict")
    );
}

#[test]
fn arrays_of_other_types_and_numbers_are_refused() {
    let (_folder, path) = npy("<f4", &[2], &[0; 8]);
    assert!(
        message(read_tokens(&path, 1, 1)).contains("found elements of type f4, expected tokens of an integer type")
    );
    let (_folder, path) = npy("<i8", &[2], &[[0; 8], (-1i64).to_le_bytes()].concat());
    assert!(message(read_tokens(&path, 1, 1)).contains("record 1: found token -1, expected a number from 0"));
}
