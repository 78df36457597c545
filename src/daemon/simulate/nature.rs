//! What kinds of agents work in a simulated night.
//!
//! Owns the list of natures and the draw of one for each bead, which depends on the seed and the bead alone:
//! fewer beads or faults change no other bead's nature, so that a failing night can shrink. How a nature acts
//! stands in `agent`. Start with [`Nature`].

use super::time::Chance;

/// How the agent of a bead behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Nature {
    Good,
    /// The first attempt fails its gate, the second is good.
    SecondTry,
    /// Never passes its gate.
    Hopeless,
    /// Changes nothing.
    Nothing,
    /// Changes a protected path.
    Protected,
    /// Changes a file that others change too.
    Shared,
    /// Changes the tracker's own file beside its work.
    Meddler,
    /// Says nothing any more, for ever.
    Hang,
    /// Calls a tool that never returns.
    ToolHang,
    Flood,
    OutOfMemory,
    /// Exits without a result.
    Crash,
    /// Ends inside a line.
    Torn,
    /// Exits 0 with an error result.
    ErrorResult,
    /// A good result, and then it neither leaves nor heeds TERM.
    NeverLeaves,
    /// A line every half minute, and never an answer.
    Trickle,
    /// Its conversation becomes too long.
    ContextFull,
    /// Every answer costs a fortune.
    Spender,
    /// Waits for a bead that is not there yet, once.
    Blocked,
    /// Asks a person something.
    Asking,
}

pub(super) const NATURES: &[(&str, Nature)] = &[
    ("good", Nature::Good),
    ("second_try", Nature::SecondTry),
    ("hopeless", Nature::Hopeless),
    ("nothing", Nature::Nothing),
    ("protected", Nature::Protected),
    ("shared", Nature::Shared),
    ("meddler", Nature::Meddler),
    ("hang", Nature::Hang),
    ("tool_hang", Nature::ToolHang),
    ("flood", Nature::Flood),
    ("out_of_memory", Nature::OutOfMemory),
    ("crash", Nature::Crash),
    ("torn", Nature::Torn),
    ("error_result", Nature::ErrorResult),
    ("never_leaves", Nature::NeverLeaves),
    ("trickle", Nature::Trickle),
    ("context_full", Nature::ContextFull),
    ("spender", Nature::Spender),
    ("blocked", Nature::Blocked),
    ("asking", Nature::Asking),
];

impl Nature {
    pub(super) fn name(self) -> &'static str {
        NATURES.iter().find(|(_, nature)| *nature == self).map_or("good", |(name, _)| name)
    }

    /// The nature of a bead's agent, by weights.
    pub(super) fn of(seed: u64, bead: &str, weights: &[(Nature, u32)]) -> Self {
        let sum: u64 = weights.iter().map(|(_, weight)| u64::from(*weight)).sum();
        let mut drawn = Chance::of(seed, &format!("nature of {bead}")).below(sum);
        for (nature, weight) in weights {
            if drawn < u64::from(*weight) {
                return *nature;
            }
            drawn -= u64::from(*weight);
        }
        Self::Good
    }
}
