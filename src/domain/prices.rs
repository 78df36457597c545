//! The list prices that come with the program.
//!
//! Owns the embedded table `data/prices.yaml` and nothing else: how a price is chosen and applied is
//! [`PriceTable`]'s, and a user's own table replaces this one in `config`. Start with [`list_prices`].

use super::usage::PriceTable;

const LIST: &str = include_str!("../../data/prices.yaml");

/// The dated list prices of the models known when this program was made.
pub fn list_prices() -> PriceTable {
    serde_yaml::from_str(LIST).expect("the embedded table is read by a test")
}

#[cfg(test)]
mod tests;
