//! Keys by Zipf's law, as Sources/DarkBirdDashboard/Workload/ZipfianGenerator.swift chooses them.

use crate::document::SplitMix64;

pub struct Zipfian {
    count: u64,
    weight_sum: f64,
    eta: f64,
    first_two: f64,
    exponent: f64,
}

impl Zipfian {
    pub fn new(count: u64) -> Zipfian {
        let theta = 0.99f64;
        let weight_sum: f64 = (1..=count).rev().map(|rank| (rank as f64).powf(-theta)).sum();
        let first_two = 1.0 + 0.5f64.powf(theta);
        let eta = (1.0 - (2.0 / count as f64).powf(1.0 - theta)) / (1.0 - first_two / weight_sum);
        Zipfian { count, weight_sum, eta, first_two, exponent: 1.0 / (1.0 - theta) }
    }

    pub fn next(&self, random: &mut SplitMix64) -> u64 {
        let point = random.unit();
        let weight = point * self.weight_sum;
        if weight < 1.0 {
            return 0;
        }
        if weight < self.first_two {
            return 1;
        }
        let rank = self.count as f64 * (self.eta * point - self.eta + 1.0).powf(self.exponent);
        (rank as u64).min(self.count - 1)
    }
}

/// Spreads the popular ranks over all documents: each number once.
pub struct Scramble {
    count: u64,
    mask: u64,
    shift: u32,
}

impl Scramble {
    pub fn new(count: u64) -> Scramble {
        let bits = (64 - (count - 1).leading_zeros()).max(2);
        Scramble { count, mask: (1 << bits) - 1, shift: (bits + 1) / 2 }
    }

    pub fn apply(&self, rank: u64) -> u64 {
        let mut value = rank;
        loop {
            value = value.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(0x632B_E59B_D9B4_E019) & self.mask;
            value ^= value >> self.shift;
            value = value.wrapping_mul(0xD6E8_FEB8_6659_FD93) & self.mask;
            value ^= value >> self.shift;
            if value < self.count {
                return value;
            }
        }
    }
}
