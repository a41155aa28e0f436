//! A device that was enrolled like any other and is not honest: it hands in spoilt changes, and changes whose parents
//! never come.

use std::collections::BTreeSet;

use ed25519_dalek::SigningKey;
use sojourn_client_core::clock::{SeededRandom, draw};
use sojourn_server::{
    devices::{self, Device, Redeemed},
    exchange,
    office::{Command, Outcome},
    review::queue::Question,
    store::StoreError,
};
use sojourn_sync_protocol::{
    ActorId, AreaCode, DeviceId, DocKind, DocumentId, HouseholdId, Timestamp,
    batch::{Batch, CHAIN_START, PushedChange},
    message::{Fate, SyncRequest},
    record::{Authorship, Document, Edit, NewHousehold, Value},
};

use super::world::World;
use crate::hostile::{Dice, change as mutator};

/// Spoilt changes handed in at once.
const SPOILT: usize = 4;

/// The device.
pub(super) struct Stranger {
    device: Device,
    key: SigningKey,
    random: SeededRandom,
    actor: ActorId,
    number: u64,
    previous: [u8; 32],
}

impl Stranger {
    fn edit(&mut self, document: &mut Document, actor: ActorId, edit: Edit) -> Option<Vec<u8>> {
        let at = Timestamp::from_millis(1_795_000_000_000);
        let by = Authorship {
            actor,
            staff: self.device.staff,
            area: self.device.grant.areas.first()?.clone(),
            at,
        };
        let random = &mut self.random;
        let edit = edit.with_ids(at, &mut || draw(random));
        Some(document.edit(&edit, &by).ok()?.bytes)
    }

    fn address(&mut self, document: &mut Document, actor: ActorId, text: &str) -> Option<Vec<u8>> {
        let set = [(
            "residence/address".to_owned(),
            Some(Value::Text(text.into())),
        )];
        self.edit(document, actor, Edit::Set { set: set.into() })
    }

    /// A household that nobody has heard of, and the change that registers it.
    fn household(&mut self) -> Option<(Document, Vec<u8>)> {
        let at = Timestamp::from_millis(1_795_000_000_000);
        let id = HouseholdId::new(at, draw(&mut self.random));
        let mut document = Document::new(DocumentId::new(id, DocKind::Core));
        let actor = self.actor;
        let new = Edit::RegisterHousehold(NewHousehold::default());
        let registered = self.edit(&mut document, actor, new)?;
        Some((document, registered))
    }

    fn sign(&mut self, changes: Vec<PushedChange>) -> Batch {
        let grant = self.device.grant.version;
        let (number, previous) = (self.number + 1, self.previous);
        let batch = Batch::sign(&self.key, self.actor, number, previous, grant, changes);
        self.number = number;
        self.previous = batch.digest();
        batch
    }
}

fn change(document: DocumentId, bytes: Vec<u8>) -> PushedChange {
    PushedChange {
        document,
        epoch: 1,
        bytes,
    }
}

impl World {
    /// The device as it is, or a new one when the server knows none.
    fn stranger(&mut self) -> Result<Stranger, String> {
        if let Some(known) = self.stranger.take() {
            return Ok(known);
        }
        let mut random = self.random();
        let key = SigningKey::from_bytes(&draw(&mut random));
        let areas = vec![self.village(0).parse().expect("a code of this world")];
        let issued = self.office(Command::DeviceCode { staff: None, areas });
        let Ok(Outcome::Code(issued)) = issued else {
            return Err(format!("no code is issued: {issued:?}"));
        };
        let (public, id, now) = (key.verifying_key(), draw(&mut random), self.now());
        let state = self.state.as_ref().expect("the server runs between steps");
        let enrolling = state.store.write("enrol", move |tx| {
            let request = Redeemed {
                code: &issued.code,
                key: &public,
                label: "tablet",
                record_schema: 1,
                device: DeviceId::from_bytes(id),
            };
            let enrolled = devices::redeem(tx, now, &request)?;
            enrolled.map_or(Ok(None), |enrolled| devices::get(tx, enrolled.device))
        });
        let enrolled = self.runtime.block_on(enrolling);
        let enrolled = enrolled.map_err(|error: StoreError| error.to_string())?;
        Ok(Stranger {
            device: enrolled.ok_or("a good code is not taken")?,
            key,
            actor: ActorId(draw(&mut random)),
            random,
            number: 0,
            previous: CHAIN_START,
        })
    }

    /// Hands in a batch as this device.
    fn hand_in(
        &mut self,
        stranger: &mut Stranger,
        changes: Vec<PushedChange>,
    ) -> Result<Vec<Fate>, String> {
        let many = changes.len();
        let request = SyncRequest {
            schema: 1,
            grant: stranger.device.grant.version,
            areas_version: 1,
            cursor: Vec::new(),
            page_bytes: 0,
            push: Some(stranger.sign(changes)),
            watermark: None,
        };
        let now = self.now();
        let state = self.state.as_ref().expect("the server runs between steps");
        let asked = exchange::sync(&state.store, &state.live, now, &stranger.device, request);
        let reply = self.runtime.block_on(asked);
        let fates = reply
            .map_err(|refusal| format!("a signed batch is refused: {refusal}"))?
            .fates;
        if fates.len() != many {
            return Err(format!("{} fates for {many} changes", fates.len()));
        }
        Ok(fates)
    }

    /// The core document of a household of the stranger's village, as the first tablet has it.
    fn household_of_others(&self, dice: &mut Dice) -> Option<Document> {
        let documents = self.documents(0);
        let (id, changes) = dice.pick(&documents)?;
        let mut document = Document::new(*id);
        let changes: Vec<&[u8]> = changes.iter().map(Vec::as_slice).collect();
        document.apply_changes(&changes).ok()?;
        (id.kind == DocKind::Core).then_some(document)
    }

    pub(super) fn poison(&mut self, seed: u64) -> Result<(), String> {
        let mut dice = Dice::new(seed);
        let mut stranger = self.stranger()?;
        let mut changes = Vec::new();
        let document = match self
            .household_of_others(&mut dice)
            .filter(|_| dice.one_in(2))
        {
            Some(document) => document,
            None => {
                let Some((document, registered)) = stranger.household() else {
                    return Err("a household cannot be made".into());
                };
                changes.push(change(document.id(), registered));
                document
            }
        };
        let saved = document.save();
        for _ in 0..SPOILT {
            let actor = ActorId(draw(&mut stranger.random));
            let mut copy =
                Document::load(document.id(), &saved).map_err(|error| error.to_string())?;
            let made = stranger.address(&mut copy, actor, "一");
            let donor = stranger.address(&mut copy, actor, "二");
            if let (Some(made), Some(donor)) = (made, donor) {
                let spoilt = mutator::mutate(&mut dice, &made, &donor);
                changes.push(change(document.id(), spoilt));
            }
        }
        self.hand_in(&mut stranger, changes)?;
        self.stranger = Some(stranger);
        self.fired("spoilt changes handed in");
        Ok(())
    }

    /// Where the register knows a household to have lived.
    fn lived_in(&self, household: HouseholdId) -> Result<BTreeSet<AreaCode>, String> {
        let state = self.state.as_ref().expect("the server runs between steps");
        let read = self.runtime.block_on(state.store.read("stays", move |tx| {
            let id = sojourn_server::store::Value::from(household.as_bytes());
            let sql = "SELECT area FROM stays WHERE household = ?1";
            tx.query(sql, &[id], |row| row.parse::<AreaCode>(0))
        }));
        let lived = read.map_err(|error: StoreError| error.to_string())?;
        Ok(lived.into_iter().collect())
    }

    /// The device writes in the record of a family that is not of its village, as a neighbour's staff might. That waits for a
    /// reviewer, who settles it.
    pub(super) fn meddle(
        &mut self,
        at: usize,
        household: usize,
        choice: usize,
    ) -> Result<(), String> {
        let mut stranger = self.stranger()?;
        let theirs: BTreeSet<AreaCode> = stranger.device.grant.areas.iter().cloned().collect();
        let mut documents = self.documents(at);
        documents.retain(|(id, _)| id.kind == DocKind::Core);
        let mut made = None;
        if !documents.is_empty() {
            let (id, changes) = &documents[household % documents.len()];
            let lived = self.lived_in(id.household)?;
            let elsewhere = !lived.is_empty() && lived.is_disjoint(&theirs);
            let mut document = Document::new(*id);
            let changes: Vec<&[u8]> = changes.iter().map(Vec::as_slice).collect();
            if elsewhere && document.apply_changes(&changes).is_ok() {
                let actor = stranger.actor;
                let text = format!("路边 {}", stranger.number);
                let bytes = stranger.address(&mut document, actor, &text);
                made = bytes.map(|bytes| change(*id, bytes));
            }
        }
        let mut fate = None;
        let subject = made.as_ref().map(|made| made.hash().to_string());
        if let Some(made) = made {
            fate = self.hand_in(&mut stranger, vec![made])?.pop();
        }
        self.stranger = Some(stranger);
        match fate {
            Some(fate) if fate.is_merged() => {
                return Err("a change of a family elsewhere is in the log".into());
            }
            Some(Fate::Quarantined { .. }) => {}
            // What it builds on has not been handed in yet.
            _ => return Ok(()),
        }
        self.fired("edit of a family that is not one's own");
        let is_it = |open: &Question| Some(&open.subject) == subject.as_ref();
        match self.questions().into_iter().find(is_it) {
            Some(open) => self.settle_one(&open, |world, case| world.choice(case, choice)),
            None => Ok(()),
        }
    }

    pub(super) fn orphans(&mut self, many: usize) -> Result<(), String> {
        let mut stranger = self.stranger()?;
        let Some((mut document, _)) = stranger.household() else {
            return Err("a household cannot be made".into());
        };
        let actor = stranger.actor;
        let mut changes = Vec::new();
        for number in 0..many {
            let made = stranger.address(&mut document, actor, &number.to_string());
            changes.extend(made.map(|bytes| change(document.id(), bytes)));
        }
        let (log, _) = self.log();
        let fates = self.hand_in(&mut stranger, changes)?;
        self.stranger = Some(stranger);
        self.fired("orphans handed in");
        if let Some(taken) = fates.iter().find(|fate| fate.is_merged()) {
            return Err(format!("a change without its parents met {taken:?}"));
        }
        if self.log().0 == log {
            Ok(())
        } else {
            Err("changes without their parents are in the log".into())
        }
    }
}
