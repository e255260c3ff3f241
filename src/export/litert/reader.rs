//! Reads TensorFlow Lite files in tests: the published layout of flatbuffers, walked by hand and apart from the writer.

use crate::export::litert::schema::Element;

/// A table at a place of a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Table<'a> {
    file: &'a [u8],
    at: usize,
}

/// A tensor as it stands in a file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Read {
    pub name: String,
    pub shape: Vec<i32>,
    pub element: u8,
    pub data: Vec<u8>,
    /// Where the data begins.
    pub at: usize,
    pub scale: Vec<f32>,
    pub zero_point: Vec<i64>,
    pub dimension: i32,
}

impl<'a> Table<'a> {
    /// The root of a file.
    pub fn root(file: &'a [u8]) -> Self {
        assert_eq!(&file[4..8], b"TFL3");
        Self { file, at: int(file, 0) as usize }
    }

    /// Where a field stands, by its id.
    fn place(self, id: usize) -> Option<usize> {
        let directory = (self.at as i64 - i64::from(int(self.file, self.at))) as usize;
        let size = usize::from(u16::from_le_bytes([self.file[directory], self.file[directory + 1]]));
        let entry = directory + 4 + 2 * id;
        if 4 + 2 * id >= size {
            return None;
        }
        let offset = usize::from(u16::from_le_bytes([self.file[entry], self.file[entry + 1]]));
        (offset != 0).then_some(self.at + offset)
    }

    pub fn int(self, id: usize) -> i32 {
        self.place(id).map_or(0, |at| int(self.file, at))
    }

    pub fn byte(self, id: usize) -> u8 {
        self.place(id).map_or(0, |at| self.file[at])
    }

    pub fn table(self, id: usize) -> Option<Table<'a>> {
        let at = self.place(id)?;
        Some(Table { file: self.file, at: at + int(self.file, at) as usize })
    }

    /// Elements of a vector, of `width` bytes each, and where they begin.
    fn vector(self, id: usize, width: usize) -> (usize, &'a [u8]) {
        let Some(at) = self.place(id) else { return (0, &[]) };
        let start = at + int(self.file, at) as usize;
        let length = int(self.file, start) as usize * width;
        (start + 4, &self.file[start + 4..start + 4 + length])
    }

    pub fn tables(self, id: usize) -> Vec<Table<'a>> {
        let (start, bytes) = self.vector(id, 4);
        let entry = |at: usize| Table { file: self.file, at: at + int(self.file, at) as usize };
        (0..bytes.len() / 4).map(|i| entry(start + 4 * i)).collect()
    }

    pub fn ints(self, id: usize) -> Vec<i32> {
        self.vector(id, 4).1.chunks(4).map(|c| i32::from_le_bytes(c.try_into().unwrap())).collect()
    }
}

fn int(file: &[u8], at: usize) -> i32 {
    i32::from_le_bytes(file[at..at + 4].try_into().unwrap())
}

/// All tensors of a file.
pub(super) fn tensors(file: &[u8]) -> Vec<Read> {
    let model = Table::root(file);
    let buffers = model.tables(4);
    let read = |t: Table<'_>| {
        let (at, data) = buffers[t.int(2) as usize].vector(0, 1);
        let quantization = t.table(4);
        let vector = |id, width| quantization.map_or(&[][..], |q| q.vector(id, width).1);
        Read {
            name: String::from_utf8(t.vector(3, 1).1.to_vec()).unwrap(),
            shape: t.ints(0),
            element: t.byte(1),
            data: data.to_vec(),
            at,
            scale: vector(2, 4).chunks(4).map(|c| f32::from_le_bytes(c.try_into().unwrap())).collect(),
            zero_point: vector(3, 8).chunks(8).map(|c| i64::from_le_bytes(c.try_into().unwrap())).collect(),
            dimension: quantization.map_or(0, |q| q.int(6)),
        }
    };
    model.tables(2)[0].tables(0).into_iter().map(read).collect()
}

/// Numbers of the operators of a file, in order, with the names of their outputs.
pub(super) fn operators(file: &[u8]) -> Vec<(i32, String)> {
    let model = Table::root(file);
    let (codes, tensors) = (model.tables(1), tensors(file));
    let number = |o: &Table<'_>| codes[o.int(0) as usize].int(3);
    let name = |o: &Table<'_>| tensors[o.ints(2)[0] as usize].name.clone();
    model.tables(2)[0].tables(3).iter().map(|o| (number(o), name(o))).collect()
}

/// Codes of a tensor of integers.
pub(super) fn codes(tensor: &Read) -> Vec<i8> {
    if tensor.element == Element::Int8 as u8 {
        return tensor.data.iter().map(|&byte| byte as i8).collect();
    }
    assert_eq!(tensor.element, Element::Int4 as u8);
    let count = tensor.shape.iter().product::<i32>() as usize;
    let halves = tensor.data.iter().flat_map(|&byte| [(byte << 4) as i8 >> 4, byte as i8 >> 4]);
    halves.take(count).collect()
}
