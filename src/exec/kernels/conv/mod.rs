//! tmp
use crate::exec::kernels::Real;
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub struct ConvShape { pub batch: usize, pub in_channels: usize, pub out_channels: usize, pub in_height: usize, pub in_width: usize, pub kernel_height: usize, pub kernel_width: usize, pub stride: [usize; 2], pub padding: [usize; 2], pub groups: usize }
impl ConvShape {
    fn each(&self, mut f: impl FnMut(usize, usize, usize)) {
        let oh = (self.in_height + 2 * self.padding[0] - self.kernel_height) / self.stride[0] + 1;
        let ow = (self.in_width + 2 * self.padding[1] - self.kernel_width) / self.stride[1] + 1;
        let (ig, og) = (self.in_channels / self.groups, self.out_channels / self.groups);
        for b in 0..self.batch { for o in 0..self.out_channels { for c in 0..ig { for ky in 0..self.kernel_height { for kx in 0..self.kernel_width { for y in 0..oh { for x in 0..ow {
            let iy = (y * self.stride[0] + ky) as isize - self.padding[0] as isize; let ix = (x * self.stride[1] + kx) as isize - self.padding[1] as isize;
            if iy < 0 || ix < 0 || iy >= self.in_height as isize || ix >= self.in_width as isize { continue; }
            f(((b * self.in_channels + o / og * ig + c) * self.in_height + iy as usize) * self.in_width + ix as usize, ((o * ig + c) * self.kernel_height + ky) * self.kernel_width + kx, ((b * self.out_channels + o) * oh + y) * ow + x);
        }}}}}}}
    }
}
/// tmp
pub fn forward<T: Real>(s: &ConvShape, x: &[T], w: &[T], y: &mut [T]) { y.fill(T::ZERO); s.each(|a, b, c| y[c] += x[a] * w[b]); }
/// tmp
pub fn input_gradient<T: Real>(s: &ConvShape, dy: &[T], w: &[T], dx: &mut [T]) { dx.fill(T::ZERO); s.each(|a, b, c| dx[a] += dy[c] * w[b]); }
/// tmp
pub fn weight_gradient<T: Real>(s: &ConvShape, x: &[T], dy: &[T], dw: &mut [T]) { dw.fill(T::ZERO); s.each(|a, b, c| dw[b] += x[a] * dy[c]); }
