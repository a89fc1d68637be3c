//! What darkbird 3.0.0 does, step by step, as its source has it: a DashMap of documents, one of unique values, one of tags
//! with a DashSet of keys each, and for each range field a BTreeMap from texts to DashSets. Its reporter of events is off.
//!
//! Better than the seed, at no cost: a remove takes the key out of the range index, the first users of a tag cannot lose each
//! other's set, and the calls are plain instead of asynchronous, without a runtime. As in the seed, opening does not restore
//! the range index, which spares it a part of the work.

use crate::log::{page_path, DiskLog, LogFile};
use dashmap::iter::Iter;
use dashmap::mapref::one::Ref;
use dashmap::{DashMap, DashSet};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hash;
use std::ops::Bound;

pub struct RangeField {
    pub name: String,
    pub value: String,
}

pub trait Document {
    fn extract(&self) -> Vec<String>;
    fn get_tags(&self) -> Vec<String>;
    fn get_fields(&self) -> Vec<RangeField>;
}

#[derive(Debug)]
pub struct Duplicate;

#[derive(Serialize, Deserialize)]
enum RQuery<K, Doc> {
    Insert(K, Doc),
    Remove(K),
}

pub struct Storage<K: Eq + Hash, Doc> {
    collection: DashMap<K, Doc>,
    hash_index: DashMap<String, K>,
    tag_index: DashMap<String, DashSet<K>>,
    range_index: DashMap<String, BTreeMap<String, DashSet<K>>>,
    log: Option<DiskLog>,
}

impl<K, Doc> Storage<K, Doc>
where
    K: Serialize + DeserializeOwned + Ord + Hash + Clone,
    Doc: Serialize + DeserializeOwned + Clone + Document,
{
    pub fn in_memory() -> Self {
        Storage {
            collection: DashMap::new(),
            hash_index: DashMap::new(),
            tag_index: DashMap::new(),
            range_index: DashMap::new(),
            log: None,
        }
    }

    pub fn open(directory: &str) -> std::io::Result<Self> {
        let mut storage = Self::in_memory();
        let log = DiskLog::open(directory)?;
        storage.load(directory)?;
        storage.log = Some(log);
        Ok(storage)
    }

    fn load(&self, directory: &str) -> std::io::Result<()> {
        let mut page = 1;
        while page_path(directory, page).is_file() {
            LogFile::open(&page_path(directory, page))?.for_each(|record| {
                match bincode::deserialize::<RQuery<K, Doc>>(record).expect("a record") {
                    RQuery::Insert(key, doc) => {
                        let _ = self.insert_into_indexes(&key, &doc);
                        self.collection.insert(key, doc);
                    }
                    RQuery::Remove(key) => self.take_out(&key),
                }
            })?;
            page += 1;
        }
        Ok(())
    }

    /// Waits for the log thread to have written everything.
    pub fn close(&mut self) {
        if let Some(log) = &mut self.log {
            log.close();
        }
    }

    #[inline]
    pub fn insert(&self, key: K, doc: Doc) -> Result<(), Duplicate> {
        if let Some(log) = &self.log {
            // The seed makes a query that owns its document, for the log and for subscribers.
            let query = RQuery::Insert(key.clone(), doc.clone());
            log.log(bincode::serialize(&query).expect("a document can be encoded"));
        }
        self.insert_into_indexes(&key, &doc)?;
        for field in doc.get_fields() {
            let mut tree = self.range_index.entry(field.name).or_insert_with(BTreeMap::new);
            tree.entry(field.value).or_insert_with(DashSet::new).insert(key.clone());
        }
        self.collection.insert(key, doc);
        Ok(())
    }

    /// Into all but the range index.
    #[inline]
    fn insert_into_indexes(&self, key: &K, doc: &Doc) -> Result<(), Duplicate> {
        let index_keys = doc.extract();
        for index_key in index_keys.iter() {
            if self.hash_index.get(index_key).is_some() {
                return Err(Duplicate);
            }
        }
        for index_key in index_keys {
            self.hash_index.insert(index_key, key.clone());
        }
        for tag in doc.get_tags() {
            self.tag_index.entry(tag).or_insert_with(DashSet::new).insert(key.clone());
        }
        Ok(())
    }

    pub fn remove(&self, key: K) {
        self.take_out(&key);
        if let Some(log) = &self.log {
            log.log(bincode::serialize(&RQuery::<K, Doc>::Remove(key)).expect("a key can be encoded"));
        }
    }

    fn take_out(&self, key: &K) {
        match self.collection.get(key) {
            Some(doc) => {
                for index_key in doc.extract().iter() {
                    self.hash_index.remove(index_key);
                }
                for tag in doc.get_tags() {
                    if let Some(set) = self.tag_index.get(&tag) {
                        set.remove(key);
                    }
                }
                for field in doc.get_fields() {
                    if let Some(tree) = self.range_index.get(&field.name) {
                        if let Some(set) = tree.get(&field.value) {
                            set.remove(key);
                        }
                    }
                }
            }
            None => return,
        }
        self.collection.remove(key);
    }

    #[inline]
    pub fn lookup(&self, key: &K) -> Option<Ref<'_, K, Doc>> {
        self.collection.get(key)
    }

    #[inline]
    pub fn lookup_by_index(&self, index_key: &String) -> Option<Ref<'_, K, Doc>> {
        let key = self.hash_index.get(index_key)?;
        self.collection.get(key.value())
    }

    pub fn lookup_by_tag(&self, tag: &String) -> Vec<Ref<'_, K, Doc>> {
        match self.tag_index.get(tag) {
            Some(set) => {
                let mut result = Vec::with_capacity(set.len());
                for key in set.iter() {
                    if let Some(doc) = self.collection.get(&key) {
                        result.push(doc);
                    }
                }
                result
            }
            None => vec![],
        }
    }

    pub fn range(&self, field: &String, from: String, to: String) -> Vec<Ref<'_, K, Doc>> {
        let mut keys = BTreeSet::new();
        if let Some(tree) = self.range_index.get(field) {
            for (_, set) in tree.range((Bound::Included(from), Bound::Excluded(to))) {
                for key in set.iter() {
                    keys.insert(key.key().clone());
                }
            }
        }
        let mut result = Vec::new();
        for key in keys {
            if let Some(doc) = self.collection.get(&key) {
                result.push(doc);
            }
        }
        result
    }

    pub fn iter(&self) -> Iter<'_, K, Doc> {
        self.collection.iter()
    }

    pub fn len(&self) -> usize {
        self.collection.len()
    }
}
