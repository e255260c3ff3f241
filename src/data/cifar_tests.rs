use super::*;
use proptest::prelude::*;
use std::io::Cursor;

fn input(bytes: Vec<u8>) -> Input {
    Input::new(Box::new(Cursor::new(bytes)), Path::new("x"), "x".into())
}

/// A file of records, each with a label and pixels that depend on record and place.
fn file(labels: &[u8]) -> Vec<u8> {
    let record = |(r, &label): (usize, &u8)| {
        let pixels = (0..VOLUME).map(move |i| (i * 31 + r * 7) as u8);
        std::iter::once(label).chain(pixels).collect::<Vec<u8>>()
    };
    labels.iter().enumerate().flat_map(record).collect()
}

fn read_bytes(bytes: Vec<u8>) -> Result<Dataset> {
    let (images, labels) = records(input(bytes))?;
    Dataset::new(images, labels, SHAPE, 10)
}

#[test]
fn records_are_a_label_and_three_planes() {
    let dataset = read_bytes(file(&[3, 9, 0])).unwrap();
    assert_eq!((dataset.len(), dataset.labels(), dataset.shape()), (3, &[3, 9, 0][..], [3, 32, 32]));
    let Pixels::Bytes(bytes) = dataset.pixels() else { panic!("the format has bytes") };
    // Of record 1: green plane, row 2, column 5.
    let element = 1024 + 2 * 32 + 5;
    assert_eq!((bytes.len(), bytes[VOLUME + element]), (3 * VOLUME, (element * 31 + 7) as u8));
}

#[test]
fn a_file_that_ends_within_a_record_names_the_record() {
    let mut bytes = file(&[1, 2]);
    bytes.pop();
    let message = read_bytes(bytes).unwrap_err().to_string();
    assert!(message.starts_with("x: record 1: found 3072 bytes before the end of the file"), "{message}");
}

#[test]
fn a_label_beyond_the_classes_names_the_record() {
    let message = read_bytes(file(&[1, 2, 10])).unwrap_err().to_string();
    assert!(message.starts_with("x: record 2: found label 10, expected a label below 10"), "{message}");
}

#[test]
fn an_empty_file_and_another_network_are_refused() {
    assert!(read_bytes(vec![]).unwrap_err().to_string().contains("found 0 numbers"));
    let (images, labels) = records(input(file(&[1]))).unwrap();
    let message = Dataset::new(images, labels, [1, 28, 28], 10).unwrap_err().to_string();
    assert!(message.contains("found images of 3 × 32 × 32"), "{message}");
}

proptest! {
    #[test]
    fn a_file_is_read_exactly_if_it_is_whole_records(
        labels in proptest::collection::vec(0u8..10, 0..4), cut in 0usize..4000,
    ) {
        let mut bytes = file(&labels);
        bytes.truncate(bytes.len().saturating_sub(cut));
        let len = bytes.len();
        match read_bytes(bytes) {
            Ok(dataset) => {
                prop_assert!(len > 0 && len.is_multiple_of(RECORD));
                let expected = labels[..len / RECORD].iter().map(|&label| u32::from(label));
                prop_assert!(dataset.labels().iter().copied().eq(expected));
            }
            Err(_) => prop_assert!(len == 0 || !len.is_multiple_of(RECORD)),
        }
    }

    #[test]
    fn a_changed_byte_is_a_pixel_a_label_or_an_error(at in 0usize..2 * RECORD, byte in any::<u8>()) {
        let mut bytes = file(&[4, 5]);
        bytes[at] = byte;
        prop_assert_eq!(read_bytes(bytes).is_ok(), at % RECORD != 0 || byte < 10);
    }
}
