use super::*;

fn images(pixels: Pixels, shape: [usize; 3]) -> Images {
    Images { pixels, shape, place: "images".into() }
}

fn labels(values: &[u32]) -> Labels {
    Labels { values: values.to_vec(), place: "labels".into() }
}

fn bytes(count: usize, shape: [usize; 3]) -> Images {
    images(Pixels::Bytes((0..count * volume(shape)).map(|i| (i * 7 % 256) as u8).collect()), shape)
}

fn message(result: Result<Dataset>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn truncation_keeps_the_first_images_and_at_least_one() {
    let mut dataset = Dataset::new(bytes(5, [1, 2, 2]), labels(&[0, 2, 2, 1, 2]), [1, 2, 2], 4).unwrap();
    dataset.truncate(3);
    assert_eq!((dataset.labels(), dataset.pixels()), (&[0, 2, 2][..], &bytes(3, [1, 2, 2]).pixels));
    dataset.truncate(usize::MAX);
    assert_eq!(dataset.len(), 3);
    dataset.truncate(0);
    assert_eq!((dataset.len(), dataset.pixels().len()), (1, 4));
}

#[test]
fn appended_images_come_after_their_own() {
    let mut first = Dataset::new(bytes(2, [1, 1, 2]), labels(&[0, 1]), [1, 1, 2], 3).unwrap();
    let second = Dataset::new(images(Pixels::Bytes(vec![9, 8]), [1, 1, 2]), labels(&[2]), [1, 1, 2], 3).unwrap();
    first.append(second).unwrap();
    assert_eq!(first.labels(), [0, 1, 2]);
    assert_eq!(first.pixels(), &Pixels::Bytes(vec![0, 7, 14, 21, 9, 8]));
    let other = Dataset::new(bytes(1, [2, 1, 1]), labels(&[0]), [2, 1, 1], 3).unwrap();
    assert!(first.append(other).is_err());
}

#[test]
fn a_shape_that_is_not_the_networks_is_refused() {
    let message = message(Dataset::new(bytes(2, [1, 4, 4]), labels(&[0, 0]), [3, 4, 4], 2));
    assert!(message.starts_with("images: found images of 1 × 4 × 4"), "{message}");
    assert!(message.contains("expected 3 × 4 × 4, the network's input"), "{message}");
}

#[test]
fn no_image_and_no_pixel_are_refused() {
    let none = message(Dataset::new(images(Pixels::Bytes(vec![]), [1, 4, 4]), labels(&[]), [1, 4, 4], 2));
    assert!(none.contains("found 0 numbers, expected one image of 1 × 4 × 4 or more"), "{none}");
    let empty = message(Dataset::new(images(Pixels::Bytes(vec![]), [1, 0, 4]), labels(&[0]), [1, 0, 4], 2));
    assert!(empty.contains("found a network input of 1 × 0 × 4"), "{empty}");
}

#[test]
fn counts_that_differ_are_refused() {
    let message = message(Dataset::new(bytes(3, [1, 2, 2]), labels(&[0, 0]), [1, 2, 2], 2));
    assert!(message.starts_with("labels: found 2 labels, expected 3, one for each image of images"), "{message}");
}

#[test]
fn the_largest_label_is_one_below_the_number_of_classes() {
    assert!(Dataset::new(bytes(2, [1, 1, 1]), labels(&[0, 9]), [1, 1, 1], 10).is_ok());
    let message = message(Dataset::new(bytes(2, [1, 1, 1]), labels(&[0, 10]), [1, 1, 1], 10));
    assert!(message.starts_with("labels: record 1: found label 10, expected a label below 10"), "{message}");
}

#[test]
fn a_pixel_that_is_not_a_number_names_its_image() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let floats = Pixels::Floats(vec![0.0, 1.0, 2.0, 3.0, bad, 5.0]);
        let message = message(Dataset::new(images(floats, [1, 1, 2]), labels(&[0; 3]), [1, 1, 2], 1));
        assert!(message.starts_with(&format!("images: image 2: found {bad} at element 0")), "{message}");
    }
}
