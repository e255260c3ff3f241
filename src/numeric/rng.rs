//! Named, counter-based random streams.
//!
//! ```text
//! stream(seed, name, indices)  →  128 bits s = BLAKE3(seed, name, indices)
//! word 4b + j of the stream    =  Philox4x32-10(counter = (b, s₂), key = s₁)[j],     b = 0, 1, 2, …
//! ```
//!
//! A stream is a pure function of its name: nothing is shared, nothing has to be drawn in order, and adding a consumer
//! somewhere never shifts the numbers of another. So results do not depend on the number of threads, and a resumed run
//! draws what the uninterrupted one would have drawn.
//!
//! Philox4x32-10 is from Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011), section 3.3;
//! it passes BigCrush. Every conversion uses integer operations and exactly rounded arithmetic only (also
//! [`Stream::normal`], which has its own logarithm), so the numbers are the same on every platform.
//!
//! Cost: one BLAKE3 of two blocks per stream, twenty 32-bit multiplications per four words. Not for cryptography.

/// Separates these hashes from all other uses of BLAKE3. Changing it changes every random number of the program.
const CONTEXT: &str = "bitplan random stream 1";

const ROUNDS: usize = 10;
const MULTIPLIER: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];

/// Philox4x32-10: a keyed bijection of 128-bit counters, here the source of four random words each.
pub fn philox4x32_10(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..ROUNDS {
        let p0 = u64::from(MULTIPLIER[0]) * u64::from(counter[0]);
        let p1 = u64::from(MULTIPLIER[1]) * u64::from(counter[2]);
        counter = [high(p1) ^ counter[1] ^ key[0], low(p1), high(p0) ^ counter[3] ^ key[1], low(p0)];
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
    }
    counter
}

fn high(x: u64) -> u32 {
    (x >> 32) as u32
}

fn low(x: u64) -> u32 {
    x as u32
}

/// A random stream: equal arguments of [`Stream::new`] give equal numbers, for ever.
#[derive(Debug, Clone)]
pub struct Stream {
    key: [u32; 2],
    counter_high: [u32; 2],
    block: u64,
    words: [u32; 4],
    used: usize,
    /// The second number of the last pair that [`Stream::normal`] made.
    spare_normal: Option<f64>,
    /// What [`Stream::rademacher`] has left of its last word, and how many bits that is.
    signs: u32,
    signs_left: u32,
}

impl Stream {
    /// The stream of this name. `name` says what is drawn ("shuffle"), `indices` for which item (epoch, layer, probe …).
    /// Different arguments give independent streams, also where their concatenations agree.
    pub fn new(seed: u64, name: &str, indices: &[u64]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
        hasher.update(&seed.to_le_bytes());
        hasher.update(&(name.len() as u64).to_le_bytes());
        hasher.update(name.as_bytes());
        for index in indices {
            hasher.update(&index.to_le_bytes());
        }
        let hash = hasher.finalize();
        let word = |i: usize| {
            let bytes = &hash.as_bytes()[4 * i..4 * i + 4];
            u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
        };
        Self {
            key: [word(0), word(1)],
            counter_high: [word(2), word(3)],
            block: 0,
            words: [0; 4],
            used: 4,
            spare_normal: None,
            signs: 0,
            signs_left: 0,
        }
    }

    /// 32 random bits.
    pub fn u32(&mut self) -> u32 {
        if self.used == self.words.len() {
            let counter = [low(self.block), high(self.block), self.counter_high[0], self.counter_high[1]];
            self.words = philox4x32_10(counter, self.key);
            self.block = self.block.wrapping_add(1);
            self.used = 0;
        }
        self.used += 1;
        self.words[self.used - 1]
    }

    /// 64 random bits: two words, the low one first.
    pub fn u64(&mut self) -> u64 {
        let low = u64::from(self.u32());
        low | u64::from(self.u32()) << 32
    }

    /// A multiple of 2⁻⁵³ in [0, 1), each equally likely.
    pub fn uniform(&mut self) -> f64 {
        (self.u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// An integer in 0..n, each exactly equally likely; 0 for n = 0.
    ///
    /// Lemire, "Fast random integer generation in an interval" (2019), algorithm 5: of x·n with x uniform in 0..2⁶⁴ the
    /// high word is the result; the low word tells the few x that would favour some results, and these are drawn again.
    pub fn below(&mut self, n: u64) -> u64 {
        if n == 0 {
            return 0;
        }
        let surplus = n.wrapping_neg() % n; // 2⁶⁴ mod n
        loop {
            let product = u128::from(self.u64()) * u128::from(n);
            if product as u64 >= surplus {
                return (product >> 64) as u64;
            }
        }
    }

    /// A standard normal number, by Marsaglia's polar method: for (u, v) uniform in the unit disc and s = u² + v²,
    /// u·√(−2 ln s / s) and v·√(−2 ln s / s) are independent and normal. Needs no sine, and 2.5 words of 64 bits a number.
    pub fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare_normal.take() {
            return spare;
        }
        loop {
            let u = 2.0 * self.uniform() - 1.0;
            let v = 2.0 * self.uniform() - 1.0;
            let s = u * u + v * v;
            if s > 0.0 && s < 1.0 {
                let scale = (-2.0 * ln(s) / s).sqrt();
                self.spare_normal = Some(v * scale);
                return u * scale;
            }
        }
    }

    /// −1 or +1, each with probability one half (a Rademacher number). Thirty-two of them use one word of the stream, its
    /// low bit first.
    pub fn rademacher(&mut self) -> f32 {
        if self.signs_left == 0 {
            self.signs = self.u32();
            self.signs_left = u32::BITS;
        }
        let number = sign(self.signs);
        self.signs >>= 1;
        self.signs_left -= 1;
        number
    }

    /// Puts the items into a random order, each equally likely (Fisher–Yates, from the end).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            let j = self.below(i as u64 + 1) as usize;
            items.swap(i, j);
        }
    }
}

/// +1 where the lowest bit is set, −1 where not; the sign bit of a float is set for negative numbers.
fn sign(bits: u32) -> f32 {
    f32::from_bits(1.0f32.to_bits() | !bits << 31)
}

/// Natural logarithm of a positive normal number, to about one unit in the last place, from exactly rounded operations
/// only: the system's logarithm differs between platforms in the last bit.
///
/// x = m·2ᵉ with m in [√½, √2], z = (m − 1)/(m + 1), ln x = e·ln 2 + 2z·(1 + z²/3 + z⁴/5 + …); |z| ≤ 0.1716, so the first
/// term left out, z²⁴/25, is below 2⁻⁶⁰.
fn ln(x: f64) -> f64 {
    const TERMS: u32 = 12;
    let bits = x.to_bits();
    let mut exponent = (bits >> 52) as i32 - 1023;
    let mut mantissa = f64::from_bits(bits & ((1 << 52) - 1) | 1023 << 52);
    if mantissa > std::f64::consts::SQRT_2 {
        mantissa *= 0.5;
        exponent += 1;
    }
    let z = (mantissa - 1.0) / (mantissa + 1.0);
    let series = (0..TERMS).rev().fold(0.0, |sum, k| sum * (z * z) + 1.0 / f64::from(2 * k + 1));
    f64::from(exponent) * std::f64::consts::LN_2 + 2.0 * z * series
}

#[cfg(test)]
#[path = "rng_tests.rs"]
mod tests;
