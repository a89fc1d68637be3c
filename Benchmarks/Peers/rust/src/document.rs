//! The document of all rows, made by the formula of Sources/DarkBirdBench/BenchDocument.swift.

use crate::storage::{Document, RangeField};
use serde::{Deserialize, Serialize};

pub const CITIES: u64 = 1_000;
pub const TEAMS: u64 = 50;
pub const AGES: u64 = 10_000;

#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct BenchDocument {
    pub name: String,
    pub email: String,
    pub city: String,
    pub team: String,
    pub age: i64,
    pub score: f64,
    pub bio: String,
}

pub struct SplitMix64(pub u64);

impl SplitMix64 {
    #[inline]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    #[inline]
    pub fn below(&mut self, bound: u64) -> u64 {
        ((self.next() as u128 * bound as u128) >> 64) as u64
    }

    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 * (0.5f64).powi(53)
    }
}

/// The document's number for the operation with this number.
#[inline]
pub fn random_number(operation: u64, bound: u64) -> u64 {
    SplitMix64(operation).below(bound)
}

fn word(text: &mut String, bits: u64, is_capital: bool) {
    for syllable in 0..3 {
        let part = (bits >> (6 * syllable)) as usize;
        let consonant = b"bdfgklmnprstvzhj"[part & 15];
        let is_first = is_capital && syllable == 0;
        text.push(if is_first { consonant - 32 } else { consonant } as char);
        text.push(b"aeio"[(part >> 4) & 3] as char);
    }
}

pub fn email(number: u64) -> String {
    let mut text = String::with_capacity(24);
    word(&mut text, SplitMix64(number).next(), false);
    text.push_str(&format!(".{:07}@mail.info", number));
    text
}

pub fn city(number: u64) -> String {
    let mut text = String::with_capacity(9);
    word(&mut text, SplitMix64(number).next(), true);
    text.push_str(&format!("{:03}", number));
    text
}

fn team(number: u64) -> String {
    let mut text = String::with_capacity(8);
    word(&mut text, SplitMix64(CITIES + number).next(), true);
    text.push_str(&format!("{:02}", number));
    text
}

/// The text of an age in the index: the seed compares texts, so it must have leading zeros.
pub fn age_text(age: u64) -> String {
    format!("{:05}", age)
}

impl BenchDocument {
    pub fn new(number: u64) -> BenchDocument {
        let mut random = SplitMix64(number);
        let names = random.next();
        let mut name = String::with_capacity(13);
        word(&mut name, names, true);
        name.push(' ');
        word(&mut name, names >> 18, true);
        let places = random.next();
        let numbers = random.next();
        let words = 8 + (random.next() & 7);
        let mut bio = String::with_capacity(words as usize * 7 - 1);
        let mut bits = 0;
        for index in 0..words {
            if index % 3 == 0 {
                bits = random.next();
            }
            if index > 0 {
                bio.push(' ');
            }
            word(&mut bio, bits, false);
            bits >>= 18;
        }
        BenchDocument {
            name,
            email: email(number),
            city: city(places % CITIES),
            team: team((places >> 32) % TEAMS),
            age: (numbers % AGES) as i64,
            score: ((numbers >> 32) % 10_000) as f64 / 100.0,
            bio,
        }
    }
}

impl Document for BenchDocument {
    fn extract(&self) -> Vec<String> {
        vec![self.email.clone()]
    }
    fn get_tags(&self) -> Vec<String> {
        vec![self.city.clone(), self.team.clone()]
    }
    fn get_fields(&self) -> Vec<RangeField> {
        vec![RangeField { name: "age".to_string(), value: age_text(self.age as u64) }]
    }
}

/// The same document without indexes.
#[derive(Clone, Serialize, Deserialize)]
pub struct Plain(pub BenchDocument);

impl Document for Plain {
    fn extract(&self) -> Vec<String> {
        vec![]
    }
    fn get_tags(&self) -> Vec<String> {
        vec![]
    }
    fn get_fields(&self) -> Vec<RangeField> {
        vec![]
    }
}
