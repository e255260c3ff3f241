//! A reader of GGUF for the tests, written after docs/gguf.md of ggml.

use std::collections::BTreeMap;

/// A tensor of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundTensor {
    pub shape: Vec<usize>,
    pub ggml: u32,
    pub bytes: Vec<u8>,
}

/// A file.
#[derive(Debug, Default)]
pub struct Content {
    texts: BTreeMap<String, String>,
    numbers: BTreeMap<String, f64>,
    pub tensors: BTreeMap<String, FoundTensor>,
}

impl Content {
    pub fn text(&self, key: &str) -> &str {
        &self.texts[key]
    }

    pub fn number(&self, key: &str) -> f64 {
        self.numbers[key]
    }
}

struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (head, rest) = self.0.split_at(N);
        self.0 = rest;
        head.try_into().unwrap()
    }

    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    fn u64(&mut self) -> usize {
        u64::from_le_bytes(self.take()) as usize
    }

    fn text(&mut self) -> String {
        let length = self.u64();
        let (head, rest) = self.0.split_at(length);
        self.0 = rest;
        String::from_utf8(head.to_vec()).unwrap()
    }

    fn value(&mut self, kind: u32) -> (Option<String>, Option<f64>) {
        match kind {
            4 => (None, Some(f64::from(self.u32()))),
            5 => (None, Some(f64::from(self.u32() as i32))),
            6 => (None, Some(f64::from(f32::from_le_bytes(self.take())))),
            7 => (None, Some(f64::from(self.take::<1>()[0]))),
            8 => (Some(self.text()), None),
            9 => {
                let (element, length) = (self.u32(), self.u64());
                (0..length).for_each(|_| drop(self.value(element)));
                (None, None)
            }
            other => panic!("type {other}"),
        }
    }
}

/// Everything in a file; bytes of a tensor reach to the next one or to the end, padding cut by size.
pub fn read(bytes: &[u8]) -> Content {
    let mut cursor = Cursor(bytes);
    assert_eq!((&cursor.take::<4>(), cursor.u32()), (b"GGUF", 3));
    let (tensors, keys) = (cursor.u64(), cursor.u64());
    let mut content = Content::default();
    for _ in 0..keys {
        let (key, kind) = (cursor.text(), cursor.u32());
        let (text, number) = cursor.value(kind);
        content.texts.extend(text.map(|text| (key.clone(), text)));
        content.numbers.extend(number.map(|number| (key, number)));
    }
    let mut found = Vec::new();
    for _ in 0..tensors {
        let name = cursor.text();
        let axes = cursor.u32();
        let mut shape: Vec<usize> = (0..axes).map(|_| cursor.u64()).collect();
        shape.reverse();
        found.push((name, shape, cursor.u32(), cursor.u64()));
    }
    let start = (bytes.len() - cursor.0.len()).next_multiple_of(32);
    for (name, shape, ggml, offset) in found {
        assert!(offset.is_multiple_of(32), "{name}");
        let (block, size) = match ggml {
            0 => (1, 4),
            2 => (32, 18),
            6 => (32, 22),
            8 => (32, 34),
            10 => (256, 84),
            other => panic!("type {other}"),
        };
        let length = shape.iter().product::<usize>() / block * size;
        let bytes = bytes[start + offset..start + offset + length].to_vec();
        content.tensors.insert(name, FoundTensor { shape, ggml, bytes });
    }
    content
}
