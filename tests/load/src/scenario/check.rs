//! What no key can know by itself: which others it needs, and which it does not go with.

use std::path::Path;

use load::Operation;
use toml::Spanned;

use super::keys::{Degrees, File, Make, NetworkKeys, PhaseKeys, RampKeys, ThresholdKeys, Weights};
use super::mistake::Fault;
use super::ranges::{Connections, In};
use super::{End, Mix, Model, Phase, Ramp, Scenario, Threshold, What, Whom};
use crate::network::{Network, Shape, edges};

/// Calls at a time when nothing is said. An open model needs room for those that wait for their answers.
const CONNECTIONS_CLOSED: usize = 64;
const CONNECTIONS_OPEN: usize = 256;
/// So that a line of a table holds it.
const LONGEST_NAME: usize = 40;
/// Where random pairs would have to be drawn too often until one is new.
const DENSEST_POWER_LAW: usize = 4;

pub fn check(keys: File, file: &Path, text: &str) -> Result<Scenario, Fault> {
    let network = match &keys.network {
        Some(keys) => network(keys, file)?,
        None => Network::default(),
    };
    if keys.phases.get_ref().is_empty() {
        return Err(Fault::at(&keys.phases, "there is no phase: nothing would be done"));
    }
    let mut phases: Vec<Phase> = Vec::new();
    for keys in keys.phases.get_ref() {
        let phase = phase(keys, &network, &phases)?;
        phases.push(phase);
    }
    let ramp = keys.ramp.as_ref().map(|keys| ramp(keys, &phases)).transpose()?;
    let thresholds = keys.thresholds.iter().map(|keys| threshold(keys, &phases)).collect::<Result<_, _>>()?;
    Ok(Scenario {
        name: file.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        file: file.to_owned(),
        text: text.to_owned(),
        description: keys.description,
        seed: keys.seed.map_or(1, In::whole),
        show: keys.show.map_or(0, In::size),
        network,
        phases,
        ramp,
        thresholds,
    })
}

fn network(place: &Spanned<NetworkKeys>, file: &Path) -> Result<Network, Fault> {
    let keys = place.get_ref();
    if let Some(named) = &keys.edges {
        let others = [keys.people.as_ref().map(Spanned::span), keys.friendships.as_ref().map(Spanned::span)];
        let others = others.into_iter().chain([keys.degrees.as_ref().map(Spanned::span)]);
        if let Some(span) = others.chain([keys.exponent.as_ref().map(Spanned::span)]).flatten().next() {
            let text = "`edges` names a real network, which has its people and friendships already: leave this away";
            return Err(Fault::at(&Spanned::new(span, ()), text));
        }
        let path = file.parent().unwrap_or(Path::new("")).join(named.get_ref());
        return edges::read(&path).map_err(|text| Fault::at(named, text));
    }
    let Some(people) = &keys.people else {
        return Err(Fault::at(place, "either `people` or `edges` has to be there"));
    };
    let count = people.get_ref().size();
    let shape = match (keys.degrees.as_ref().map(Spanned::get_ref), &keys.exponent) {
        (Some(Degrees::PowerLaw), exponent) => {
            Shape::PowerLaw { exponent: exponent.as_ref().map_or(Shape::EXPONENT, |exponent| exponent.get_ref().get()) }
        }
        (_, Some(exponent)) => return Err(Fault::at(exponent, "it is for degrees = \"power-law\"")),
        _ => Shape::Uniform,
    };
    let friendships = keys.friendships.as_ref().map_or(0, |friendships| friendships.get_ref().size());
    let pairs = count * (count - 1) / 2;
    let most = if shape == Shape::Uniform { pairs } else { pairs / DENSEST_POWER_LAW };
    match &keys.friendships {
        Some(place) if friendships > most => {
            let of = if most < pairs { ", a quarter of which a power law can be drawn from" } else { "" };
            Err(Fault::at(place, format!("{count} people have {pairs} pairs{of}: at most {most}")))
        }
        _ => Ok(Network::Drawn { people: count, friendships, shape }),
    }
}

fn phase(place: &Spanned<PhaseKeys>, network: &Network, before: &[Phase]) -> Result<Phase, Fault> {
    let keys = place.get_ref();
    let name = keys.name.get_ref();
    if name.trim().is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err(Fault::at(&keys.name, format!("1 to {LONGEST_NAME} characters on one line")));
    }
    if before.iter().any(|phase| phase.name == *name) {
        return Err(Fault::at(&keys.name, "another phase has this name"));
    }
    let (what, end) = match (&keys.make, &keys.mix) {
        (Some(make), None) => (made(make, keys, network, before)?, End::Made),
        (None, Some(weights)) => {
            let mix = mix(weights, keys.whom.as_ref(), before)?;
            (What::Mix(mix), end(place)?)
        }
        (Some(_), Some(mix)) => return Err(Fault::at(mix, "a phase has either `make` or `mix`")),
        (None, None) => return Err(Fault::at(place, "it needs `make` or `mix`: what is to be done?")),
    };
    let connections = |default| keys.connections.map_or(default, In::<Connections>::size);
    let model = match keys.rate {
        None => Model::Closed { connections: connections(CONNECTIONS_CLOSED) },
        Some(rate) => Model::Open { per_second: rate.get(), connections: connections(CONNECTIONS_OPEN) },
    };
    Ok(Phase { name: name.clone(), what, model, end })
}

fn made(make: &Spanned<Make>, keys: &PhaseKeys, network: &Network, before: &[Phase]) -> Result<What, Fault> {
    if let Some(seconds) = &keys.seconds {
        return Err(Fault::at(seconds, "it is for a `mix`: `make` ends when all is made"));
    }
    if let Some(requests) = &keys.requests {
        return Err(Fault::at(requests, "it is for a `mix`: `make` ends when all is made"));
    }
    if let Some(whom) = &keys.whom {
        return Err(Fault::at(whom, "it is for a `mix`: `make` is about everybody"));
    }
    let made_before = |wanted: fn(&What) -> bool| before.iter().any(|phase| wanted(&phase.what));
    let people = made_before(|what| matches!(what, What::MakePeople));
    match make.get_ref() {
        Make::People if people => Err(Fault::at(make, "an earlier phase has made them")),
        Make::People if network.people() == 0 => Err(Fault::at(make, "there is no [network] with people")),
        Make::People => Ok(What::MakePeople),
        Make::Friendships if network.friendships() == 0 => {
            Err(Fault::at(make, "the network has none: say how many with `friendships` in [network]"))
        }
        Make::Friendships if made_before(|what| matches!(what, What::MakeFriendships)) => {
            Err(Fault::at(make, "an earlier phase has made them"))
        }
        Make::Friendships if !people => Err(Fault::at(make, NO_PEOPLE)),
        Make::Friendships => Ok(What::MakeFriendships),
    }
}

const NO_PEOPLE: &str = "it is about people, and nobody is there yet: put a phase with make = \"people\" before it";

fn mix(weights: &Spanned<Weights>, whom: Option<&Spanned<Whom>>, before: &[Phase]) -> Result<Mix, Fault> {
    let mix: std::collections::BTreeMap<Operation, f64> = weights
        .get_ref()
        .iter()
        .map(|(operation, weight)| (*operation, weight.get()))
        .filter(|(_, w)| *w > 0.0)
        .collect();
    if mix.is_empty() {
        return Err(Fault::at(weights, "at least one operation needs a weight above 0"));
    }
    let people = before.iter().any(|phase| matches!(phase.what, What::MakePeople));
    if !people && let Some(operation) = mix.keys().find(|operation| operation.needs_people()) {
        return Err(Fault::at(weights, format!("{}: {NO_PEOPLE}", operation.name())));
    }
    let adds = |what: &What| match what {
        What::MakePeople => false,
        What::MakeFriendships => true,
        What::Mix(mix) => mix.weights.contains_key(&Operation::AddFriend),
    };
    let friendships = mix.contains_key(&Operation::AddFriend) || before.iter().any(|phase| adds(&phase.what));
    if mix.contains_key(&Operation::RemoveFriend) && !friendships {
        let text = "removeFriend: nobody has friends; let addFriend be in the mix, or make = \"friendships\" before it";
        return Err(Fault::at(weights, text));
    }
    Ok(Mix { weights: mix, whom: whom.map_or(Whom::Anyone, |whom| *whom.get_ref()) })
}

fn end(place: &Spanned<PhaseKeys>) -> Result<End, Fault> {
    let keys = place.get_ref();
    match (&keys.seconds, &keys.requests) {
        (Some(seconds), None) => Ok(End::Seconds(seconds.get_ref().get())),
        (None, Some(requests)) => Ok(End::Requests(requests.get_ref().whole())),
        (Some(_), Some(requests)) => Err(Fault::at(requests, "a mix ends by `seconds` or by `requests`, not by both")),
        (None, None) => Err(Fault::at(place, "a mix needs an end: `seconds` or `requests`")),
    }
}

fn ramp(place: &Spanned<RampKeys>, phases: &[Phase]) -> Result<Ramp, Fault> {
    let keys = place.get_ref();
    let last = phases.iter().rev().find_map(|phase| match &phase.what {
        What::Mix(mix) => Some(mix.clone()),
        _ => None,
    });
    let mix = match (&keys.mix, last) {
        (Some(weights), _) => mix(weights, keys.whom.as_ref(), phases)?,
        (None, Some(last)) => Mix { whom: keys.whom.as_ref().map_or(last.whom, |whom| *whom.get_ref()), ..last },
        (None, None) => return Err(Fault::at(place, "it needs a `mix`: no phase has one either")),
    };
    let (from, to) = (keys.from.get(), keys.to.get_ref().get());
    if to < from {
        return Err(Fault::at(&keys.to, format!("it is less than `from`, which is {from}")));
    }
    Ok(Ramp {
        mix,
        from,
        step: keys.step.get(),
        to,
        seconds: keys.seconds.get(),
        connections: keys.connections.map_or(CONNECTIONS_OPEN, In::size),
        p99_ms: keys.p99_ms.get(),
        at_least: keys.at_least.map(In::get),
    })
}

fn threshold(place: &Spanned<ThresholdKeys>, phases: &[Phase]) -> Result<Threshold, Fault> {
    let keys = place.get_ref();
    let limits = keys.limits();
    if limits.is_empty() {
        let text = "it needs a limit: p50_ms, p90_ms, p99_ms, p999_ms, max_ms, failed or rate";
        return Err(Fault::at(place, text));
    }
    let named = keys.phase.as_ref().map(Spanned::get_ref);
    let meant: Vec<&Phase> = phases.iter().filter(|phase| named.is_none_or(|name| phase.name == *name)).collect();
    if let (Some(name), true) = (&keys.phase, meant.is_empty()) {
        let names: Vec<&str> = phases.iter().map(|phase| phase.name.as_str()).collect();
        return Err(Fault::at(name, format!("no phase has this name; there are {}", names.join(", "))));
    }
    let does = |phase: &&Phase, operation: Operation| match &phase.what {
        What::MakePeople => operation == Operation::CreateUser,
        What::MakeFriendships => operation == Operation::AddFriend,
        What::Mix(mix) => mix.weights.contains_key(&operation),
    };
    if let Some(operation) = &keys.operation
        && !meant.iter().any(|phase| does(phase, *operation.get_ref()))
    {
        return Err(Fault::at(operation, "no phase that is meant does it"));
    }
    Ok(Threshold { phase: named.cloned(), operation: keys.operation.as_ref().map(|o| *o.get_ref()), limits })
}
