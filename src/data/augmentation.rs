//! Random crop and horizontal flip, the augmentation of the CIFAR recipes (He et al., "Deep residual learning for image
//! recognition", 2016, section 4.2: padding 4).
//!
//! ```text
//! padded(c, y, x)  =  image(c, y − p, x − p) inside, a padding value outside
//! cropped(c, y, x) =  padded(c, y + d, x + r)                d, r uniform in 0..=2p
//! out(c, y, x)     =  cropped(c, y, x) or cropped(c, y, W − 1 − x), each with probability one half
//! ```
//!
//! Three numbers a picture are drawn, in the order d, r, flip, also where they are not needed: switching one part off
//! does not change the other.

use serde::Serialize;

use crate::numeric::rng::Stream;

/// Which augmentations are on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Augmentation {
    /// Pixels of padding on every side before a crop to the original size; 0 for no crop. Below height and width.
    pub crop_padding: usize,
    /// Whether half of the images are mirrored left to right.
    pub flip: bool,
}

/// One draw: which part of the padded image is seen, and whether mirrored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// Rows by which the image moves up, −p..=p.
    pub up: isize,
    /// Columns by which the image moves left, −p..=p.
    pub left: isize,
    /// Whether it is then mirrored left to right.
    pub mirrored: bool,
}

impl View {
    /// The image itself.
    pub const WHOLE: Self = Self { up: 0, left: 0, mirrored: false };

    /// Writes the view of `image`, `[C, H, W]`, to `out` of the same shape. `value` gives the number for a channel and a
    /// pixel, `padding` the one of every channel outside the image.
    pub fn write<T: Copy>(
        &self,
        image: &[T],
        [_, height, width]: [usize; 3],
        padding: &[f32],
        value: impl Fn(usize, T) -> f32,
        out: &mut [f32],
    ) {
        let planes = image.chunks_exact(height * width).zip(out.chunks_exact_mut(height * width));
        for ((channel, (plane, out)), &padding) in planes.enumerate().zip(padding) {
            for (y, row) in out.chunks_exact_mut(width).enumerate() {
                let source = y.checked_add_signed(self.up).filter(|&y| y < height);
                let source = source.map(|y| &plane[y * width..(y + 1) * width]);
                for (x, out) in row.iter_mut().enumerate() {
                    let x = if self.mirrored { width - 1 - x } else { x };
                    let pixel = x.checked_add_signed(self.left).and_then(|x| source?.get(x));
                    *out = pixel.map_or(padding, |&pixel| value(channel, pixel));
                }
            }
        }
    }
}

impl Augmentation {
    /// Draws a view; see the module.
    pub fn draw(&self, stream: &mut Stream) -> View {
        let padding = self.crop_padding as i64;
        let mut offset = || (stream.below(2 * padding as u64 + 1) as i64 - padding) as isize;
        let (up, left) = (offset(), offset());
        View { up, left, mirrored: stream.u32() & 1 == 1 && self.flip }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::stats::chi_square;

    const SHAPE: [usize; 3] = [2, 2, 3];
    const IMAGE: [u8; 12] = [1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16];

    fn seen(view: View) -> Vec<f32> {
        let mut out = vec![f32::NAN; 12];
        view.write(&IMAGE, SHAPE, &[-1.0, -2.0], |channel, pixel| f32::from(pixel) + 100.0 * channel as f32, &mut out);
        out
    }

    #[test]
    fn views_are_those_drawn_by_hand() {
        let whole = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 111.0, 112.0, 113.0, 114.0, 115.0, 116.0];
        assert_eq!(seen(View::WHOLE), whole);
        let mirrored = [3.0, 2.0, 1.0, 6.0, 5.0, 4.0, 113.0, 112.0, 111.0, 116.0, 115.0, 114.0];
        assert_eq!(seen(View { mirrored: true, ..View::WHOLE }), mirrored);
        let up_left = [5.0, 6.0, -1.0, -1.0, -1.0, -1.0, 115.0, 116.0, -2.0, -2.0, -2.0, -2.0];
        assert_eq!(seen(View { up: 1, left: 1, mirrored: false }), up_left);
        let down_right = [-1.0, -1.0, -1.0, -1.0, -1.0, 1.0, -2.0, -2.0, -2.0, -2.0, -2.0, 111.0];
        assert_eq!(seen(View { up: -1, left: -2, mirrored: false }), down_right);
        let moved_then_mirrored = [-1.0, 3.0, 2.0, -1.0, 6.0, 5.0, -2.0, 113.0, 112.0, -2.0, 116.0, 115.0];
        assert_eq!(seen(View { up: 0, left: 1, mirrored: true }), moved_then_mirrored);
    }

    #[test]
    fn all_views_are_drawn_equally_often() {
        let augmentation = Augmentation { crop_padding: 1, flip: true };
        let mut counts = [0; 18];
        for i in 0..18_000 {
            let view = augmentation.draw(&mut Stream::new(3, "augment", &[0, i]));
            counts[((view.up + 1) * 6 + (view.left + 1) * 2) as usize + usize::from(view.mirrored)] += 1;
        }
        assert!(chi_square(&counts, &[1.0 / 18.0; 18]).unwrap().p_value > 1e-6, "{counts:?}");
    }

    #[test]
    fn switching_one_part_off_leaves_the_other() {
        for i in 0..50 {
            let draw =
                |crop_padding, flip| Augmentation { crop_padding, flip }.draw(&mut Stream::new(3, "augment", &[i]));
            let both = draw(4, true);
            assert_eq!(draw(4, false), View { mirrored: false, ..both });
            assert_eq!(draw(0, true), View { mirrored: both.mirrored, ..View::WHOLE });
            assert_eq!(draw(0, false), View::WHOLE);
        }
    }
}
