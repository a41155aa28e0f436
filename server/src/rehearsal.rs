//! For tests: a register on a small tree of areas, and tablets that edit and sync against it as real ones do,
//! with nothing between but function calls. Keeps no outbox on disk and repairs nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use ed25519_dalek::SigningKey;
use sojourn_sync_protocol::{
    ActorId, AreaCode, DeviceId, DocKind, DocumentId, HouseholdId, MoveId, PersonId, StaffId,
    Timestamp, VisitId,
    batch::{Batch, CHAIN_START, PushedChange},
    digest::{self, Digest},
    message::{AreaCursor, Entry, Fate, SyncReply, SyncRequest, Watermark},
    record::{Authorship, Document, Edit, NewHousehold, NewMove, NewPerson, NewVisit, Value},
    refusal::Refusal,
};
use tempfile::TempDir;

use crate::clock::{self, Clock, Source};
use crate::config::Config;
use crate::devices::{self, Device, Redeemed};
use crate::documents::FIRST_EPOCH;
use crate::live::Live;
use crate::staff::{self, Role, Staff};
use crate::state::AppState;
use crate::store::{Store, StoreError};
use crate::{areas, exchange};

pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

/// Two counties: `n` with the villages `a` and `b`, `s` with the village `e`.
const TREE: &str = "code,parent,level,name\n\
    p,,province,省\nn,p,county,北\na,n,village,甲\nb,n,village,乙\ns,p,county,南\ne,s,village,戊\n";

pub(crate) fn area(code: &str) -> AreaCode {
    code.parse().unwrap()
}

pub(crate) fn household(n: u8) -> HouseholdId {
    HouseholdId::new(NOW, [n; 10])
}

pub(crate) fn person(n: u8) -> PersonId {
    PersonId::new(NOW, [n; 10])
}

pub(crate) fn core(n: u8) -> DocumentId {
    DocumentId::new(household(n), DocKind::Core)
}

pub(crate) fn health(n: u8) -> DocumentId {
    DocumentId::new(household(n), DocKind::Health)
}

/// A household of one person, numbered like the household.
pub(crate) fn register(n: u8, code: &str) -> Edit {
    Edit::RegisterHousehold(NewHousehold {
        area: Some(area(code)),
        address: Some("村东头".to_owned()),
        persons: vec![NewPerson {
            id: Some(person(n)),
            name: format!("王{n}"),
            ..NewPerson::default()
        }],
        ..NewHousehold::default()
    })
}

pub(crate) fn phone(n: u32) -> Edit {
    set("contact/phone", &format!("100{n:08}"))
}

pub(crate) fn set(path: &str, value: &str) -> Edit {
    Edit::Set {
        set: [(path.to_owned(), Some(Value::Text(value.to_owned())))].into(),
    }
}

pub(crate) fn rename(n: u8, name: &str) -> Edit {
    Edit::CorrectPerson {
        person: person(n),
        set: [("name".to_owned(), Some(Value::Text(name.to_owned())))].into(),
    }
}

pub(crate) fn move_to(code: &str, n: u8) -> Edit {
    Edit::Move(NewMove {
        id: Some(MoveId::new(NOW, [n; 10])),
        to: code.to_owned(),
        on: "2026-11-24".to_owned(),
        ..NewMove::default()
    })
}

pub(crate) fn visit(n: u8, of: u8) -> Edit {
    Edit::RecordVisit(NewVisit {
        id: Some(VisitId::new(NOW, [n; 10])),
        person: Some(person(of)),
        on: "2026-11-24".to_owned(),
        kind: "follow-up".to_owned(),
        ..NewVisit::default()
    })
}

/// A clock on which no two moments are the same.
#[derive(Debug)]
struct Ticking(AtomicI64);

impl Source for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.fetch_add(1, Ordering::Relaxed))
    }

    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            [*byte] = clock::random();
        }
    }
}

/// A register in a temporary folder.
pub(crate) struct Register {
    pub dir: TempDir,
    pub store: Store,
    pub live: Live,
    devices: u8,
}

impl Register {
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let rows = areas::read_csv(TREE.as_bytes()).unwrap();
        store
            .write("tree", move |tx| {
                areas::import(tx, &rows).expect("the rows fit");
                Ok::<_, StoreError>(())
            })
            .await
            .unwrap();
        Self {
            dir,
            store,
            live: Live::default(),
            devices: 0,
        }
    }

    /// Closes the register and opens it again.
    pub(crate) async fn reopen(&mut self) {
        self.meanwhile(|_| {}).await;
    }

    /// Closes the register, makes a copy of its folder and opens it again.
    pub(crate) async fn back_up(&mut self) -> TempDir {
        let copy = tempfile::tempdir().unwrap();
        self.meanwhile(|folder| copy_files(folder, copy.path()))
            .await;
        copy
    }

    /// Puts the register back to a copy.
    pub(crate) async fn restore(&mut self, copy: &TempDir) {
        self.meanwhile(|folder| copy_files(copy.path(), folder))
            .await;
    }

    async fn meanwhile(&mut self, closed: impl FnOnce(&Path)) {
        self.store.close().await;
        let elsewhere = tempfile::tempdir().unwrap();
        // The lock goes with the last clone, so the field is given another store first.
        self.store = Store::open(elsewhere.path()).unwrap();
        closed(self.dir.path());
        self.store = Store::open(self.dir.path()).unwrap();
    }

    /// Lets a server have the folder from now on. Whenever it looks at its clock, a millisecond has passed.
    pub(crate) async fn served(&mut self) -> Arc<AppState> {
        self.store.close().await;
        let elsewhere = tempfile::tempdir().unwrap();
        self.store = Store::open(elsewhere.path()).unwrap();
        let clock = Clock::new(Ticking(AtomicI64::new(NOW.millis())));
        let state = AppState::open_with(self.dir.path(), &Config::default(), clock).unwrap();
        (self.store, self.live) = (state.store.clone(), state.live.clone());
        state
    }

    /// Enrols a tablet of a new member of staff.
    pub(crate) async fn tablet(&mut self, role: Role, codes: &[&str]) -> Tablet {
        self.devices += 1;
        let n = self.devices;
        let key = SigningKey::from_bytes(&[n; 32]);
        let id = DeviceId::from_bytes([n; 16]);
        let granted: Vec<AreaCode> = codes.iter().map(|code| area(code)).collect();
        let verifying = key.verifying_key();
        let device = self
            .store
            .write("enrol", move |tx| {
                let who = Staff {
                    id: StaffId::from_bytes([n; 16]),
                    name: format!("员{n}"),
                    role,
                };
                staff::add(tx, &who, NOW)?;
                let code = devices::issue(tx, NOW, [n; 8], who.id, &granted).expect("a code");
                let request = Redeemed {
                    code: code.as_str(),
                    key: &verifying,
                    label: "tablet",
                    record_schema: 1,
                    device: id,
                };
                devices::redeem(tx, NOW, &request)?.expect("the code is good");
                devices::get(tx, id)
            })
            .await
            .unwrap()
            .unwrap();
        Tablet {
            area: area(codes[0]),
            device,
            key,
            actor: ActorId([n; 16]),
            number: 0,
            previous: CHAIN_START,
            documents: BTreeMap::new(),
            cursor: BTreeMap::new(),
            watermark: None,
            outbox: Vec::new(),
            at: NOW,
            seen: BTreeSet::new(),
            edits: 0,
        }
    }

    /// Every area, seen by nobody's tablet: what the register says each holds.
    pub(crate) async fn digest(&self, code: &str) -> Digest {
        let area = area(code);
        self.store
            .read("digest", move |tx| {
                crate::digests::of(tx, &area, &DocKind::ALL)
            })
            .await
            .unwrap()
    }

    pub(crate) async fn owner(&self, n: u8) -> Option<String> {
        let found = self
            .store
            .read("owner", move |tx| crate::residence::owner(tx, household(n)))
            .await
            .unwrap();
        found.map(|area: AreaCode| area.to_string())
    }

    /// Open items as `kind subject`.
    pub(crate) async fn items(&self) -> Vec<String> {
        let items = self
            .store
            .read("items", |tx| crate::review::everywhere(tx, 1000))
            .await
            .unwrap();
        items
            .iter()
            .map(|item: &crate::review::ReviewItem| {
                let about = item.aside.as_ref().unwrap_or(&item.subject);
                format!("{} {} {about}", item.area, item.kind)
            })
            .collect()
    }

    pub(crate) async fn expect_sound(&self) {
        let report = crate::check::check(&self.store).await.unwrap();
        assert!(report.is_sound(), "{:#?}", report.faults);
    }
}

fn copy_files(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// A tablet as it is in memory.
#[derive(Clone)]
pub(crate) struct Tablet {
    pub device: Device,
    pub key: SigningKey,
    pub actor: ActorId,
    pub area: AreaCode,
    pub number: u64,
    pub previous: [u8; 32],
    pub documents: BTreeMap<DocumentId, (AreaCode, Document)>,
    pub cursor: BTreeMap<AreaCode, u64>,
    pub watermark: Option<Watermark>,
    pub outbox: Vec<PushedChange>,
    pub at: Timestamp,
    /// Numbers of households that it registered.
    pub seen: BTreeSet<u8>,
    /// How many edits were made by number.
    pub edits: u8,
}

impl Tablet {
    /// An edit of some kind, chosen by a number, of a document that is held.
    pub(crate) fn edit_document(&mut self, id: DocumentId, what: u8) {
        let (_, document) = self.documents.get_mut(&id).expect("the document is held");
        self.edits += 1;
        let n = self.device.id.as_bytes()[0] ^ self.edits.wrapping_mul(8);
        let to = ["a", "b", "e", "nowhere"][usize::from(what / 8 % 4)];
        let edit = match (id.kind, what % 4) {
            (DocKind::Health, _) => visit(n, 1),
            (_, 0) => phone(u32::from(what)),
            (_, 1) => set("contact/note", &format!("注{what}")),
            (_, 2) => move_to(to, n),
            (_, _) => set("residence/address", &format!("村{what}号")),
        };
        let by = Authorship {
            actor: self.actor,
            staff: self.device.staff,
            area: self.area.clone(),
            at: self.at,
        };
        // An edit that says what the record says already makes no change.
        if let Ok(made) = document.edit(&edit, &by) {
            self.outbox.push(PushedChange {
                document: id,
                epoch: FIRST_EPOCH,
                bytes: made.bytes,
            });
        }
    }

    pub(crate) fn edit(&mut self, n: u8, edit: &Edit) {
        let id = DocumentId::new(household(n), edit.document());
        let home = match edit {
            Edit::RegisterHousehold(new) => new.area.clone(),
            _ => self.documents.get(&core(n)).map(|(area, _)| area.clone()),
        };
        let home = home.unwrap_or_else(|| self.area.clone());
        let document = self
            .documents
            .entry(id)
            .or_insert_with(|| (home, Document::new(id)));
        let by = Authorship {
            actor: self.actor,
            staff: self.device.staff,
            area: self.area.clone(),
            at: self.at,
        };
        let made = document.1.edit(edit, &by).unwrap();
        self.outbox.push(PushedChange {
            document: id,
            epoch: FIRST_EPOCH,
            bytes: made.bytes,
        });
    }

    /// The next batch of the chain, signed; the chain goes on from it.
    pub(crate) fn batch(&mut self, changes: Vec<PushedChange>) -> Batch {
        let grant = self.device.grant.version;
        let number = self.number + 1;
        let batch = Batch::sign(&self.key, self.actor, number, self.previous, grant, changes);
        self.number = number;
        self.previous = batch.digest();
        batch
    }

    pub(crate) fn request(&self, push: Option<Batch>, page_bytes: u32) -> SyncRequest {
        SyncRequest {
            schema: 1,
            grant: self.device.grant.version,
            areas_version: 1,
            cursor: self
                .cursor
                .iter()
                .map(|(area, seq)| AreaCursor {
                    area: area.clone(),
                    seq: *seq,
                })
                .collect(),
            page_bytes,
            push,
            watermark: self.watermark,
        }
    }

    pub(crate) async fn ask(
        &self,
        register: &Register,
        request: SyncRequest,
    ) -> Result<SyncReply, Refusal> {
        exchange::sync(&register.store, &register.live, NOW, &self.device, request).await
    }

    /// Hands in one batch and gives its fates, reading nothing.
    pub(crate) async fn push(
        &mut self,
        register: &Register,
        changes: Vec<PushedChange>,
    ) -> Vec<Fate> {
        let batch = self.batch(changes);
        let request = self.request(Some(batch), 0);
        self.ask(register, request).await.unwrap().fates
    }

    /// Hands in the outbox and reads every page; gives the fates.
    pub(crate) async fn sync(&mut self, register: &Register) -> Vec<Fate> {
        self.sync_in_pages(register, u32::MAX).await.0
    }

    /// The same in pages of this size; gives the fates and the number of pages.
    pub(crate) async fn sync_in_pages(
        &mut self,
        register: &Register,
        page_bytes: u32,
    ) -> (Vec<Fate>, usize) {
        let changes = std::mem::take(&mut self.outbox);
        let mut push = (!changes.is_empty()).then(|| self.batch(changes));
        let mut fates = Vec::new();
        for page in 1.. {
            let request = self.request(push.take(), page_bytes);
            let reply = self.ask(register, request).await.unwrap();
            fates.extend(reply.fates.iter().cloned());
            self.take_page(&reply);
            if reply.remaining == 0 {
                for told in &reply.digests {
                    assert_eq!(self.digest(&told.area), told.digest, "{}", told.area);
                }
                return (fates, page);
            }
        }
        unreachable!("a feed has an end")
    }

    pub(crate) fn take_page(&mut self, reply: &SyncReply) {
        self.watermark = reply.watermark.or(self.watermark);
        for entry in &reply.entries {
            match entry {
                Entry::Document(whole) => {
                    let mut document = Document::load(whole.document, &whole.saved).unwrap();
                    if let Some((_, mine)) = self.documents.get(&whole.document) {
                        let mine = mine.changes();
                        let raw: Vec<&[u8]> = mine.iter().map(|c| c.bytes.as_slice()).collect();
                        document.apply_changes(&raw).unwrap();
                    }
                    self.documents
                        .insert(whole.document, (whole.area.clone(), document));
                }
                Entry::Changes(new) => {
                    let held = self.documents.get_mut(&new.document);
                    let (_, document) = held.expect("changes come to a document that is held");
                    let raw: Vec<&[u8]> = new.changes.iter().map(|c| c.as_slice()).collect();
                    document.apply_changes(&raw).unwrap();
                }
                Entry::Leave(leave) => {
                    self.documents.retain(|id, (area, _)| {
                        id.household != leave.household || *area != leave.area
                    });
                }
            }
        }
        for cursor in &reply.cursor {
            self.cursor.insert(cursor.area.clone(), cursor.seq);
        }
    }

    pub(crate) fn digest(&self, area: &AreaCode) -> Digest {
        let mut sum = Digest::default();
        for (id, (at, document)) in &self.documents {
            if at == area {
                sum.add(&digest::leaf(*id, FIRST_EPOCH, &document.heads()));
            }
        }
        sum
    }

    pub(crate) fn households(&self) -> BTreeSet<HouseholdId> {
        self.documents.keys().map(|id| id.household).collect()
    }
}
