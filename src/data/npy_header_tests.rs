use super::*;
use proptest::prelude::*;
use std::io::Cursor;
use std::path::Path;

fn input(bytes: Vec<u8>) -> Input {
    Input::new(Box::new(Cursor::new(bytes)), Path::new("x"), "x".into())
}

/// Magic, version and length before a header.
fn with_preamble(major: u8, header: &[u8]) -> Vec<u8> {
    let mut bytes = [&MAGIC[..], &[major, 0]].concat();
    match major {
        1 => bytes.extend((header.len() as u16).to_le_bytes()),
        _ => bytes.extend((header.len() as u32).to_le_bytes()),
    }
    bytes.extend(header);
    bytes
}

fn read(header: &str) -> Result<Header> {
    Header::read(&mut input(with_preamble(1, header.as_bytes())))
}

#[test]
fn headers_as_numpy_writes_them_are_read_in_all_three_versions() {
    let text = b"{'descr': '<f4', 'fortran_order': False, 'shape': (10, 3, 28, 28), }        \n";
    for major in 1..=3 {
        let header = Header::read(&mut input(with_preamble(major, text))).unwrap();
        let expected =
            Header { kind: Kind::Float, size: 4, big_endian: false, fortran_order: false, shape: vec![10, 3, 28, 28] };
        assert_eq!(header, expected);
    }
}

#[test]
fn keys_may_come_in_any_order_and_shapes_of_any_rank() {
    let header = read("{\"shape\":(7,),'fortran_order':True,'descr':'>i8'}").unwrap();
    assert_eq!((header.kind, header.size, header.big_endian), (Kind::Signed, 8, true));
    assert_eq!((header.fortran_order, header.shape), (true, vec![7]));
    assert!(read("{'descr': '|u1', 'fortran_order': False, 'shape': ()}").unwrap().shape.is_empty());
    assert_eq!(read("{'descr': '|u1', 'fortran_order': False, 'shape': (2L, 3L)}").unwrap().shape, [2, 3]);
}

#[test]
fn headers_outside_the_grammar_are_refused() {
    for header in [
        "",
        "{}",
        "{'descr': '<f4', 'fortran_order': False}",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': 1}",
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}",
        "{'descr': 'f4', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f+4', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1 2)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} {}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)",
    ] {
        let message = read(header).unwrap_err().to_string();
        assert!(message.contains("found the header"), "{header}: {message}");
    }
}

#[test]
fn deep_nesting_is_refused_without_recursion() {
    for open in ["[", "(", "{", "{'descr':", "-"] {
        assert!(read(&open.repeat(MAX_HEADER / open.len())).is_err());
    }
    let shape = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({})}}", "1,".repeat(MAX_RANK + 2));
    assert!(read(&shape).is_err());
}

#[test]
fn other_magic_version_and_length_are_refused() {
    let message = |bytes| Header::read(&mut input(bytes)).unwrap_err().to_string();
    assert!(message(b"PK\x03\x04\x14\x00\x00\x00".to_vec()).contains("the first bytes of an .npy array"));
    assert!(message(with_preamble(4, b"")).contains("format version 4.0"));
    assert!(message(with_preamble(2, &[b' '; MAX_HEADER + 1])).contains("a header of 10001 bytes"));
    let mut long = with_preamble(2, b"{}");
    long[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(message(long).contains("a header of 4294967295 bytes"));
    assert!(message(with_preamble(1, b"{'descr'")[..12].to_vec()).contains("the end of the file"));
}

#[test]
fn element_counts_are_bounded_and_in_c_order() {
    let elements = |size, fortran_order, shape: &[usize]| {
        let header = Header { kind: Kind::Float, size, big_endian: false, fortran_order, shape: shape.to_vec() };
        header.elements(&input(vec![])).map_err(|error| error.to_string())
    };
    assert_eq!(elements(8, false, &[1 << 30]), Ok(1 << 30));
    assert!(elements(8, false, &[(1 << 30) + 1]).unwrap_err().contains("at most 8589934592 bytes"));
    assert!(elements(4, false, &[usize::MAX, usize::MAX]).is_err());
    assert!(elements(usize::MAX, false, &[2]).is_err());
    assert_eq!(elements(4, true, &[5]), Ok(5));
    assert!(elements(4, true, &[5, 2]).unwrap_err().contains("Fortran order"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_header_is_read_or_refused(text in "[{}()\\[\\]',:<>|0-9a-zA-Z_ L]{0,80}") {
        let _ = read(&text);
    }

    #[test]
    fn what_is_formatted_is_read(
        kind in "[uif]", size in 1usize..9, big_endian in any::<bool>(), fortran_order in any::<bool>(),
        shape in proptest::collection::vec(any::<u32>(), 0..5),
    ) {
        let order = if big_endian { '>' } else { '<' };
        let python = if fortran_order { "True" } else { "False" };
        let sizes: String = shape.iter().map(|size| format!("{size}, ")).collect();
        let header = read(&format!("{{'descr': '{order}{kind}{size}', 'fortran_order': {python}, 'shape': ({sizes})}}"));
        let header = header.unwrap();
        prop_assert_eq!(header.type_name(), format!("elements of type {kind}{size}"));
        prop_assert_eq!((header.big_endian, header.fortran_order), (big_endian, fortran_order));
        prop_assert!(header.shape.iter().copied().eq(shape.iter().map(|&size| size as usize)));
    }
}
