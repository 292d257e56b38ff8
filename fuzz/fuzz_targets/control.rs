//! Lines of the control protocol; see the function that it calls.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = fedag::control::fuzz::read_line(bytes);
});
