//! Frames, events, greetings, welcomes and tickets; see the function that it calls.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = fedag::wire::fuzz::decode_anything(bytes);
});
