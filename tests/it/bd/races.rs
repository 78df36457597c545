//! Claims from many processes at once.
