use super::*;
use crate::data::dataset::{Images, Labels};

const SHAPE: [usize; 3] = [2, 4, 3];
const VOLUME: usize = 24;

fn dataset(count: usize) -> Dataset {
    let pixels = Pixels::Bytes((0..count * VOLUME).map(|i| (i * 37 % 256) as u8).collect());
    let values = (0..count).map(|i| (i % 5) as u32).collect();
    let images = Images { pixels, shape: SHAPE, place: "images".into() };
    Dataset::new(images, Labels { values, place: "labels".into() }, SHAPE, 5).unwrap()
}

fn normalization() -> Normalization {
    Normalization::new(vec![0.25, 0.5], vec![0.5, 0.1]).unwrap()
}

fn batches(dataset: &Dataset, epoch: Option<u64>, augmentation: Option<Augmentation>) -> Batches<'_> {
    Batches::new(dataset, normalization(), 8, epoch.map(|epoch| (11, epoch)), augmentation).unwrap()
}

/// All pixels of `dataset` on the scale of 0..=1.
fn scaled(dataset: &Dataset) -> Vec<f32> {
    let Pixels::Bytes(bytes) = dataset.pixels() else { panic!("the data sets here are of bytes") };
    bytes.iter().map(|&byte| f32::from(byte) / 255.0).collect()
}

/// Image `index` as the network sees it without augmentation, worked out one number at a time.
fn expected(dataset: &Dataset, index: usize) -> Vec<f32> {
    let image = &scaled(dataset)[index * VOLUME..(index + 1) * VOLUME];
    let (mean, std) = ([0.25, 0.5], [0.5, 0.1]);
    image.iter().enumerate().map(|(i, x)| (x - mean[i / 12]) / std[i / 12]).collect()
}

/// Place in the data set of every image of `batch`, found by label and pixels; no two images have both in common.
fn places(dataset: &Dataset, batch: &Batch) -> Vec<usize> {
    assert_eq!(batch.images.len(), batch.labels.len() * VOLUME);
    let place = |(image, &label): (&[f32], &u32)| {
        let mut all = 0..dataset.len();
        all.find(|&index| dataset.labels()[index] == label && expected(dataset, index) == image).unwrap()
    };
    batch.images.chunks_exact(VOLUME).zip(&batch.labels).map(place).collect()
}

/// The places of a whole pass, batch by batch.
fn order(dataset: &Dataset, batches: &Batches<'_>) -> Vec<usize> {
    (0..batches.len()).flat_map(|i| places(dataset, &batches.batch(i))).collect()
}

#[test]
fn an_epoch_has_every_image_exactly_once_with_its_label_and_pixels() {
    let dataset = dataset(50);
    for epoch in [None, Some(0), Some(1)] {
        let batches = batches(&dataset, epoch, None);
        assert_eq!(batches.len(), 7);
        let mut seen = [0; 50];
        order(&dataset, &batches).into_iter().for_each(|index| seen[index] += 1);
        assert_eq!(seen, [1; 50]);
    }
}

#[test]
fn floats_and_bytes_of_equal_value_give_equal_batches() {
    let bytes = dataset(9);
    let images = Images { pixels: Pixels::Floats(scaled(&bytes)), shape: SHAPE, place: "images".into() };
    let labels = Labels { values: bytes.labels().to_vec(), place: "labels".into() };
    let floats = Dataset::new(images, labels, SHAPE, 5).unwrap();
    let augmentation = Some(Augmentation { crop_padding: 2, flip: true });
    for i in 0..2 {
        let (from_bytes, from_floats) =
            (batches(&bytes, Some(0), augmentation).batch(i), batches(&floats, Some(0), augmentation).batch(i));
        assert_eq!(from_bytes, from_floats);
    }
}

#[test]
fn without_shuffling_the_order_is_that_of_the_data_set() {
    let dataset = dataset(20);
    assert!(order(&dataset, &batches(&dataset, None, None)).into_iter().eq(0..20));
}

#[test]
fn equal_seeds_give_equal_epochs_and_other_seeds_and_epochs_other_orders() {
    let dataset = dataset(50);
    let augmentation = Some(Augmentation { crop_padding: 1, flip: true });
    let pass = |seed, epoch, augmentation| {
        Batches::new(&dataset, normalization(), 8, Some((seed, epoch)), augmentation).unwrap()
    };
    let augmented = |seed, epoch| -> Vec<Batch> { (0..7).map(|i| pass(seed, epoch, augmentation).batch(i)).collect() };
    assert_eq!(augmented(1, 0), augmented(1, 0));
    let order = |seed, epoch| order(&dataset, &pass(seed, epoch, None));
    assert_ne!(order(1, 0), order(1, 1));
    assert_ne!(order(1, 0), order(2, 0));
}

#[test]
fn a_batch_does_not_depend_on_the_batches_before_or_on_the_threads() {
    let dataset = dataset(50);
    let batches = batches(&dataset, Some(4), Some(Augmentation { crop_padding: 2, flip: true }));
    let fifth = batches.batch(5);
    let single = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert_eq!(single.install(|| batches.batch(5)), fifth);
    let in_order: Vec<Batch> = (0..6).map(|i| batches.batch(i)).collect();
    assert_eq!(in_order[5], fifth);
}

#[test]
fn the_last_batch_has_the_rest_and_those_behind_it_are_empty() {
    let dataset = dataset(20);
    let batches = batches(&dataset, Some(0), None);
    assert_eq!((batches.len(), batches.is_empty()), (3, false));
    for (i, images) in [(0, 8), (1, 8), (2, 4), (3, 0), (usize::MAX, 0)] {
        let batch = batches.batch(i);
        assert_eq!((batch.labels.len(), batch.images.len()), (images, images * VOLUME), "batch {i}");
    }
}

#[test]
fn a_batch_larger_than_the_data_set_has_all_of_it() {
    let dataset = dataset(3);
    let whole = Batches::new(&dataset, normalization(), usize::MAX, None, None).unwrap();
    assert_eq!((whole.len(), places(&dataset, &whole.batch(0))), (1, vec![0, 1, 2]));
}

#[test]
fn crop_and_flip_are_those_drawn_by_hand_from_the_named_stream() {
    let dataset = dataset(16);
    let (seed, epoch, p) = (11, 3, 2usize);
    let batch = batches(&dataset, Some(epoch), Some(Augmentation { crop_padding: p, flip: true })).batch(1);
    let mut shuffled: Vec<usize> = (0..16).collect();
    Stream::new(seed, "shuffle", &[epoch]).shuffle(&mut shuffled);
    let mut mirrored = 0;
    for (i, &index) in shuffled[8..].iter().enumerate() {
        assert_eq!(batch.labels[i], dataset.labels()[index]);
        let image = expected(&dataset, index);
        let mut stream = Stream::new(seed, "augment", &[epoch, index as u64]);
        let (d, r) = (stream.below(2 * p as u64 + 1) as usize, stream.below(2 * p as u64 + 1) as usize);
        let flip = stream.u32() & 1 == 1;
        mirrored += usize::from(flip);
        // An image of (4 + 2p) × (3 + 2p) whose border is black before normalization.
        let mut padded = [-0.5f32, -5.0].map(|black| vec![vec![black; 3 + 2 * p]; 4 + 2 * p]);
        for (j, &x) in image.iter().enumerate() {
            padded[j / 12][p + j % 12 / 3][p + j % 3] = x;
        }
        for (j, &found) in batch.images[i * VOLUME..(i + 1) * VOLUME].iter().enumerate() {
            let x = if flip { 2 - j % 3 } else { j % 3 };
            assert_eq!(found, padded[j / 12][d + j % 12 / 3][r + x], "image {index}, element {j}");
        }
    }
    assert!(0 < mirrored && mirrored < 8, "the seed shows both cases");
}

#[test]
fn arguments_out_of_range_are_refused() {
    let dataset = dataset(4);
    let message = |batch_size, channels, shuffle, crop_padding| {
        let augmentation = Some(Augmentation { crop_padding, flip: false });
        let normalization = Normalization::new(vec![0.0; channels], vec![1.0; channels]).unwrap();
        let batches = Batches::new(&dataset, normalization, batch_size, shuffle, augmentation);
        batches.map(|_| ()).map_err(|error| error.to_string())
    };
    let shuffle = Some((0, 0));
    assert_eq!(message(1, 2, shuffle, 2), Ok(()));
    assert!(message(0, 2, shuffle, 2).unwrap_err().starts_with("batch size: found 0"));
    assert!(message(1, 3, shuffle, 2).unwrap_err().starts_with("normalization: found 3"));
    assert!(message(1, 2, shuffle, 3).unwrap_err().starts_with("padding of the random crop: found 3, expected 0 to 2"));
    assert!(message(1, 2, shuffle, usize::MAX).is_err());
    assert!(message(1, 2, None, 2).is_err());
}
