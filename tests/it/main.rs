//! All integration tests, one binary. `tidy` fails when a file of this folder is not declared here.

mod tidy;
