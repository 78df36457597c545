//! The night's money: which events are bills, and how they add up.
//!
//! Owns the one list of what costs. Caps and whether it is an estimate come from what the night expected of
//! itself. Start with [`money`] and [`bill`].

use std::collections::BTreeMap;

use super::{Item, Kind, Line, Material, Money, ProjectMoney, Section};
use crate::domain::event::{Body, Event};
use crate::domain::ids::ProjectId;
use crate::domain::night::Prospect;
use crate::domain::text::one_line;

/// What the event says was spent, in US dollars.
pub(super) fn bill(event: &Event) -> Option<f64> {
    match &event.body {
        // A reviewer is an agent too: what its verdict says it cost is this bill once more.
        Body::AgentEnded(end) => Some(end.cost_usd),
        _ => None,
    }
}

/// What the night expected, and the event that says so.
pub(super) fn prospect(material: &Material) -> Option<(u64, &Prospect)> {
    material.events.iter().find_map(|event| match &event.body {
        Body::NightOpened { prospect: Some(prospect), .. } => Some((event.seq, &**prospect)),
        _ => None,
    })
}

pub(super) fn money(material: &Material) -> Money {
    let expected = prospect(material).map(|(_, prospect)| prospect);
    let mut usd = 0.0;
    let mut tokens = 0_u64;
    let mut projects: BTreeMap<&ProjectId, f64> = BTreeMap::new();
    for event in &material.events {
        let Some(bill) = bill(event) else { continue };
        usd += bill;
        if let Some(project) = &event.project {
            *projects.entry(project).or_default() += bill;
        }
        if let Body::AgentEnded(end) = &event.body {
            tokens = tokens.saturating_add(end.usage.total());
        }
    }
    let projects = projects.into_iter().map(|(id, usd)| ProjectMoney {
        project: id.to_string(),
        project_name: material.names.get(id).cloned().unwrap_or_else(|| id.to_string()),
        usd,
        cap: expected.and_then(|p| p.projects.get(id).copied()),
    });
    Money {
        usd,
        tokens,
        cap: expected.and_then(|p| p.usd),
        estimate: expected.is_some_and(|p| p.estimate),
        projects: projects.collect(),
    }
}

/// The same in sentences; nothing where nothing was spent.
pub(super) fn section(material: &Material, money: &Money) -> Option<Section> {
    let bills = |project: Option<&str>| -> Vec<u64> {
        let of =
            |event: &&Event| project.is_none_or(|p| event.project.as_ref().is_some_and(|x| x.as_str() == p));
        material.events.iter().filter(|event| bill(event).is_some()).filter(of).map(|e| e.seq).collect()
    };
    let mut all = bills(None);
    if all.is_empty() {
        return None;
    }
    let opened = prospect(material).map(|(seq, _)| seq);
    all.extend(opened.filter(|_| money.cap.is_some() || money.estimate));
    let mut total = format!("${:.2} and {} tokens in all{}", money.usd, grouped(money.tokens), of(money.cap));
    if money.estimate {
        total.push_str(", an estimate at list price: a subscription's token is not billed by use");
    }
    let mut items = vec![Item::told(Line::new(total, all))];
    if money.projects.len() > 1 || money.projects.iter().any(|p| p.cap.is_some()) {
        items.extend(money.projects.iter().map(|project| {
            let mut seqs = bills(Some(&project.project));
            seqs.extend(opened.filter(|_| project.cap.is_some()));
            let name = one_line(&project.project_name, 80);
            Item::told(Line::new(format!("{name}: ${:.2}{}", project.usd, of(project.cap)), seqs))
        }));
    }
    Some(Section { kind: Kind::Money, title: Kind::Money.title().to_owned(), items })
}

fn of(cap: Option<f64>) -> String {
    cap.map(|cap| format!(" of ${cap:.2} at most")).unwrap_or_default()
}

/// `1,234,567`.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
