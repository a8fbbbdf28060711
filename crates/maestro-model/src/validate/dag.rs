//! The graph of steps that successors span (spec 01 V-34, V-35, V-61).

use crate::Str;
use crate::definition::Step;
use std::collections::{BTreeSet, HashMap};

/// The predecessors of each step, computed from the successors, in the order of the steps. Successors that are no step
/// of the list are left out.
pub fn predecessors(steps: &[Step]) -> Vec<BTreeSet<&str>> {
    let places = places(steps);
    let mut predecessors = vec![BTreeSet::new(); steps.len()];
    for step in steps {
        for place in step
            .transition
            .successors
            .keys()
            .filter_map(|id| places.get(&**id))
        {
            predecessors[*place].insert(&*step.id);
        }
    }
    predecessors
}

/// A cycle among the steps, from a step back to itself: `[a, b, a]`. Successors that are no step of the list are left
/// out.
pub fn cycle(steps: &[Step]) -> Option<Vec<Str>> {
    let places = places(steps);
    let next = |place: usize, edge: usize| -> Option<Option<usize>> {
        let (id, _) = steps[place].transition.successors.get_index(edge)?;
        Some(places.get(&**id).copied())
    };
    let mut done = vec![false; steps.len()];
    let mut on_path = vec![false; steps.len()];
    for start in 0..steps.len() {
        if done[start] {
            continue;
        }
        // Depth first without recursion: the path, with the next edge to follow at each step.
        let mut path = vec![(start, 0)];
        on_path[start] = true;
        while let Some((place, edge)) = path.last_mut() {
            let place = *place;
            let Some(target) = next(place, *edge) else {
                on_path[place] = false;
                done[place] = true;
                path.pop();
                continue;
            };
            *edge += 1;
            match target {
                Some(target) if on_path[target] => {
                    let from = path
                        .iter()
                        .position(|(place, _)| *place == target)
                        .unwrap_or(0);
                    let ids = path[from..].iter().map(|(place, _)| *place).chain([target]);
                    return Some(ids.map(|place| steps[place].id.clone()).collect());
                }
                Some(target) if !done[target] => {
                    on_path[target] = true;
                    path.push((target, 0));
                }
                Some(_) | None => {}
            }
        }
    }
    None
}

fn places(steps: &[Step]) -> HashMap<&str, usize> {
    steps
        .iter()
        .enumerate()
        .map(|(place, step)| (&*step.id, place))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;
    use proptest::prelude::*;

    fn steps(edges: &[(&str, &[&str])]) -> Vec<Step> {
        let step = |(id, to): &(&str, &[&str])| {
            let to: Vec<String> = to.iter().map(|id| format!("\"{id}\":\"true\"")).collect();
            let json = format!(
                r#"{{"step":{{"id":"{id}","type":"NoOp","transition":{{"successors":{{{}}}}}}}}}"#,
                to.join(",")
            );
            codec::read(json.as_bytes()).expect("a step")
        };
        edges.iter().map(step).collect()
    }

    fn cycle_of(edges: &[(&str, &[&str])]) -> Option<String> {
        cycle(&steps(edges)).map(|ids| ids.join(" "))
    }

    // [01:28]
    #[test]
    fn a_cycle_is_named_from_its_first_step() {
        assert_eq!(cycle_of(&[("a", &["a"])]).as_deref(), Some("a a"));
        assert_eq!(
            cycle_of(&[("a", &["b"]), ("b", &["c"]), ("c", &["b"])]).as_deref(),
            Some("b c b")
        );
        assert_eq!(
            cycle_of(&[("a", &["b", "c"]), ("b", &["d"]), ("c", &["d"]), ("d", &[])]),
            None
        );
        assert_eq!(cycle_of(&[("a", &["gone"])]), None);
        assert_eq!(cycle_of(&[]), None);
    }

    #[test]
    fn predecessors_follow_from_successors() {
        let steps = steps(&[("a", &["c"]), ("b", &["c", "gone"]), ("c", &[])]);
        let of: Vec<Vec<&str>> = predecessors(&steps)
            .into_iter()
            .map(|set| set.into_iter().collect())
            .collect();
        assert_eq!(of, [vec![], vec![], vec!["a", "b"]]);
    }

    proptest! {
        #[test]
        fn forward_edges_never_make_a_cycle_and_one_backward_edge_does(
            edges in proptest::collection::vec((0usize..30, 0usize..30), 0..120), len in 2usize..30
        ) {
            let id = |n: usize| format!("s{n}");
            let mut steps: Vec<Step> = (0..len)
                .map(|n| codec::read(format!(r#"{{"step":{{"id":"s{n}","type":"NoOp"}}}}"#).as_bytes()).expect("a step"))
                .collect();
            for (a, b) in edges.into_iter().map(|(a, b)| (a % len, b % len)).filter(|(a, b)| a != b) {
                steps[a.min(b)].transition.successors.insert(id(a.max(b)).into(), None);
            }
            prop_assert_eq!(cycle(&steps), None);
            steps[0].transition.successors.insert(id(len - 1).into(), None);
            steps[len - 1].transition.successors.insert(id(0).into(), None);
            let found = cycle(&steps).expect("a cycle");
            prop_assert!(found.len() >= 3);
            prop_assert_eq!(found.first(), found.last());
            for pair in found.windows(2) {
                let step = steps.iter().find(|s| s.id == pair[0]).expect("a step of the list");
                prop_assert!(step.transition.successors.contains_key(&pair[1]));
            }
        }
    }
}
