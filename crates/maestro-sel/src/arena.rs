//! The store of one evaluation: cells, arrays and maps, which refer to each other by number, so that cycles are no trouble.

use std::collections::BTreeMap;

use crate::value::{ArrayId, CellId, MapId, Text, Val};

#[derive(Debug, Default)]
pub(crate) struct Arena {
    cells: Vec<Val>,
    /// First cell and number of elements.
    arrays: Vec<(u32, u32)>,
    maps: Vec<Map>,
}

/// A map in the order of a Java hash map (spec 03 SF-6). A key is a text or the absent STRING.
#[derive(Debug)]
struct Map {
    entries: Vec<(Option<Text>, CellId)>,
    index: BTreeMap<Option<Text>, u32>,
    /// Buckets of the Java map of these keys, a power of two.
    table: u32,
}

impl Arena {
    pub(crate) fn cell(&self, id: CellId) -> &Val {
        &self.cells[id.0 as usize]
    }

    pub(crate) fn cell_mut(&mut self, id: CellId) -> &mut Val {
        &mut self.cells[id.0 as usize]
    }

    pub(crate) fn new_cell(&mut self, value: Val) -> CellId {
        self.cells.push(value);
        CellId(self.cells.len() as u32 - 1)
    }

    pub(crate) fn new_array(&mut self, elements: impl IntoIterator<Item = Val>) -> ArrayId {
        let start = self.cells.len();
        self.cells.extend(elements);
        self.arrays
            .push((start as u32, (self.cells.len() - start) as u32));
        ArrayId(self.arrays.len() as u32 - 1)
    }

    pub(crate) fn array_len(&self, id: ArrayId) -> u32 {
        self.arrays[id.0 as usize].1
    }

    pub(crate) fn element(&self, id: ArrayId, index: i32) -> Option<CellId> {
        let (start, len) = self.arrays[id.0 as usize];
        u32::try_from(index)
            .ok()
            .filter(|index| *index < len)
            .map(|index| CellId(start + index))
    }

    pub(crate) fn elements(&self, id: ArrayId) -> &[Val] {
        let (start, len) = self.arrays[id.0 as usize];
        &self.cells[start as usize..(start + len) as usize]
    }

    pub(crate) fn new_map(&mut self) -> MapId {
        self.maps.push(Map {
            entries: Vec::new(),
            index: BTreeMap::new(),
            table: 16,
        });
        MapId(self.maps.len() as u32 - 1)
    }

    pub(crate) fn map_len(&self, id: MapId) -> usize {
        self.maps[id.0 as usize].entries.len()
    }

    pub(crate) fn map_get(&self, id: MapId, key: &Option<Text>) -> Option<CellId> {
        let map = &self.maps[id.0 as usize];
        map.index.get(key).map(|at| map.entries[*at as usize].1)
    }

    /// Binds a key to a cell and gives back the cell that it was bound to.
    pub(crate) fn map_put(&mut self, id: MapId, key: Option<Text>, cell: CellId) -> Option<CellId> {
        let map = &mut self.maps[id.0 as usize];
        if let Some(at) = map.index.get(&key) {
            return Some(std::mem::replace(&mut map.entries[*at as usize].1, cell));
        }
        map.grow(&key);
        map.index.insert(key.clone(), map.entries.len() as u32);
        map.entries.push((key, cell));
        None
    }

    /// The entries in the order in which a Java hash map lists them.
    pub(crate) fn map_entries(&self, id: MapId) -> Vec<(Option<Text>, CellId)> {
        let map = &self.maps[id.0 as usize];
        let mut entries: Vec<_> = map
            .entries
            .iter()
            .map(|(key, cell)| (map.bucket(key), key, *cell))
            .collect();
        entries.sort_by_key(|(bucket, ..)| *bucket);
        entries
            .into_iter()
            .map(|(_, key, cell)| (key.clone(), cell))
            .collect()
    }

    /// The cells of a map in any order.
    pub(crate) fn map_cells(&self, id: MapId) -> impl Iterator<Item = CellId> + '_ {
        self.maps[id.0 as usize]
            .entries
            .iter()
            .map(|(_, cell)| *cell)
    }
}

impl Map {
    fn bucket(&self, key: &Option<Text>) -> u32 {
        let hash = key.as_deref().map_or(0, java_hash) as u32;
        (hash ^ hash >> 16) & (self.table - 1)
    }

    /// Doubles the table as Java does before a new key is counted.
    fn grow(&mut self, key: &Option<Text>) {
        if self.table < 64 {
            let bucket = self.bucket(key);
            // The ninth key of a bucket doubles a small table.
            if self
                .entries
                .iter()
                .filter(|(other, _)| self.bucket(other) == bucket)
                .count()
                >= 8
            {
                self.table *= 2;
            }
        }
        if self.entries.len() as u64 + 1 > u64::from(self.table) * 3 / 4 {
            self.table *= 2;
        }
    }
}

/// `String.hashCode()` of Java.
pub(crate) fn java_hash(units: &[u16]) -> i32 {
    units.iter().fold(0_i32, |hash, unit| {
        hash.wrapping_mul(31).wrapping_add(i32::from(*unit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(keys: &[&str]) -> Vec<String> {
        let mut arena = Arena::default();
        let map = arena.new_map();
        for key in keys {
            let cell = arena.new_cell(Val::Null);
            arena.map_put(map, Some(Text::from(*key)), cell);
        }
        arena
            .map_entries(map)
            .into_iter()
            .map(|(key, _)| key.unwrap().show())
            .collect()
    }

    #[test]
    fn maps_list_in_hash_order() {
        // [03:423], and the example of SF-6
        assert_eq!(
            order(&["one", "two", "three", "four", "five"]),
            ["four", "one", "two", "three", "five"]
        );
        let keys: Vec<String> = (0..14).map(|i| format!("k{i}")).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        assert_eq!(
            order(&keys).join(" "),
            "k0 k1 k2 k3 k4 k5 k11 k6 k10 k7 k13 k8 k12 k9"
        );
    }

    #[test]
    fn a_ninth_key_of_a_bucket_doubles_a_small_table() {
        // `Aa` and `BB` have one hash; so have all eight texts of three such pairs, and nine keys need more.
        let colliding: Vec<String> = (0..9)
            .map(|i: u32| {
                (0..4)
                    .map(|bit| if i >> bit & 1 == 0 { "Aa" } else { "BB" })
                    .collect()
            })
            .collect();
        let mut arena = Arena::default();
        let map = arena.new_map();
        for key in &colliding {
            let cell = arena.new_cell(Val::Null);
            arena.map_put(map, Some(Text::from(key.as_str())), cell);
        }
        assert_eq!(arena.maps[0].table, 32);
    }
}
