//! Properties and exported events; see the function that it calls.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = fedag::event::fuzz::read_json(bytes);
});
