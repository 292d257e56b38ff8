//! A machine under arbitrary inputs; see the function that it calls.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = fedag::machine::fuzz::run(bytes);
});
