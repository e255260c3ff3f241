//! One vector register of floats: hand-written instructions where the compiler needs them, plain code elsewhere.
//!
//! With many neighbouring factors in a tile the compiler shuffles plain arrays about; a register type leaves it no
//! choice. The functions that use a [`Vector`] are compiled once per instruction set by `multiversion`.

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

/// Plain code for `N` lanes.
#[derive(Debug, Clone, Copy)]
pub struct Plain<const N: usize>([f32; N]);

impl<const N: usize> Vector for Plain<N> {
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
        Self([value; N])
    }

    #[inline(always)]
    fn load(values: &[f32; N]) -> Self {
        Self(*values)
    }

    #[inline(always)]
    fn store(self, values: &mut [f32; N]) {
        *values = self.0;
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(std::array::from_fn(|lane| self.0[lane] + other.0[lane]))
    }

    #[inline(always)]
    fn add_product(self, a: Self, b: Self) -> Self {
        Self(std::array::from_fn(|lane| a.0[lane] * b.0[lane] + self.0[lane]))
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
