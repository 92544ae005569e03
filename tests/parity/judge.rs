//! Whether an answer is LlamaIndex's. The last bits of a cosine depend on the
//! processor, so not every difference is a mistake, and this says which are:
//!
//! * scores agree to 1e-12;
//! * ids agree, in order, wherever neighbouring scores of LlamaIndex differ by more;
//! * in a group of nearer ones it is the same ids, or, where `top_k` cuts the
//!   group, any of its members;
//! * where the only near ones are vectors equal to the last bit, or there are
//!   none, the order is exactly LlamaIndex's, also with NaN among the scores;
//! * mode `mmr` makes the same picks up to the first that is not sure.

use std::collections::{BTreeMap, BTreeSet};

use crate::recording::{Answer, Order, Raised, Scored, VectorCase};

/// Scores nearer than this may change places.
const NEAR: f64 = 1e-12;

/// What was answered here.
pub type Outcome = Result<Vec<Scored>, Raised>;

/// Says what is wrong with an answer.
pub fn judge(case: &VectorCase, outcome: &Outcome) -> Result<(), String> {
    match (&case.answer, outcome) {
        (Err(expected), Err(found)) => same_error(expected, found),
        (Ok(expected), Ok(found)) => {
            let largest = match (&expected.order, case.threshold) {
                (Order::Picks(_), Some(weight)) => (weight.abs() + (1.0 - weight).abs()).max(1.0),
                _ => 1.0,
            };
            same_hits(expected, found, NEAR * largest)
        }
        // An unsure pick may lead to where no further one can be made.
        (Ok(expected), Err(found)) => match expected.order {
            Order::Picks(sure) if sure < expected.hits.len() && found.class == "KeyError" => Ok(()),
            _ => Err(format!("raises {found:?} instead of an answer")),
        },
        (Err(expected), Ok(_)) => Err(format!("an answer instead of {expected:?}")),
    }
}

fn same_error(expected: &Raised, found: &Raised) -> Result<(), String> {
    // scikit-learn is not there in the recording, and never here.
    if expected.class == "ImportError" && found.class == "NotImplementedError" {
        return Ok(());
    }
    match expected == found {
        true => Ok(()),
        false => Err(format!("raises {found:?} instead of {expected:?}")),
    }
}

fn same_hits(expected: &Answer, found: &[Scored], tolerance: f64) -> Result<(), String> {
    let hits = &expected.hits;
    if hits.len() != found.len() {
        return Err(format!("{} hits instead of {}", found.len(), hits.len()));
    }
    if found
        .iter()
        .map(|hit| &hit.id)
        .collect::<BTreeSet<_>>()
        .len()
        < found.len()
    {
        return Err("an id twice".to_owned());
    }
    let cut: &[Scored] = match &expected.order {
        Order::Exact => return same_prefix(hits, found, hits.len(), tolerance),
        Order::Picks(sure) => return same_prefix(hits, found, *sure, tolerance),
        Order::Groups { cut } => {
            same_groups(hits, found, cut)?;
            cut
        }
        Order::Loose => &[],
    };
    let scores: BTreeMap<&[u8], f64> = hits
        .iter()
        .chain(cut)
        .map(|hit| (&*hit.id, hit.score))
        .collect();
    for hit in found {
        if let Some(score) = scores.get(&*hit.id) {
            same_score(hit, *score, tolerance)?;
        }
    }
    Ok(())
}

fn same_prefix(
    hits: &[Scored],
    found: &[Scored],
    sure: usize,
    tolerance: f64,
) -> Result<(), String> {
    for (at, (hit, other)) in hits.iter().zip(found).take(sure).enumerate() {
        if hit.id != other.id {
            return Err(format!(
                "hit {at} is {:?} instead of {:?}",
                shown(&other.id),
                shown(&hit.id)
            ));
        }
        same_score(other, hit.score, tolerance)?;
    }
    Ok(())
}

/// Compares group by group; scores fall, and none is NaN.
fn same_groups(hits: &[Scored], found: &[Scored], cut: &[Scored]) -> Result<(), String> {
    let mut start = 0;
    while start < hits.len() {
        let mut end = start + 1;
        while end < hits.len() && is_near(hits[end - 1].score, hits[end].score, NEAR) {
            end += 1;
        }
        let mut group: BTreeSet<&[u8]> = hits[start..end].iter().map(|hit| &*hit.id).collect();
        if end == hits.len() {
            group.extend(cut.iter().map(|hit| &*hit.id));
        }
        for (at, hit) in found.iter().enumerate().take(end).skip(start) {
            if !group.contains(&*hit.id) {
                return Err(format!(
                    "hit {at} is {:?}, which is none of its group",
                    shown(&hit.id)
                ));
            }
        }
        start = end;
    }
    Ok(())
}

fn same_score(found: &Scored, expected: f64, tolerance: f64) -> Result<(), String> {
    match is_near(found.score, expected, tolerance) {
        true => Ok(()),
        false => Err(format!(
            "{:?} has the score {:?} instead of {expected:?}",
            shown(&found.id),
            found.score
        )),
    }
}

/// NaN is near to NaN, and an infinity to itself.
fn is_near(one: f64, other: f64, tolerance: f64) -> bool {
    one == other || (one - other).abs() <= tolerance || (one.is_nan() && other.is_nan())
}

fn shown(id: &[u8]) -> String {
    String::from_utf8_lossy(id).into_owned()
}

/// A judge that lets everything pass would prove nothing.
mod tests {
    use serde_json::json;

    use super::*;

    fn hits(pairs: &[(&str, f64)]) -> Vec<Scored> {
        let hit = |(id, score): &(&str, f64)| Scored {
            id: id.as_bytes().to_vec(),
            score: *score,
        };
        pairs.iter().map(hit).collect()
    }

    fn case(mode: &str, answer: serde_json::Value) -> VectorCase {
        let mut case = json!({"mode": mode, "top_k": 3, "embedding": "1.0"});
        case.as_object_mut()
            .unwrap()
            .extend(answer.as_object().unwrap().clone());
        VectorCase::of(&case)
    }

    /// What the judge says to rows found.
    fn says(case: &VectorCase, found: &[(&str, f64)]) -> Result<(), String> {
        judge(case, &Ok(hits(found)))
    }

    #[test]
    fn an_exact_order_is_exact() {
        let case = case(
            "default",
            json!({"ids": ["a", "b"], "scores": "0.5 0.5", "order": "exact"}),
        );
        says(&case, &[("a", 0.5), ("b", 0.5 + 1e-13)]).unwrap();
        says(&case, &[("b", 0.5), ("a", 0.5)]).unwrap_err();
        says(&case, &[("a", 0.5), ("b", 0.5 + 1e-11)]).unwrap_err();
        says(&case, &[("a", 0.5)]).unwrap_err();
        says(&case, &[("a", 0.5), ("b", f64::NAN)]).unwrap_err();
    }

    #[test]
    fn near_ones_may_change_places_but_not_leave() {
        let case = case(
            "default",
            json!({"ids": ["a", "b", "c"], "scores": "0.9 0.5 0.5", "order": "groups"}),
        );
        says(&case, &[("a", 0.9), ("c", 0.5), ("b", 0.5)]).unwrap();
        says(&case, &[("b", 0.5), ("a", 0.9), ("c", 0.5)]).unwrap_err();
        says(&case, &[("a", 0.9), ("b", 0.5), ("d", 0.5)]).unwrap_err();
        says(&case, &[("a", 0.9), ("b", 0.5), ("b", 0.5)]).unwrap_err();
        says(&case, &[("a", 0.9), ("c", 0.5), ("b", 0.6)]).unwrap_err();
    }

    #[test]
    fn a_cut_group_may_give_any_of_its_members() {
        let case = case(
            "default",
            json!({"ids": ["a", "b"], "scores": "0.9 0.5", "order": "groups", "cut": ["c"], "cut_scores": "0.5"}),
        );
        says(&case, &[("a", 0.9), ("c", 0.5)]).unwrap();
        says(&case, &[("a", 0.9), ("c", 0.4)]).unwrap_err();
        says(&case, &[("c", 0.5), ("a", 0.9)]).unwrap_err();
        says(&case, &[("a", 0.9), ("d", 0.5)]).unwrap_err();
    }

    #[test]
    fn picks_are_the_same_until_they_are_unsure() {
        let case = case(
            "mmr",
            json!({"ids": ["a", "b", "c"], "scores": "0.5 0.1 0.0", "sure": 1}),
        );
        says(&case, &[("a", 0.5), ("c", 0.1), ("b", 0.0)]).unwrap();
        says(&case, &[("b", 0.5), ("a", 0.1), ("c", 0.0)]).unwrap_err();
        says(&case, &[("a", 0.4), ("b", 0.1), ("c", 0.0)]).unwrap_err();
    }

    #[test]
    fn an_error_is_the_same_to_the_letter() {
        let case = case("default", json!({"raises": ["ValueError", "shapes"]}));
        let raised = |class: &str, text: &str| {
            let (class, text) = (class.to_owned(), text.to_owned());
            judge(&case, &Err(Raised { class, text }))
        };
        raised("ValueError", "shapes").unwrap();
        raised("ValueError", "shape").unwrap_err();
        raised("TypeError", "shapes").unwrap_err();
        says(&case, &[]).unwrap_err();
    }
}
