//! What a sandbox's shell may do to a person's terminal.
//!
//! Colours, cursor and keys are a shell's own; titles, clipboards, notifications and whatever else comes as a string
//! to the terminal itself (OSC, DCS, APC, PM, SOS, and their 8-bit forms) is left out, for files of the work can hold
//! such sequences. Start with [`Strip`].

/// Bytes on their way to a terminal; sequences may be cut anywhere between two calls.
#[derive(Debug, Default)]
pub(super) struct Strip {
    state: State,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Ground,
    /// After ESC.
    Escape,
    /// After the first byte of a two-byte C1 control.
    Wide,
    /// Inside a string that is left out.
    Inside,
    /// ESC inside such a string.
    InsideEscape,
}

const ESC: u8 = 0x1b;
const BEL: u8 = 0x07;
/// These two end any sequence.
const CANCEL: [u8; 2] = [0x18, 0x1a];

impl Strip {
    /// What of these bytes is shown.
    pub(super) fn pass(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut shown = Vec::with_capacity(bytes.len());
        for &byte in bytes {
            self.state = self.step(byte, &mut shown);
        }
        shown
    }

    fn step(&self, byte: u8, shown: &mut Vec<u8>) -> State {
        match (self.state, byte) {
            (State::Ground | State::Escape | State::InsideEscape, ESC) => State::Escape,
            // Also after an ESC, which is left out then: what follows could make a string of it.
            (State::Ground | State::Escape | State::InsideEscape, 0xc2) => State::Wide,
            (State::Ground, byte) => {
                shown.push(byte);
                State::Ground
            }
            (State::Escape | State::InsideEscape, b']' | b'P' | b'X' | b'^' | b'_') => State::Inside,
            (State::InsideEscape, b'\\') => State::Ground,
            (State::Escape | State::InsideEscape, byte) => {
                shown.extend([ESC, byte]);
                State::Ground
            }
            // Of the C1 controls a shell needs none: it writes their two-byte forms.
            (State::Wide, 0x90 | 0x98 | 0x9d..=0x9f) => State::Inside,
            (State::Wide, 0x80..=0x9f) => State::Ground,
            (State::Wide, 0xa0..=0xbf) => {
                shown.extend([0xc2, byte]);
                State::Ground
            }
            // No character begins so: the first byte is left out, lest it meets another second one.
            (State::Wide, ESC) => State::Escape,
            (State::Wide, 0xc2) => State::Wide,
            (State::Wide, byte) => {
                shown.push(byte);
                State::Ground
            }
            (State::Inside, BEL) => State::Ground,
            (State::Inside, ESC) => State::InsideEscape,
            (State::Inside, byte) if CANCEL.contains(&byte) => State::Ground,
            (State::Inside, _) => State::Inside,
        }
    }
}

#[cfg(test)]
mod tests;
