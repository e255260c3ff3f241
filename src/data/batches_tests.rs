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

/// Image `index` as the network sees it without augmentation, worked out one number at a time.
fn expected(dataset: &Dataset, index: usize) -> Vec<f32> {
    let mut image = vec![0.0; VOLUME];
    dataset.image_f32(index, &mut image);
    let (mean, std) = ([0.25, 0.5], [0.5, 0.1]);
    image.iter().enumerate().map(|(i, x)| (x - mean[i / 12]) / std[i / 12]).collect()
}

#[test]
fn an_epoch_has_every_image_exactly_once_with_its_label_and_pixels() {
    let dataset = dataset(50);
    for epoch in [None, Some(0), Some(1)] {
        let batches = batches(&dataset, epoch, None);
        assert_eq!(batches.len(), 7);
        let mut seen = vec![0; 50];
        for batch in batches.from(0) {
            assert_eq!(batch.images.len(), batch.indices.len() * VOLUME);
            for (i, &index) in batch.indices.iter().enumerate() {
                seen[index] += 1;
                assert_eq!(batch.labels[i], dataset.labels()[index]);
                assert_eq!(batch.images[i * VOLUME..(i + 1) * VOLUME], expected(&dataset, index));
            }
        }
        assert_eq!(seen, [1; 50]);
    }
}

#[test]
fn floats_and_bytes_of_equal_value_give_equal_batches() {
    let bytes = dataset(9);
    let mut pixels = vec![0.0; 9 * VOLUME];
    pixels.chunks_exact_mut(VOLUME).enumerate().for_each(|(i, image)| bytes.image_f32(i, image));
    let images = Images { pixels: Pixels::Floats(pixels), shape: SHAPE, place: "images".into() };
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
    let indices: Vec<usize> = batches(&dataset, None, None).from(0).flat_map(|batch| batch.indices).collect();
    assert!(indices.iter().copied().eq(0..20));
}

#[test]
fn equal_seeds_give_equal_epochs_and_other_seeds_and_epochs_other_orders() {
    let dataset = dataset(50);
    let augmentation = Some(Augmentation { crop_padding: 1, flip: true });
    let pass = |seed, epoch| -> Vec<Batch> {
        Batches::new(&dataset, normalization(), 8, Some((seed, epoch)), augmentation).unwrap().from(0).collect()
    };
    assert_eq!(pass(1, 0), pass(1, 0));
    let order = |seed, epoch| -> Vec<usize> { pass(seed, epoch).into_iter().flat_map(|batch| batch.indices).collect() };
    assert_ne!(order(1, 0), order(1, 1));
    assert_ne!(order(1, 0), order(2, 0));
}

#[test]
fn a_batch_does_not_depend_on_the_batches_before_or_on_the_threads() {
    let dataset = dataset(50);
    let batches = batches(&dataset, Some(4), Some(Augmentation { crop_padding: 2, flip: true }));
    let fifth = batches.batch(5);
    let single = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert_eq!(single.install(|| batches.from(5).next()), Some(fifth.clone()));
    assert_eq!(batches.from(0).nth(5), Some(fifth));
}

#[test]
fn the_last_batch_has_the_rest_and_may_be_left_out() {
    let dataset = dataset(20);
    let all = batches(&dataset, Some(0), None);
    assert_eq!((all.len(), all.batch(2).indices.len()), (3, 4));
    let full = all.clone().drop_last();
    assert_eq!((full.len(), full.batch(1)), (2, all.batch(1)));
    assert!(full.batch(2).indices.is_empty());
    assert!(all.batch(usize::MAX).indices.is_empty());
    let none = Batches::new(&dataset, normalization(), 21, None, None).unwrap().drop_last();
    assert!(none.is_empty());
}

#[test]
fn a_batch_larger_than_the_data_set_has_all_of_it() {
    let dataset = dataset(3);
    let whole = Batches::new(&dataset, normalization(), usize::MAX, None, None).unwrap();
    assert_eq!((whole.len(), whole.batch(0).indices), (1, vec![0, 1, 2]));
}

#[test]
fn crop_and_flip_are_those_drawn_by_hand_from_the_named_stream() {
    let dataset = dataset(16);
    let (seed, epoch, p) = (11, 3, 2usize);
    let batch = batches(&dataset, Some(epoch), Some(Augmentation { crop_padding: p, flip: true })).batch(1);
    let mut mirrored = 0;
    for (i, &index) in batch.indices.iter().enumerate() {
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
        let batches = Batches::new(&dataset, Normalization::identity(channels), batch_size, shuffle, augmentation);
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
