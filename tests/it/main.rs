//! The program as others see it; one binary, so that it is linked once.
#![allow(
    clippy::unwrap_used,
    reason = "a test that meets what it does not expect fails"
)]

mod bounds;
mod cli;
mod crash;
mod demo;
mod flow;
mod fuzz;
mod layers;
mod liars;
mod model;
mod mutants;
mod node;
mod seed;
mod sessions;
mod sim;
mod support;
mod tui;
mod vectors;
mod r#virtual;
