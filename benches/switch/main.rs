//! Times the integer switch beside `memcpy` of the same master: bytes read and written by second, and the share of the copy.
//!
//! ```sh
//! cargo bench --bench switch -- [--json] [--mib SIZE] [--rounds N]
//! ```
//!
//! A master larger than the caches, at 1 thread and at all of them, into memory that was written before. Each operation goes
//! over all pieces of the master, the copy in the same round; a piece's time is the fastest of the rounds, because what else
//! the machine does can only add, and the times of the pieces are summed. A switch to `b` bits moves `1 + b/8` bytes a code,
//! the copy 2: `share` is speed over speed, `times` is time over time.

use std::hint::black_box;
use std::time::Instant;

use bitplan::quant::packing::{pack_into, packed_len, unpack_into};
use bitplan::quant::{Rounding, ScaleGradient, WeightQuantizer};
use rayon::prelude::*;
use serde_json::json;

/// Size of the master, in MiB, unless the command line says otherwise.
const MIB: usize = 64;
/// Rounds of which the fastest counts, for each piece.
const ROUNDS: usize = 20;
/// Codes of a piece: long against the start of threads, short against the turns that an operating system gives.
const PIECE: usize = 4 << 20;
/// What a thread copies at a time.
const COPIED: usize = 1 << 16;

type Fault = Box<dyn std::error::Error>;
type Run = Box<dyn Fn(&[i8], &mut [i8], &mut [u8]) + Sync + Send>;

/// Something to time on a piece of the master, of the codes and of the packed codes.
struct Operation {
    name: String,
    /// Bits that it reads and writes for a code.
    moved: u32,
    run: Run,
}

fn copy(from: &[i8], to: &mut [i8], _: &mut [u8]) {
    to.par_chunks_mut(COPIED).zip(from.par_chunks(COPIED)).for_each(|(to, from)| to.copy_from_slice(from));
}

fn operations() -> Vec<Operation> {
    let mut all = vec![Operation { name: "memcpy".into(), moved: 16, run: Box::new(copy) }];
    let mut add = |name: String, moved: u32, run: Run| all.push(Operation { name, moved, run });
    for rounding in [Rounding::HalfEven, Rounding::Floor] {
        let quantizer = WeightQuantizer { master_bits: 8, rounding, scale_gradient: ScaleGradient::Paper };
        for bits in (2..=8).rev() {
            let named = |what: &str| format!("{what} 8->{bits} {}", rounding.name());
            let switch: Run = Box::new(move |master, codes, _| quantizer.switch_into(master, bits, codes));
            add(named("switch"), 16, switch);
            let fused: Run = Box::new(move |master, _, packed| {
                quantizer.switch_and_pack_into(master, bits, &mut packed[..packed_len(master.len(), bits)]);
            });
            add(named("switch+pack"), 8 + bits, fused);
        }
    }
    for bits in (2..=8).rev() {
        let pack: Run =
            Box::new(move |master, _, packed| pack_into(master, bits, &mut packed[..packed_len(master.len(), bits)]));
        add(format!("pack {bits}"), 8 + bits, pack);
        let unpack: Run =
            Box::new(move |_, codes, packed| unpack_into(&packed[..packed_len(codes.len(), bits)], bits, codes));
        add(format!("unpack {bits}"), 8 + bits, unpack);
    }
    all
}

/// Seconds of each operation over the whole master: the fastest round of every piece, summed.
fn seconds(operations: &[Operation], master: &[i8], rounds: usize) -> Vec<f64> {
    let (mut codes, mut packed) = (vec![1; master.len()], vec![1; master.len()]);
    let mut fastest = vec![vec![f64::INFINITY; master.len().div_ceil(PIECE)]; operations.len()];
    for _ in 0..rounds {
        for (operation, fastest) in operations.iter().zip(&mut fastest) {
            let targets = codes.chunks_mut(PIECE).zip(packed.chunks_mut(PIECE));
            for ((master, (codes, packed)), fastest) in master.chunks(PIECE).zip(targets).zip(fastest) {
                let start = Instant::now();
                (operation.run)(black_box(master), black_box(&mut *codes), black_box(&mut *packed));
                *fastest = fastest.min(start.elapsed().as_secs_f64());
                black_box((codes, packed));
            }
        }
    }
    fastest.iter().map(|pieces| pieces.iter().sum()).collect()
}

fn main() -> Result<(), Fault> {
    let (mut json_lines, mut mib, mut rounds) = (false, MIB, ROUNDS);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut number = || words.next().ok_or(format!("{word}: found nothing after it, expected a number"));
        match word.as_str() {
            "--json" => json_lines = true,
            "--mib" => mib = number()?.parse()?,
            "--rounds" => rounds = number()?.parse()?,
            // What cargo itself passes.
            "--bench" => {}
            _ => return Err(format!("{word}: expected --json, --mib SIZE or --rounds N").into()),
        }
    }
    let count = mib << 20;
    let master: Vec<i8> = (0..count as u64).map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as i8).collect();
    let operations = operations();
    let mut threads = vec![1, std::thread::available_parallelism()?.get()];
    threads.dedup();
    for threads in threads {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
        let seconds = pool.install(|| seconds(&operations, &master, rounds));
        let speed = |i: usize| f64::from(operations[i].moved) / 8.0 * count as f64 / seconds[i] / 1e9;
        for (i, Operation { name, .. }) in operations.iter().enumerate() {
            let (speed, share, times) = (speed(i), speed(i) / speed(0), seconds[i] / seconds[0]);
            if json_lines {
                println!(
                    "{}",
                    json!({"threads": threads, "name": name, "gb_per_s": speed, "share": share, "times": times})
                );
            } else {
                let share = 100.0 * share;
                println!(
                    "{threads} threads  {name:24} {speed:7.2} GB/s  {share:4.0} % of memcpy's speed, {times:5.2} times its time"
                );
            }
        }
    }
    Ok(())
}
