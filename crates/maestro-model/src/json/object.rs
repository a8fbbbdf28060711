//! Members of a JSON object.

use super::Json;
use std::collections::HashMap;

/// The members of an object in the order in which their keys came first; of equal keys the last value counts.
///
/// A plain list: objects of a definition are small, and the reader removes doubles once at the end of an object.
#[derive(Debug, Clone, Default)]
pub struct Object(Vec<(Box<str>, Json)>);

/// Up to this size a scan is cheaper than an index.
const SCAN_MAX: usize = 16;

impl Object {
    /// An object without members.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Of members as written, equal keys included.
    pub fn from_members(members: Vec<(Box<str>, Json)>) -> Self {
        let mut object = Self(members);
        object.merge_equal_keys();
        object
    }

    /// The number of members.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of a member.
    pub fn get(&self, key: &str) -> Option<&Json> {
        self.0
            .iter()
            .find(|(name, _)| **name == *key)
            .map(|(_, value)| value)
    }

    /// The value of a member, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Json> {
        self.0
            .iter_mut()
            .find(|(name, _)| **name == *key)
            .map(|(_, value)| value)
    }

    /// Sets a member; one that exists keeps its place.
    pub fn insert(&mut self, key: &str, value: Json) {
        match self.0.iter_mut().find(|(name, _)| **name == *key) {
            Some((_, old)) => *old = value,
            None => self.0.push((key.into(), value)),
        }
    }

    /// Takes a member out; the others keep their order.
    pub fn remove(&mut self, key: &str) -> Option<Json> {
        let at = self.0.iter().position(|(name, _)| **name == *key)?;
        Some(self.0.remove(at).1)
    }

    /// The members in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }

    fn merge_equal_keys(&mut self) {
        let members = &mut self.0;
        if members.len() <= SCAN_MAX {
            let double = |at: usize| members[..at].iter().any(|(name, _)| *name == members[at].0);
            if !(1..members.len()).any(double) {
                return;
            }
        }
        let mut places: HashMap<Box<str>, usize> = HashMap::with_capacity(members.len());
        let mut merged: Vec<(Box<str>, Json)> = Vec::with_capacity(members.len());
        for (name, value) in std::mem::take(members) {
            match places.get(&name) {
                Some(&place) => merged[place].1 = value,
                None => {
                    places.insert(name.clone(), merged.len());
                    merged.push((name, value));
                }
            }
        }
        *members = merged;
    }
}

/// Equal members whatever their order.
impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self
                .0
                .iter()
                .zip(&other.0)
                .enumerate()
                .all(|(at, ((name, value), same_place))| {
                    if *name == same_place.0 {
                        *value == same_place.1
                    } else {
                        other.get(&self.0[at].0) == Some(value)
                    }
                })
    }
}

impl IntoIterator for Object {
    type Item = (Box<str>, Json);
    type IntoIter = std::vec::IntoIter<(Box<str>, Json)>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
