//! The program: arguments, lines, exit codes, and what is left unchanged. Everything here needs one machine.

mod adding;
mod reading;
mod refusals;
mod running;
mod simulating;

use std::io::{BufRead, BufReader, Write};
use std::net::UdpSocket;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::{
    Running, contents, events, fails, fedag, lines, network, numbered, ok, place, run, run_with,
    status, stderr, stdout, wait_for,
};
