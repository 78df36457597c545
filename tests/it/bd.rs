//! The tracker's contract, kept by every tracker: the embedded store, the fake `bd` of each version, and each real one
//! that `BEADWORK_TEST_BD` or PATH names. One suite; where they may differ, the test says so.

mod backend;
mod contract;
mod races;
mod ready;
mod replay;
mod traps;
mod work;
