//! What the server keeps aside: every change it refused waits there, byte for byte.

use std::collections::BTreeMap;

use sojourn_server::review::{ReviewKind, decide::QuestionId};
use sojourn_server::store::StoreError;
use sojourn_sync_protocol::{ChangeHash, DocKind, DocumentId, HouseholdId, batch::PushedChange};

use super::world::World;

impl World {
    /// Whether a question is about a change kept aside that the register has accepted since, in this document or another.
    pub(super) fn is_in_the_record(&self, question: &QuestionId) -> bool {
        let hash = question.subject.parse::<ChangeHash>().ok();
        question.kind == ReviewKind::Quarantined
            && hash.is_some_and(|hash| self.log().0.contains(&hash))
    }

    /// No refused change is missing, and none differs from what was handed in.
    pub(super) fn what_was_refused_waits(&mut self) -> Result<(), String> {
        let state = self.state.as_ref().expect("the server runs between steps");
        let rows = self.runtime.block_on(state.store.read("aside", |tx| {
            tx.query("SELECT hash, bytes FROM quarantine", &[], |row| {
                Ok((ChangeHash(row.array(0)?), row.blob(1)?))
            })
        }));
        let rows = rows.map_err(|error: StoreError| error.to_string())?;
        let kept: BTreeMap<ChangeHash, Vec<u8>> = rows.into_iter().collect();
        self.figures.checked += kept.len() as u64;
        for (hash, bytes) in &kept {
            let anywhere = DocumentId::new(HouseholdId::from_bytes([0; 16]), DocKind::Core);
            let change = PushedChange {
                document: anywhere,
                epoch: 1,
                bytes: bytes.clone(),
            };
            if change.hash() != *hash {
                return Err(format!("what is kept aside as {hash} is another change"));
            }
        }
        self.network.watching(|watch| {
            match watch.aside.iter().find(|hash| !kept.contains_key(hash)) {
                Some(hash) => Err(format!("change {hash} was refused and is not kept aside")),
                None => Ok(()),
            }
        })
    }
}
