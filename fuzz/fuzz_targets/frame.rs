//! Any bytes as a websocket message: the parser of frames, and the decoding of a request that is in one.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| confab_realtime::fuzz_frame(bytes));
