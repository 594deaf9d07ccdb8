//! The protocol under every interleaving of a few actors, and with each guard left out.

mod explore;
mod invariants;
mod model;
mod mutations;
mod steps;
mod units;
