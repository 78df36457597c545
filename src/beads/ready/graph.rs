//! Beads and their edges in a form that a decision over 100,000 of them can walk in milliseconds.
//!
//! Owns the resolved edges, the order, and the blocked set of both rules. It makes no sentences: that is
//! `explain`. Start with [`Graph::new`] and [`Graph::ready`].

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::Rules;
use crate::domain::bead::{Bead, Dependency, Status};
use crate::domain::ids::BeadId;

/// How far down classic rules pass a blockage.
pub(super) const CLASSIC_DEPTH: usize = 50;

/// Words in a close reason that mean failure, for classic `conditional-blocks`.
const FAILURES: [&str; 11] = [
    "failed",
    "rejected",
    "wontfix",
    "won't fix",
    "canceled",
    "cancelled",
    "abandoned",
    "blocked",
    "error",
    "timeout",
    "aborted",
];

/// Beads with their edges resolved. Build it once per snapshot; each decision is then a few linear passes.
#[derive(Debug)]
pub struct Graph<'a> {
    pub(super) beads: &'a [Bead],
    index: HashMap<&'a str, u32>,
    nodes: Vec<Node>,
    /// Sorted by the bead that waits.
    edges: Vec<Edge>,
    /// (child, parent), sorted by child.
    parents: Vec<(u32, u32)>,
    /// (parent, child), sorted by parent.
    children: Vec<(u32, u32)>,
    /// All beads by priority, creation and id.
    order: Vec<u32>,
}

/// What a decision asks of a bead, without touching its text.
#[derive(Debug, Clone, Copy)]
struct Node {
    state: State,
    /// Open, and neither pinned, ephemeral nor of a type that is never ready.
    is_candidate: bool,
    /// The classic rules leave such ids out.
    is_wisp: bool,
    defer_until: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// open, in_progress, blocked, deferred
    Live,
    Hooked,
    Pinned,
    Custom,
    Closed,
    ClosedFailed,
    Gone,
}

impl State {
    fn of(bead: &Bead) -> Self {
        match &bead.status {
            Status::Open | Status::InProgress | Status::Blocked | Status::Deferred => Self::Live,
            Status::Hooked => Self::Hooked,
            Status::Pinned => Self::Pinned,
            Status::Other(_) => Self::Custom,
            Status::Tombstone => Self::Gone,
            Status::Closed => {
                let reason = bead.close_reason.as_deref().unwrap_or_default().to_lowercase();
                if FAILURES.iter().any(|word| reason.contains(word)) {
                    Self::ClosedFailed
                } else {
                    Self::Closed
                }
            }
        }
    }

    fn is_closed(self) -> bool {
        matches!(self, Self::Closed | Self::ClosedFailed | Self::Gone)
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Edge {
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Blocks,
    Conditional,
    /// Waits for all children of the target.
    AllChildren,
    /// Waits for one child of the target.
    AnyChild,
    /// As the two above, but only classic rules know the bead that `spawner_id` names.
    ClassicAllChildren,
    ClassicAnyChild,
    /// The target of such an edge, which only rules B look at.
    NewAllChildren,
    NewAnyChild,
}

impl Kind {
    /// The plain kind under these rules; `None` where they do not look at the edge.
    pub(super) fn under(self, rules: Rules) -> Option<Self> {
        match (self, rules) {
            (Self::ClassicAllChildren, Rules::Classic) | (Self::NewAllChildren, Rules::B) => {
                Some(Self::AllChildren)
            }
            (Self::ClassicAnyChild, Rules::Classic) | (Self::NewAnyChild, Rules::B) => Some(Self::AnyChild),
            (Self::ClassicAllChildren | Self::ClassicAnyChild, Rules::B) => None,
            (Self::NewAllChildren | Self::NewAnyChild, Rules::Classic) => None,
            (plain, _) => Some(plain),
        }
    }
}

/// Types that are never ready by themselves.
pub(super) fn is_excluded_type(name: &str) -> bool {
    matches!(name, "merge-request" | "gate" | "molecule" | "message" | "agent" | "role" | "rig")
}

pub(super) fn is_wisp(id: &str) -> bool {
    id.contains("-wisp-") || id.contains("-mol-")
}

impl<'a> Graph<'a> {
    pub fn new(beads: &'a [Bead]) -> Self {
        let mut index = HashMap::with_capacity(beads.len());
        for (at, bead) in (0_u32..).zip(beads) {
            index.entry(bead.id.as_str()).or_insert(at);
        }
        let mut graph = Self {
            beads,
            index,
            nodes: beads.iter().map(node).collect(),
            edges: Vec::new(),
            parents: Vec::new(),
            children: Vec::new(),
            order: order(beads),
        };
        for (at, bead) in (0_u32..).zip(beads) {
            for dependency in &bead.dependencies {
                graph.add(at, dependency);
            }
        }
        graph.children = graph.parents.iter().map(|&(child, parent)| (parent, child)).collect();
        graph.children.sort_unstable();
        graph
    }

    /// Indices of the ready beads, by priority, age and id.
    pub fn ready(&self, rules: Rules, now: DateTime<Utc>) -> Vec<usize> {
        let mut held = self.blocked(rules);
        if rules == Rules::B {
            for &(child, parent) in &self.parents {
                held[child as usize] |= self.is_deferred(parent, now);
            }
        }
        let free = |at: &&u32| !held[**at as usize] && self.may_run(**at, rules, now);
        self.order.iter().filter(free).map(|at| *at as usize).collect()
    }

    pub(super) fn at(&self, id: &BeadId) -> Option<u32> {
        self.index.get(id.as_str()).copied()
    }

    pub(super) fn bead(&self, at: u32) -> &'a Bead {
        &self.beads[at as usize]
    }

    pub(super) fn is_deferred(&self, at: u32, now: DateTime<Utc>) -> bool {
        self.nodes[at as usize].defer_until.is_some_and(|until| until > now)
    }

    /// The bead's own state lets it run; edges and parents are another matter.
    fn may_run(&self, at: u32, rules: Rules, now: DateTime<Utc>) -> bool {
        let node = &self.nodes[at as usize];
        node.is_candidate && !(rules == Rules::Classic && node.is_wisp) && !self.is_deferred(at, now)
    }

    /// Which beads wait, by their own edges or an ancestor's.
    pub(super) fn blocked(&self, rules: Rules) -> Vec<bool> {
        let mut held = vec![false; self.nodes.len()];
        for edge in &self.edges {
            let at = edge.from as usize;
            if !held[at] && self.can_wait(edge.from, rules) && self.holds_back(edge, rules) {
                held[at] = true;
            }
        }
        let mut level: Vec<u32> = (0..).zip(&held).filter(|(_, held)| **held).map(|(at, _)| at).collect();
        for depth in 0.. {
            if level.is_empty() || (rules == Rules::Classic && depth == CLASSIC_DEPTH) {
                break;
            }
            let mut next = Vec::new();
            for parent in level {
                for &(_, child) in self.children_of(parent) {
                    if !held[child as usize] && self.can_wait(child, rules) {
                        held[child as usize] = true;
                        next.push(child);
                    }
                }
            }
            level = next;
        }
        held
    }

    /// Rules B never mark a closed or pinned bead, so it passes nothing down; classic rules mark any.
    pub(super) fn can_wait(&self, at: u32, rules: Rules) -> bool {
        let state = self.nodes[at as usize].state;
        rules == Rules::Classic || !(state.is_closed() || state == State::Pinned)
    }

    pub(super) fn holds_back(&self, edge: &Edge, rules: Rules) -> bool {
        match edge.kind.under(rules) {
            None => false,
            Some(Kind::Blocks) => self.is_awaited(edge.to, Kind::Blocks, rules),
            Some(Kind::Conditional) => self.is_awaited(edge.to, Kind::Conditional, rules),
            Some(Kind::AnyChild) => {
                let children = self.children_of(edge.to);
                let any_closed =
                    children.iter().any(|(_, child)| self.nodes[*child as usize].state.is_closed());
                let all_done = children.iter().all(|(_, child)| self.is_done(*child, rules));
                // Without children rules B go on, and classic rules wait for the first.
                !any_closed && (rules == Rules::Classic || !all_done)
            }
            Some(_) => self.children_of(edge.to).iter().any(|(_, child)| !self.is_done(*child, rules)),
        }
    }

    /// Whether a `waits-for` still waits for this child.
    pub(super) fn is_done(&self, child: u32, rules: Rules) -> bool {
        let state = self.nodes[child as usize].state;
        state.is_closed() || (rules == Rules::B && state == State::Pinned)
    }

    fn is_awaited(&self, target: u32, kind: Kind, rules: Rules) -> bool {
        match (rules, self.nodes[target as usize].state) {
            (_, State::Live) => true,
            (Rules::B, State::Hooked | State::Custom) => true,
            (Rules::Classic, State::Hooked) => kind == Kind::Blocks,
            (Rules::Classic, State::Closed) => kind == Kind::Conditional,
            _ => false,
        }
    }

    pub(super) fn edges_of(&self, at: u32) -> &[Edge] {
        let start = self.edges.partition_point(|e| e.from < at);
        let end = self.edges.partition_point(|e| e.from <= at);
        &self.edges[start..end]
    }

    pub(super) fn parents_of(&self, at: u32) -> &[(u32, u32)] {
        run(&self.parents, at)
    }

    pub(super) fn children_of(&self, at: u32) -> &[(u32, u32)] {
        run(&self.children, at)
    }

    /// Edges to beads that are not here, `external:` ones among them, never block.
    fn add(&mut self, from: u32, dependency: &Dependency) {
        let to = self.index.get(dependency.depends_on_id.as_str()).copied();
        match (dependency.kind.as_str(), to) {
            ("blocks", Some(to)) => self.edges.push(Edge { from, to, kind: Kind::Blocks }),
            ("conditional-blocks", Some(to)) => self.edges.push(Edge { from, to, kind: Kind::Conditional }),
            ("parent-child", Some(to)) => self.parents.push((from, to)),
            ("waits-for", to) => self.add_waits_for(from, to, dependency),
            _ => {}
        }
    }

    fn add_waits_for(&mut self, from: u32, to: Option<u32>, dependency: &Dependency) {
        let metadata: Value = dependency
            .metadata
            .as_deref()
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default();
        let any = metadata.get("gate").is_some_and(|gate| gate == "any-children");
        let named = metadata.get("spawner_id").and_then(Value::as_str).filter(|id| !id.is_empty());
        let spawner = named.map_or(to, |id| self.index.get(id).copied());
        let mut push = |to: Option<u32>, kind| self.edges.extend(to.map(|to| Edge { from, to, kind }));
        match (spawner == to, any) {
            (true, false) => push(to, Kind::AllChildren),
            (true, true) => push(to, Kind::AnyChild),
            (false, false) => {
                push(to, Kind::NewAllChildren);
                push(spawner, Kind::ClassicAllChildren);
            }
            (false, true) => {
                push(to, Kind::NewAnyChild);
                push(spawner, Kind::ClassicAnyChild);
            }
        }
    }
}

fn node(bead: &Bead) -> Node {
    Node {
        state: State::of(bead),
        is_candidate: bead.status == Status::Open
            && !bead.pinned
            && !bead.ephemeral
            && !is_excluded_type(&bead.issue_type),
        is_wisp: is_wisp(bead.id.as_str()),
        defer_until: bead.defer_until,
    }
}

/// A bead without a creation time counts as the oldest.
fn order(beads: &[Bead]) -> Vec<u32> {
    let mut order: Vec<u32> = (0_u32..).zip(beads).map(|(at, _)| at).collect();
    order.sort_unstable_by(|a, b| {
        let (a, b) = (&beads[*a as usize], &beads[*b as usize]);
        (a.priority, a.created_at, &a.id).cmp(&(b.priority, b.created_at, &b.id))
    });
    order
}

/// The pairs that begin with `key`, of a sorted list.
fn run(pairs: &[(u32, u32)], key: u32) -> &[(u32, u32)] {
    let start = pairs.partition_point(|pair| pair.0 < key);
    let length = pairs[start..].iter().take_while(|pair| pair.0 == key).count();
    &pairs[start..start + length]
}
