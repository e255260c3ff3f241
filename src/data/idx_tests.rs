use super::*;
use proptest::prelude::*;
use std::io::{Cursor, Write};

fn input(bytes: &[u8]) -> Input {
    Input::new(Box::new(Cursor::new(bytes.to_vec())), Path::new("x"), "x".into())
}

/// An IDX file, written by the description of the format.
fn idx(kind: u8, sizes: &[u32], elements: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, kind, sizes.len() as u8];
    sizes.iter().for_each(|size| file.extend(size.to_be_bytes()));
    file.extend(elements);
    file
}

fn image_message(bytes: &[u8]) -> String {
    images(input(bytes)).unwrap_err().to_string()
}

#[test]
fn one_and_three_channel_images_keep_their_bytes() {
    let pixels: Vec<u8> = (0..24).collect();
    let grey = images(input(&idx(8, &[4, 2, 3], &pixels))).unwrap();
    assert_eq!((grey.shape, grey.len(), &grey.pixels), ([1, 2, 3], 4, &Pixels::Bytes(pixels.clone())));
    let colour = images(input(&idx(8, &[2, 3, 1, 4], &pixels))).unwrap();
    assert_eq!((colour.shape, colour.len(), &colour.pixels), ([3, 1, 4], 2, &Pixels::Bytes(pixels)));
}

#[test]
fn labels_keep_their_order() {
    assert_eq!(labels(input(&idx(8, &[4], &[3, 255, 0, 7])), 4).unwrap().values, [3, 255, 0, 7]);
}

#[test]
fn gzip_files_read_like_plain_ones_whatever_their_name() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = idx(8, &[2, 1, 2], &[1, 2, 3, 4]);
    let (plain, packed) = (folder.path().join("a.gz"), folder.path().join("b"));
    std::fs::write(&plain, &bytes).unwrap();
    let mut encoder =
        flate2::write::GzEncoder::new(std::fs::File::create(&packed).unwrap(), flate2::Compression::best());
    encoder.write_all(&bytes).unwrap();
    encoder.finish().unwrap();
    assert_eq!(read_images(&plain).unwrap().pixels, read_images(&packed).unwrap().pixels);
}

#[test]
fn another_file_type_is_refused_by_its_first_bytes() {
    let message = image_message(b"\x89PNG\r\n\x1a\n");
    assert!(
        message.starts_with("x: byte 0: found the bytes 89 50 4e 47, expected 00 00 08 03 or 04 (IDX"),
        "{message}"
    );
}

#[test]
fn other_elements_are_refused_by_name() {
    let message = image_message(&idx(0x0d, &[1, 1, 1], &[0; 4]));
    assert!(message.contains("elements of type 0x0d (f32)"), "{message}");
}

#[test]
fn exchanged_image_and_label_files_are_seen() {
    let message = labels(input(&idx(8, &[1, 1, 1], &[0])), 1).unwrap_err().to_string();
    assert!(message.contains("an array of rank 3") && message.contains("not exchanged"), "{message}");
    assert!(image_message(&idx(8, &[1], &[0])).contains("an array of rank 1"));
}

#[test]
fn another_number_of_labels_than_images_is_refused_before_they_are_read() {
    let message = labels(input(&idx(8, &[u32::MAX], &[])), 3).unwrap_err().to_string();
    assert!(message.starts_with("x: byte 8: found 4294967295 labels, expected 3, one for each image"), "{message}");
}

#[test]
fn a_truncated_file_names_the_offset_and_what_is_missing() {
    let bytes = idx(8, &[2, 2, 2], &[9; 8]);
    for len in 0..bytes.len() {
        let message = image_message(&bytes[..len]);
        assert!(message.starts_with(&format!("x: byte {len}: found the end of the file")), "{message}");
    }
    assert!(image_message(&bytes[..20]).contains("expected 4 more bytes"));
}

#[test]
fn further_bytes_are_refused() {
    let message = image_message(&idx(8, &[2, 2, 2], &[9; 9]));
    assert!(message.starts_with("x: byte 24: found further bytes"), "{message}");
}

#[test]
fn sizes_beyond_the_limit_or_beyond_all_numbers_are_refused() {
    for sizes in [&[u32::MAX, u32::MAX, u32::MAX][..], &[u32::MAX; 4], &[1 << 20, 1 << 10, (1 << 3) + 1]] {
        assert!(image_message(&idx(8, sizes, &[])).contains(&format!("at most {MAX_BYTES} bytes")));
    }
    // Within the limit: then the file is truncated, and memory grows with its few bytes only.
    assert!(image_message(&idx(8, &[1 << 20, 1 << 10, 1 << 3], &[1; 10])).contains("more bytes, as the header says"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let _ = (images(input(&bytes)), labels(input(&bytes), 3));
    }

    #[test]
    fn one_changed_byte_is_refused_or_changes_nothing_but_pixels(at in 0usize..40, byte in any::<u8>()) {
        let original = idx(8, &[3, 2, 4], &[5; 24]);
        let mut changed = original.clone();
        changed[at] = byte;
        match images(input(&changed)) {
            Ok(images) => {
                prop_assert!(changed[..16] == original[..16]);
                prop_assert_eq!(images.pixels, Pixels::Bytes(changed[16..].to_vec()));
            }
            Err(_) => prop_assert!(changed[..16] != original[..16]),
        }
    }

    #[test]
    fn what_is_written_is_read(n in 0u32..4, c in 1u32..4, h in 1u32..5, w in 1u32..5, seed in any::<u8>()) {
        let pixels: Vec<u8> = (0..n * c * h * w).map(|i| (i as u8).wrapping_mul(seed)).collect();
        let read = images(input(&idx(8, &[n, c, h, w], &pixels))).unwrap();
        prop_assert_eq!((read.shape, read.len()), ([c as usize, h as usize, w as usize], n as usize));
        prop_assert_eq!(read.pixels, Pixels::Bytes(pixels));
    }
}
