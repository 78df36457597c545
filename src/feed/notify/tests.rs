//! What stands on the other end in tests: a push service and a mail server on this machine.

pub(crate) mod smtp;
pub(crate) mod station;
