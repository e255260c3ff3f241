use super::*;
use npyz::WriterBuilder;
use proptest::prelude::*;
use std::io::Cursor;

fn input(bytes: &[u8]) -> Input {
    Input::new(Box::new(Cursor::new(bytes.to_vec())), Path::new("x"), "x".into())
}

/// An array written by an independent implementation of the format.
fn npy<T: npyz::Serialize>(descr: &str, order: npyz::Order, shape: &[u64], values: &[T]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let dtype = npyz::DType::new_scalar(descr.parse().unwrap());
    let options = npyz::WriteOptions::new().dtype(dtype).shape(shape).order(order);
    let mut writer = options.writer(&mut bytes).begin_nd().unwrap();
    values.iter().for_each(|value| writer.push(value).unwrap());
    writer.finish().unwrap();
    bytes
}

fn c_order<T: npyz::Serialize>(descr: &str, shape: &[u64], values: &[T]) -> Vec<u8> {
    npy(descr, npyz::Order::C, shape, values)
}

fn image_message(bytes: &[u8]) -> String {
    images(input(bytes)).unwrap_err().to_string()
}

fn label_message(bytes: &[u8], expected: usize) -> String {
    labels(input(bytes), expected).unwrap_err().to_string()
}

#[test]
fn images_of_all_three_types_and_both_byte_orders_keep_their_values() {
    let bytes: Vec<u8> = (0..12).collect();
    let read = images(input(&c_order("|u1", &[2, 2, 3], &bytes))).unwrap();
    assert_eq!((read.shape, &read.pixels), ([1, 2, 3], &Pixels::Bytes(bytes)));
    let floats: Vec<f32> = (0..12).map(|i| i as f32 / 7.0 - 1.0).collect();
    let doubles: Vec<f64> = floats.iter().map(|&x| f64::from(x)).collect();
    for written in [
        c_order("<f4", &[1, 3, 2, 2], &floats),
        c_order(">f4", &[1, 3, 2, 2], &floats),
        c_order("<f8", &[1, 3, 2, 2], &doubles),
        c_order(">f8", &[1, 3, 2, 2], &doubles),
    ] {
        let read = images(input(&written)).unwrap();
        assert_eq!((read.shape, &read.pixels), ([3, 2, 2], &Pixels::Floats(floats.clone())));
    }
}

#[test]
fn labels_of_all_integer_types_keep_their_values() {
    let values = [0u8, 1, 100, 7];
    let wide = values.map(i64::from);
    for written in [
        c_order("|u1", &[4], &values),
        c_order("|i1", &[4], &values.map(|x| x as i8)),
        c_order("<u2", &[4], &values.map(u16::from)),
        c_order(">i2", &[4], &values.map(i16::from)),
        c_order(">u4", &[4], &values.map(u32::from)),
        c_order("<i4", &[4], &values.map(i32::from)),
        c_order("<u8", &[4], &values.map(u64::from)),
        c_order("<i8", &[4], &wide),
        c_order(">i8", &[4], &wide),
    ] {
        assert_eq!(labels(input(&written), 4).unwrap().values, [0, 1, 100, 7]);
    }
}

#[test]
fn labels_out_of_range_name_the_record() {
    let message = label_message(&c_order("<i8", &[3], &[1i64, -1, -2]), 3);
    assert!(message.starts_with("x: record 1: found label -1, expected a class number"), "{message}");
    let message = label_message(&c_order("<u8", &[2], &[0, u64::MAX]), 2);
    assert!(message.starts_with("x: record 1: found label 18446744073709551615"), "{message}");
}

#[test]
fn labels_of_another_count_rank_or_type_are_refused() {
    assert!(
        label_message(&c_order("<i4", &[2], &[1, 2]), 3).contains("found labels of shape [2], expected the shape [3]")
    );
    assert!(label_message(&c_order("<i4", &[2, 1], &[1, 2]), 2).contains("found labels of shape [2, 1]"));
    assert!(label_message(&c_order("<f4", &[1], &[1f32]), 1).contains("found elements of type f4"));
    assert!(label_message(&c_order("|b1", &[1], &[true]), 1).contains("found elements of type b1"));
}

#[test]
fn images_of_another_rank_type_or_order_are_refused() {
    assert!(image_message(&c_order("|u1", &[2, 2], &[1u8; 4])).contains("found the shape [2, 2]"));
    assert!(
        image_message(&c_order("<i4", &[1, 2, 2], &[1; 4])).contains("found elements of type i4, expected elements")
    );
    let fortran = npy("<f4", npyz::Order::Fortran, &[1, 2, 2], &[1f32; 4]);
    assert!(image_message(&fortran).contains("found an array in Fortran order"));
}

#[test]
fn truncated_and_too_long_arrays_are_refused() {
    let bytes = c_order("<f4", &[2, 2, 2], &[1f32; 8]);
    for len in 0..bytes.len() {
        assert!(image_message(&bytes[..len]).contains("found the end of the file"), "{len} bytes");
    }
    assert!(image_message(&[&bytes[..], &[0]].concat()).contains("found further bytes"));
}

#[test]
fn doubles_beyond_the_range_of_f32_become_infinite_and_so_an_error_of_the_data_set() {
    let read = images(input(&c_order("<f8", &[1, 1, 2], &[1.0, 1e300]))).unwrap();
    assert_eq!(read.pixels, Pixels::Floats(vec![1.0, f32::INFINITY]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_bytes_after_the_magic_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for start in [&b""[..], b"\x93NUMPY\x01\x00", b"\x93NUMPY\x02\x00\x80\x00\x00\x00{'descr': '"] {
            let bytes = [start, &bytes].concat();
            let _ = (images(input(&bytes)), labels(input(&bytes), 3));
        }
    }

    #[test]
    fn a_changed_byte_never_changes_the_number_of_pixels_unseen(at in 0usize..152, byte in any::<u8>()) {
        let mut bytes = c_order("<f4", &[2, 1, 3], &[0.5f32; 6]);
        prop_assert_eq!(bytes.len(), 152);
        bytes[at] = byte;
        if let Ok(read) = images(input(&bytes)) {
            let size = if matches!(read.pixels, Pixels::Bytes(_)) { 1 } else { 4 };
            prop_assert_eq!(read.pixels.len() * size, 24);
        }
    }
}
