//! Tests of the quantisers against bytes and values of gguf-py 0.19.0.

use super::*;
use GgmlType::{F16, F32, Q2K, Q3K, Q4_0, Q4_1, Q4K, Q5_0, Q5_1, Q5K, Q6K, Q8_0};

/// What `gguf.quants.quantize` makes of [`ramp`].
const KNOWN_BYTES: [(GgmlType, &str); 5] = [
    (Q8_0, "9124ee1ee65f00e812d346e11a05c12ec314f9af15a40eed44fc8508e032e47f02d4"),
    (Q5_0, "88b0b552abd512acd3c4e0237e06f7f44daf480a086d"),
    (Q5_1, "993060c04aad542aed532c4b1fdc81fa080bb250c7f5f8a2"),
    (Q4_0, "88b489d67ae27899478bf48aa658ac058cb7"),
    (Q4_1, "c03460c07629962d8766b8750c8659a864fa7459"),
];

/// Where the f16 numbers of a block stand; weights 0, 1, 100 and 255 of [`block`] by `gguf.quants.dequantize`, and the sum
/// of all, each times its place from 1.
const KNOWN_VALUES: [(GgmlType, &[usize], [f32; 4], f64); 5] = [
    (Q2K, &[80, 82], [2.0625, 0.0, -5.3125, -1.125], -93258.125),
    (Q3K, &[108], [5.0625, -6.75, 0.0, 2.625], 11071.5625),
    (Q4K, &[0, 2], [-4.1875, -25.5, -10.0, -13.375], 27322.5),
    (Q5K, &[0, 2], [26.8125, -25.5, -1.25, -9.625], 555735.5),
    (Q6K, &[208], [-89.4375, 106.0, 157.6875, -3.75], 49026.25),
];

fn ramp() -> Vec<f32> {
    (0..32).map(|i| ((i * 37 + 11) % 64 - 31) as f32 / 64.0 * (1 + i % 5) as f32).collect()
}

/// Bytes without a pattern, and the f16 numbers 1/16 and 1/2.
fn block(ggml: GgmlType, floats: &[usize]) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..ggml.block_bytes()).map(|i| ((i * 37 + 11) % 256) as u8).collect();
    for (at, value) in floats.iter().zip([0.0625f32, 0.5]) {
        bytes[*at..at + 2].copy_from_slice(&half::f16::from_f32(value).to_le_bytes());
    }
    bytes
}

/// Weights like those of a network, the same every time.
fn weights(count: usize) -> Vec<f32> {
    let mut state = 7u64;
    let mut draw = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    };
    (0..count).map(|_| 0.1 * (draw() + draw() + draw() + draw())).collect()
}

#[test]
fn blocks_of_32_are_those_of_gguf_py() {
    for (ggml, known) in KNOWN_BYTES {
        let bytes = quantize(&ramp(), &[1, 32], ggml).unwrap();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, known, "{ggml}");
    }
}

#[test]
fn blocks_of_256_mean_what_they_mean_in_gguf_py() {
    for (ggml, floats, some, sum) in KNOWN_VALUES {
        let values = dequantize(&block(ggml, floats), &[1, 256], ggml).unwrap();
        assert_eq!([0, 1, 100, 255].map(|i| values[i]), some, "{ggml}");
        let weighted: f64 = values.iter().enumerate().map(|(i, &v)| (i + 1) as f64 * f64::from(v)).sum();
        assert_eq!(weighted, sum, "{ggml}");
    }
}

#[test]
fn more_bits_per_weight_lose_less_and_the_loss_is_that_of_the_bytes() {
    let (weights, shape) = (weights(256 * 130), [130, 256]);
    let mut last = 0.0;
    for ggml in [F32, F16, Q8_0, Q6K, Q5K, Q4K, Q3K, Q2K] {
        let bytes = quantize(&weights, &shape, ggml).unwrap();
        assert_eq!(Some(bytes.len() as u64), ggml.bytes(&shape));
        let values = dequantize(&bytes, &shape, ggml).unwrap();
        let loss: f64 = values.iter().zip(&weights).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
        let found = squared_error(&weights, &shape, ggml).unwrap();
        assert!((found - loss).abs() <= 1e-12 * loss, "{ggml}: {found} {loss}");
        assert!(ggml == F32 && loss == 0.0 || loss > 2.0 * last, "{ggml}: {last} {loss}");
        last = loss;
    }
}

#[test]
fn bytes_do_not_depend_on_the_rows_around_them() {
    let weights = weights(256 * 130);
    for ggml in GgmlType::ALL {
        let all = quantize(&weights, &[130, 256], ggml).unwrap();
        let rows: Vec<u8> = weights.chunks(256).flat_map(|row| quantize(row, &[1, 256], ggml).unwrap()).collect();
        assert_eq!(all, rows, "{ggml}");
    }
}

#[test]
fn equal_weights_keep_their_value() {
    for value in [0.25f32, -0.25, 0.0] {
        for ggml in GgmlType::ALL {
            let error = squared_error(&[value; 256], &[1, 256], ggml).unwrap();
            assert!(error <= 256.0 * (0.02f64 * 0.25).powi(2), "{ggml} {value}: {error}");
        }
        // The quantiser that is not used: what it does to such weights is why.
        let tensor = Tensor::from_slice(&[0.25f32; 256], (1, 256), &Device::Cpu).unwrap();
        let plain = QTensor::quantize(&tensor, Q4K.candle()).unwrap().dequantize(&Device::Cpu).unwrap();
        assert!(plain.flatten_all().unwrap().to_vec1::<f32>().unwrap().iter().all(|&v| v == 0.0));
    }
}

#[test]
fn rows_that_are_no_blocks_and_weights_beyond_f16_are_refused() {
    let message = |result: Result<Vec<u8>>| result.unwrap_err().to_string();
    assert!(message(quantize(&[0.0; 288], &[1, 288], Q4K)).contains("multiple of 256"));
    assert!(message(quantize(&[], &[], F32)).contains("rows of"), "a scalar");
    assert!(message(quantize(&[0.0; 64], &[1, 32], F32)).contains("64 weights"));
    let mut large = vec![0.5; 256];
    large[9] = 1e30;
    for ggml in GgmlType::ALL {
        let found = quantize(&large, &[1, 256], ggml);
        match ggml {
            F32 | GgmlType::Bf16 => assert!(found.is_ok(), "{ggml}"),
            _ => assert!(message(found).contains("1e30"), "{ggml}"),
        }
    }
    assert!(dequantize(&[0; 17], &[1, 32], Q4_0).is_err());
}
