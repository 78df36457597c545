//! What real `bd`s were seen to do wrong, one test each.
