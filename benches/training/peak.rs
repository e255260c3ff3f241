//! What the machine can do: fused multiply-adds in registers, and copies of memory.

use std::hint::black_box;
use std::sync::Mutex;
use std::time::Instant;

use rayon::prelude::*;
use serde_json::{Value, json};

use crate::Job;

/// Vectors that are updated in turn: as many as multiply-adds are under way at a time, and no more than registers.
const CHAINS: usize = 12;
const ROUNDS: usize = 4_000_000;
/// Bytes of the array that is copied: far more than a cache.
const BYTES: usize = 512 << 20;

/// Best of five runs, of all threads together, in floating-point operations (a multiply-add is two) and in bytes read
/// and written per second. `flops` is `null` on a processor without AVX2.
pub fn measure(job: &Job) -> Value {
    let best = |run: &dyn Fn()| {
        let once = |_| {
            let start = Instant::now();
            run();
            start.elapsed().as_secs_f64()
        };
        (0..5).map(once).fold(f64::INFINITY, f64::min)
    };
    let flops = multiply_adds().map(|(lanes, multiply_add)| {
        let all = || {
            (0..job.threads).into_par_iter().with_max_len(1).for_each(|_| {
                black_box(multiply_add(black_box(0.999)));
            });
        };
        (2 * CHAINS * lanes * ROUNDS * job.threads) as f64 / best(&all)
    });
    let (source, target) = (vec![1u8; BYTES], Mutex::new(vec![0u8; BYTES]));
    let copy = || {
        let mut target = target.lock().unwrap();
        let part = BYTES.div_ceil(job.threads);
        target.par_chunks_mut(part).zip(source.par_chunks(part)).for_each(|(to, from)| to.copy_from_slice(from));
    };
    json!({"flops": flops, "bytes": 2.0 * BYTES as f64 / best(&copy)})
}

/// `CHAINS · ROUNDS` fused multiply-adds of vectors by a factor.
type MultiplyAdds = fn(f32) -> f32;

/// Numbers in a vector, and the multiply-adds of the widest vectors there are.
#[cfg(target_arch = "x86_64")]
fn multiply_adds() -> Option<(usize, MultiplyAdds)> {
    if is_x86_feature_detected!("avx512f") {
        // SAFETY: the processor has AVX-512F.
        return Some((16, |factor| unsafe { avx512(factor) }));
    }
    // SAFETY: the processor has AVX2 and FMA.
    let avx2: MultiplyAdds = |factor| unsafe { avx2(factor) };
    (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some((8, avx2))
}

#[cfg(not(target_arch = "x86_64"))]
fn multiply_adds() -> Option<(usize, MultiplyAdds)> {
    None
}

// Plain arrays do not stay in registers here: that runs 90 times slower.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn avx512(factor: f32) -> f32 {
    use std::arch::x86_64::{_mm512_fmadd_ps, _mm512_reduce_add_ps, _mm512_set1_ps};
    let (factor, one) = (_mm512_set1_ps(factor), _mm512_set1_ps(1.0));
    let mut sums = [one; CHAINS];
    for _ in 0..ROUNDS {
        for sum in &mut sums {
            *sum = _mm512_fmadd_ps(*sum, factor, one);
        }
    }
    sums.into_iter().map(|sum| _mm512_reduce_add_ps(sum)).sum()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2(factor: f32) -> f32 {
    use std::arch::x86_64::{_mm256_cvtss_f32, _mm256_fmadd_ps, _mm256_set1_ps};
    let (factor, one) = (_mm256_set1_ps(factor), _mm256_set1_ps(1.0));
    let mut sums = [one; CHAINS];
    for _ in 0..ROUNDS {
        for sum in &mut sums {
            *sum = _mm256_fmadd_ps(*sum, factor, one);
        }
    }
    sums.into_iter().map(|sum| _mm256_cvtss_f32(sum)).sum()
}
