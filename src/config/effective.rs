//! The settings in force for one run, merged from all layers.
//!
//! Owns the order defaults < user < project (may only narrow) < flags, and the origin of every value. It
//! reads no file. Start with [`Effective::merge`].

use super::error::{ConfigError, Widening};
use super::limits::{Limits, Origin, Sourced};
use super::night::{Land, NightFilter};
use super::project::{Gate, Globs, Project, ReadyRules};
use super::review::Review;
use super::user::{Identity, User};
use crate::domain::usage::PriceTable;

/// The image of projects that name none.
pub const DEFAULT_IMAGE: &str = "worker";

/// Options of the command line that override settings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Flags {
    pub target: Option<String>,
    pub model: Option<String>,
}

/// What a run goes by.
#[derive(Debug, Clone)]
pub struct Effective {
    /// `None`: the branch that is checked out.
    pub target: Sourced<Option<String>>,
    pub image: Sourced<String>,
    /// `None`: the agent's own default.
    pub model: Sourced<Option<String>>,
    pub gates: Vec<Gate>,
    pub limits: Limits,
    pub protected: Globs,
    pub ready: Sourced<ReadyRules>,
    pub commit: Sourced<Identity>,
    pub prices: Sourced<PriceTable>,
    pub night: Sourced<NightFilter>,
    pub land: Sourced<Land>,
    pub review: Sourced<Review>,
}

impl Effective {
    pub fn merge(user: &User, project: &Project, flags: &Flags) -> Result<Self, ConfigError> {
        let mine = Origin::User(user.file.clone());
        let theirs = Origin::Project(project.file.clone());
        let chosen = |flag: &Option<String>, name, value: &Option<String>| match (flag, value) {
            (Some(flag), _) => Sourced::new(Some(flag.clone()), Origin::Flag(name)),
            (None, Some(value)) => Sourced::new(Some(value.clone()), theirs.clone()),
            (None, None) => Sourced::new(None, Origin::Default),
        };
        let limits = Limits::default().set_by(&user.limits, &mine);
        let or_default = |value: Option<_>, default, origin: &Origin| match value {
            Some(value) => Sourced::new(value, origin.clone()),
            None => Sourced::new(default, Origin::Default),
        };
        let beadwork = Identity { name: "Beadwork".to_owned(), email: "bead@localhost".to_owned() };
        Ok(Self {
            target: chosen(&flags.target, "--target", &project.target),
            image: image(user, project, &mine, &theirs)?,
            model: chosen(&flags.model, "--model", &project.model),
            gates: project.gates.clone(),
            limits: limits.narrowed_by(&project.limits, &theirs, &user.file)?,
            protected: project.protected.clone(),
            ready: wished(project.ready.as_ref(), &theirs),
            commit: or_default(user.commit.clone(), beadwork, &mine),
            prices: user.prices.clone().map_or_else(
                || Sourced::new(crate::domain::prices::list_prices(), Origin::Default),
                |prices| Sourced::new(prices, mine.clone()),
            ),
            night: wished(project.night.as_ref(), &theirs),
            land: wished(project.land.as_ref(), &theirs),
            review: wished(project.review.as_ref(), &theirs),
        })
    }
}

fn wished<T: Clone + Default>(wish: Option<&T>, origin: &Origin) -> Sourced<T> {
    match wish {
        Some(value) => Sourced::new(value.clone(), origin.clone()),
        None => Sourced::new(T::default(), Origin::Default),
    }
}

/// The project's image, which a user's list may bound (T54); without a list any image may be named, because
/// what gates need has to be in it.
fn image(
    user: &User,
    project: &Project,
    mine: &Origin,
    theirs: &Origin,
) -> Result<Sourced<String>, ConfigError> {
    match (&project.image, user.images.first()) {
        (Some(named), Some(_)) if !user.images.contains(&named.text) => Err(Box::new(Widening {
            place: named.place.clone(),
            key: "image".to_owned(),
            found: format!("`{}`", named.text),
            allowed: format!("`{}`", user.images.join("`, `")),
            origin: mine.to_string(),
            user_file: user.file.clone(),
        })
        .into()),
        (Some(named), _) => Ok(Sourced::new(named.text.clone(), theirs.clone())),
        (None, Some(first)) => Ok(Sourced::new(first.clone(), mine.clone())),
        (None, None) => Ok(Sourced::new(DEFAULT_IMAGE.to_owned(), Origin::Default)),
    }
}

#[cfg(test)]
mod tests;
