//! Lists of several runs, matched by a key.

use std::collections::BTreeMap;

/// Index of an item in the list of each run; none where that run has no such item.
pub(super) type Match = Vec<Option<usize>>;

/// Items with equal keys side by side, in the order of the first list; what only later lists have stands behind the item
/// that it follows there. Of items of one list with equal keys the first matches the first, the second the second.
pub(super) fn matched<T, K: Ord + Clone>(lists: &[&[T]], key: impl Fn(&T) -> K) -> Vec<Match> {
    let mut order: Vec<(K, usize)> = Vec::new();
    let mut rows: BTreeMap<(K, usize), Match> = BTreeMap::new();
    for (run, list) in lists.iter().enumerate() {
        let places: BTreeMap<&(K, usize), usize> = order.iter().enumerate().map(|(place, key)| (key, place)).collect();
        let mut new: BTreeMap<Option<usize>, Vec<(K, usize)>> = BTreeMap::new();
        let mut seen: BTreeMap<K, usize> = BTreeMap::new();
        let mut last = None;
        for (index, item) in list.iter().enumerate() {
            let count = seen.entry(key(item)).or_default();
            let key = (key(item), *count);
            *count += 1;
            match places.get(&key) {
                Some(&place) => last = Some(place),
                None => new.entry(last).or_default().push(key.clone()),
            }
            if let Some(cell) = rows.entry(key).or_insert_with(|| vec![None; lists.len()]).get_mut(run) {
                *cell = Some(index);
            }
        }
        let mut merged = new.remove(&None).unwrap_or_default();
        for (place, key) in order.into_iter().enumerate() {
            merged.push(key);
            merged.append(&mut new.remove(&Some(place)).unwrap_or_default());
        }
        order = merged;
    }
    order.iter().filter_map(|key| rows.remove(key)).collect()
}

/// The items of a match.
pub(super) fn items<'a, T>(lists: &[&'a [T]], row: &Match) -> Vec<Option<&'a T>> {
    lists.iter().zip(row).map(|(list, index)| index.and_then(|i| list.get(i))).collect()
}

/// Whether a run misses the item, or two runs that have it disagree.
pub(super) fn differs<T, V: PartialEq>(items: &[Option<T>], value: impl Fn(&T) -> V) -> bool {
    let mut values = items.iter().flatten().map(value);
    let first = values.next();
    items.iter().any(Option::is_none) || values.any(|v| Some(v) != first)
}
