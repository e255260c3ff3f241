//! One vector register of floats: hand-written instructions where the compiler needs them, plain code elsewhere.
//!
//! With many neighbouring factors in a tile the compiler shuffles plain arrays about; a register type leaves it no
//! choice. The functions that use a [`Vector`] are compiled once per instruction set by `multiversion`.

use super::lanes::Lanes;

/// Some floats side by side; every operation is per element.
pub trait Vector: Copy {
    /// As many floats as the register holds.
    type Array;
    /// How many.
    const LANES: usize;

    /// The whole arrays of a slice.
    fn chunks(values: &[f32]) -> &[Self::Array];
    /// As [`Vector::chunks`], to write.
    fn chunks_mut(values: &mut [f32]) -> &mut [Self::Array];
    /// The same number in every lane.
    fn splat(value: f32) -> Self;
    /// Copies numbers in.
    fn load(values: &Self::Array) -> Self;
    /// Copies the lanes out.
    fn store(self, values: &mut Self::Array);
    /// Lane by lane.
    fn add(self, other: Self) -> Self;
    /// `self + a·b`, rounded once where the hardware can.
    fn add_product(self, a: Self, b: Self) -> Self;
}

/// Plain code for `N` lanes; a product is rounded once if `FUSED`.
#[derive(Debug, Clone, Copy)]
pub struct Plain<const N: usize, const FUSED: bool>(Lanes<N>);

impl<const N: usize, const FUSED: bool> Vector for Plain<N, FUSED> {
    type Array = [f32; N];
    const LANES: usize = N;

    #[inline(always)]
    fn chunks(values: &[f32]) -> &[[f32; N]] {
        values.as_chunks().0
    }

    #[inline(always)]
    fn chunks_mut(values: &mut [f32]) -> &mut [[f32; N]] {
        values.as_chunks_mut().0
    }

    #[inline(always)]
    fn splat(value: f32) -> Self {
        Self(Lanes::splat(value))
    }

    #[inline(always)]
    fn load(values: &[f32; N]) -> Self {
        Self(Lanes::load(values))
    }

    #[inline(always)]
    fn store(self, values: &mut [f32; N]) {
        self.0.store(values);
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(self.0.add(other.0))
    }

    #[inline(always)]
    fn add_product(self, a: Self, b: Self) -> Self {
        Self(self.0.add_product::<FUSED>(a.0, b.0))
    }
}

/// A register of an instruction set with fused products.
macro_rules! register {
    ($(#[$doc:meta])* $name:ident, $register:ty, $lanes:literal, $set:expr, $add:expr, $product:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name($register);

        impl Vector for $name {
            type Array = [f32; $lanes];
            const LANES: usize = $lanes;

            #[inline(always)]
            fn chunks(values: &[f32]) -> &[[f32; $lanes]] {
                values.as_chunks().0
            }

            #[inline(always)]
            fn chunks_mut(values: &mut [f32]) -> &mut [[f32; $lanes]] {
                values.as_chunks_mut().0
            }

            #[inline(always)]
            fn splat(value: f32) -> Self {
                // SAFETY: this type is used only where the instruction set was found.
                Self(unsafe { $set(value) })
            }

            #[inline(always)]
            fn load(values: &[f32; $lanes]) -> Self {
                // SAFETY: the register is these floats in order, and every bit pattern is valid.
                Self(unsafe { std::mem::transmute::<[f32; $lanes], $register>(*values) })
            }

            #[inline(always)]
            fn store(self, values: &mut [f32; $lanes]) {
                // SAFETY: as in `load`.
                *values = unsafe { std::mem::transmute::<$register, [f32; $lanes]>(self.0) };
            }

            #[inline(always)]
            fn add(self, other: Self) -> Self {
                // SAFETY: as in `splat`.
                Self(unsafe { $add(self.0, other.0) })
            }

            #[inline(always)]
            fn add_product(self, a: Self, b: Self) -> Self {
                // SAFETY: as in `splat`.
                Self(unsafe { $product(a.0, b.0, self.0) })
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::Vector;
    use std::arch::x86_64::*;

    register!(
        /// A register of AVX-512.
        Avx512, __m512, 16, _mm512_set1_ps, _mm512_add_ps, _mm512_fmadd_ps
    );
    register!(
        /// A register of AVX2 with FMA.
        Avx2, __m256, 8, _mm256_set1_ps, _mm256_add_ps, _mm256_fmadd_ps
    );
}

#[cfg(target_arch = "x86_64")]
pub use x86::{Avx2, Avx512};

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs every operation in every lane.
    fn works<V: Vector>() {
        let numbers: Vec<f32> = (0..3 * V::LANES).map(|i| i as f32 - 7.0).collect();
        let [a, b, c] = [0, 1, 2].map(|i| V::load(&V::chunks(&numbers)[i]));
        let mut found = vec![0.0; 2 * V::LANES];
        let parts = V::chunks_mut(&mut found);
        a.add_product(b, c).store(&mut parts[0]);
        V::splat(3.0).add(b).store(&mut parts[1]);
        for lane in 0..V::LANES {
            let [a, b, c] = [0, 1, 2].map(|i| numbers[i * V::LANES + lane]);
            assert_eq!((found[lane], found[V::LANES + lane]), (a + b * c, 3.0 + b), "{lane} of {}", V::LANES);
        }
    }

    #[test]
    fn every_lane_is_computed_by_itself() {
        works::<Plain<4, false>>();
        works::<Plain<4, true>>();
        works::<Plain<16, true>>();
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                works::<Avx2>();
            }
            if is_x86_feature_detected!("avx512f") {
                works::<Avx512>();
            }
        }
    }
}
