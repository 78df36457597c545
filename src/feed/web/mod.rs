//! What every answer over HTTP needs and nothing of the daemon does: who may ask, from where, and how a refusal looks.
//!
//! Owns the guard before every route, the token, the sessions of browsers, the headers, and problems; the templates of
//! pages and the files beside them. It knows no bead and acts on none: routes that read or act stand in
//! `daemon::control`. Start with [`guard::Guard`] and [`pages`].

pub mod act;
pub mod assets;
pub mod extract;
pub mod guard;
pub mod headers;
pub mod keys;
pub mod login;
pub mod pages;
pub mod problem;
pub mod reach;
pub mod serve;
