//! Readers that need something around them: a register, a tablet, files. One of each is kept for a thread and used for many
//! inputs; what an input spoilt is mended or replaced before the next.

use super::{chunk, samples, targets::sealed, village::*};
use sojourn_client_core::{
    Error, Opened, Tablet, clock::SeededRandom, store::KeyCost, store::StoreError,
    sync::session::Outcome,
};
use sojourn_server::{
    clock,
    config::Config,
    devices::{self, Redeemed},
    exchange, store,
};
use sojourn_sync_protocol::{
    AreaCode, DeviceId, DocKind,
    codec::{self, Effort},
    limits::{REPLY_FRAME_BYTES_MAX, REQUEST_FRAME_BYTES_MAX},
    message::{Entry, Fate, NewChanges, SyncReply, SyncRequest, VerifyRequest, WholeDocument},
    record::Document,
    refusal::Refusal,
};
use std::{cell::RefCell, fs, path::Path};

/// A register with a device that hands in what it likes, and a household of it.
struct Register {
    village: Village,
    bad: BadDevice,
    documents: [Document; 2],
}

impl Register {
    fn new() -> Self {
        let village = Village::new();
        let mut bad = village.bad_device();
        let documents = bad.register(&village, 1).remove(0);
        Self {
            village,
            bad,
            documents,
        }
    }
}

/// Runs with this thread's own.
fn with<T>(
    kept: &'static std::thread::LocalKey<RefCell<Option<T>>>,
    new: fn() -> T,
    run: impl FnOnce(&mut T),
) {
    kept.with_borrow_mut(|kept| run(kept.get_or_insert_with(new)));
}

thread_local! {
    static REGISTER: RefCell<Option<Register>> = const { RefCell::new(None) };
    static LISTENER: RefCell<Option<Listener>> = const { RefCell::new(None) };
}

/// Hands a change in: it meets one fate, and the household can be read afterwards.
pub(super) fn ingest(bytes: &[u8]) {
    with(&REGISTER, Register::new, |register| {
        let bytes = sealed(chunk::CHANGE, bytes);
        let pushed = register
            .documents
            .each_ref()
            .map(|document| change(document.id(), bytes.clone()));
        let (fates, _) = register.bad.push(&register.village, pushed.to_vec());
        assert_eq!(fates.len(), pushed.len());
        let accepted = |fate: &Fate| matches!(fate, Fate::Accepted { .. });
        if !fates.iter().any(accepted) {
            return;
        }
        for (document, fate) in register.documents.iter_mut().zip(&fates) {
            if accepted(fate) {
                let taken = document.take_in(&[&bytes]);
                taken.expect("what the server accepted can be taken in");
                Document::load(document.id(), &document.save()).expect("it can be read again");
            }
        }
        assert_eq!(register.village.register().len(), 1);
        *register = Register::new();
    });
}

/// Asks the server with any cursor and for anything, as an enrolled device.
pub(super) fn cursor(bytes: &[u8]) {
    with(&REGISTER, Register::new, |register| {
        let Register { village, bad, .. } = register;
        let (store, live) = (&village.state.store, &village.state.live);
        let max = REQUEST_FRAME_BYTES_MAX;
        let expected = |refusal: Refusal| {
            let whose = matches!(
                refusal,
                Refusal::Malformed { .. }
                    | Refusal::Schema { .. }
                    | Refusal::TooLarge { .. }
                    | Refusal::UnknownArea { .. }
            );
            assert!(whose, "{refusal:?}");
        };
        if let Ok(request) = codec::decode::<SyncRequest>(bytes, max) {
            let asked = exchange::sync(store, live, clock::now(), &bad.device, request);
            village
                .runtime
                .block_on(asked)
                .map(drop)
                .unwrap_or_else(expected);
        }
        if let Ok(request) = codec::decode::<VerifyRequest>(bytes, max) {
            let asked = exchange::verify(store, &bad.device, request);
            village
                .runtime
                .block_on(asked)
                .map(drop)
                .unwrap_or_else(expected);
        }
    });
}

/// Tries to enrol with any text for a code.
pub(super) fn enrolment(bytes: &[u8]) {
    let Ok(code) = String::from_utf8(bytes.to_vec()) else {
        return;
    };
    with(&REGISTER, Register::new, |register| {
        let key = samples::key().verifying_key();
        let tried = register.village.state.store.write("enrol", move |tx| {
            let request = Redeemed {
                code: &code,
                key: &key,
                label: "bad",
                record_schema: 1,
                device: DeviceId::from_bytes([67; 16]),
            };
            devices::redeem(tx, clock::now(), &request)
        });
        let enrolled: Result<_, store::StoreError> = register.village.runtime.block_on(tried);
        assert_eq!(
            enrolled.expect("the store works"),
            None,
            "a code was guessed"
        );
    });
}

/// A tablet that a lying server speaks to.
struct Listener {
    village: Village,
    tablet: Tablet,
    documents: [Document; 2],
    heard: u64,
}

/// Lies after which a new village is begun.
const LIES_MAX: u64 = 2_000;

impl Listener {
    fn new() -> Self {
        let village = Village::new();
        let tablet = village.tablet();
        let documents = village.bad_device().register(&village, 1).remove(0);
        village.sync(&tablet);
        Self {
            village,
            tablet,
            documents,
            heard: 0,
        }
    }
}

/// Gives a tablet one spoilt page, then lets the server be honest: they agree. The first byte picks the document, the second
/// the kind of lie.
pub(super) fn inbox(bytes: &[u8]) {
    let [which, kind, lie @ ..] = bytes else {
        return;
    };
    with(&LISTENER, Listener::new, |listener| {
        if listener.heard >= LIES_MAX {
            *listener = Listener::new();
        }
        listener.heard += 1;
        let document = listener.documents[usize::from(which % 2)].id();
        let spoiler = liar(document.kind, listener, *kind, lie.to_vec());
        listener
            .village
            .sync_spoilt(&listener.tablet, Some(spoiler));
        let report = listener.village.sync_spoilt(&listener.tablet, None);
        assert_eq!(report.outcome, Outcome::Agreed);
        assert_eq!(
            listener.village.held(&listener.tablet),
            listener.village.register()
        );
    });
}

fn liar(which: DocKind, listener: &Listener, kind: u8, lie: Vec<u8>) -> Spoiler {
    let [core, health] = listener.documents.each_ref().map(Document::id);
    let document = if which == DocKind::Core { core } else { health };
    let area: AreaCode = AREA.parse().expect("a code");
    let mut told = false;
    Box::new(move |path, honest| {
        if path != "/v1/sync" || std::mem::replace(&mut told, true) {
            return honest;
        }
        if kind.is_multiple_of(3) {
            return lie.clone();
        }
        let mut reply: SyncReply =
            codec::decode(&honest, REPLY_FRAME_BYTES_MAX).expect("an honest page");
        reply.entries.push(if kind % 3 == 1 {
            Entry::Changes(NewChanges {
                document,
                area: area.clone(),
                epoch: 1,
                changes: vec![sealed(chunk::CHANGE, &lie).into()],
            })
        } else {
            Entry::Document(WholeDocument {
                document,
                area: area.clone(),
                epoch: 1,
                saved: sealed(chunk::DOCUMENT, &lie),
            })
        });
        codec::encode(&reply, Effort::Quick)
    })
}

/// Reads a configuration.
pub(super) fn config(bytes: &[u8]) {
    thread_local! {
        static FOLDER: tempfile::TempDir = folder();
    }
    FOLDER.with(|folder| {
        let path = folder.path().join("config.toml");
        fs::write(&path, bytes).expect("a file");
        if let Ok(config) = Config::read(&path) {
            drop((config.validate(), config.origins(), config.store_options()));
        }
    });
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn open(dir: &Path) -> Result<Opened, Error> {
    let random = Box::new(SeededRandom::new(1));
    Tablet::open_at_cost(dir, "p", KeyCost::TESTS, samples::AT, random)
}

/// The files of a tablet that holds one household.
fn tablet_template() -> Vec<(String, Vec<u8>)> {
    thread_local! {
        static FILES: Vec<(String, Vec<u8>)> = {
            let folder = folder();
            drop(open(folder.path()).expect("a new tablet"));
            let entries = fs::read_dir(folder.path()).expect("it can be read");
            let mut files: Vec<_> = entries
                .map(|entry| {
                    let entry = entry.expect("a file");
                    let name = entry.file_name().into_string().expect("a plain name");
                    (name, fs::read(entry.path()).expect("it can be read"))
                })
                .collect();
            files.sort();
            files
        };
    }
    FILES.with(Clone::clone)
}

/// A tablet's key file.
pub(super) fn key_file() -> Vec<u8> {
    let mut files = tablet_template().into_iter();
    let file = files.find(|(name, _)| name == "key.json");
    file.expect("a tablet has a key").1
}

/// Opens a tablet whose files were damaged: it opens, whole or salvaged, now or at the next start, or says what is wrong. The first byte says which
/// file; then come its bytes, or places in it (4 bytes) each with the byte that stands there.
pub(super) fn tablet_files(bytes: &[u8]) {
    let Some((which, damage)) = bytes.split_first() else {
        return;
    };
    let folder = folder();
    for (name, mut content) in tablet_template() {
        let both_keys = name.starts_with("key.json");
        match which % 3 {
            0 if both_keys => content = damage.to_vec(),
            1 if name.ends_with(".db") => spoil_places(&mut content, damage),
            2 if name == "key.json" => spoil_places(&mut content, damage),
            _ => {}
        }
        fs::write(folder.path().join(name), content).expect("a file");
    }
    let Ok(opened) = open(folder.path()) else {
        return;
    };
    match opened.tablet.status() {
        Ok(_) => {}
        // Damage met only now is remembered, and the next start saves what can be read.
        Err(Error::Store(StoreError::Corrupt(_))) => {
            drop(opened);
            let again = open(folder.path()).expect("a damaged database is salvaged");
            again
                .tablet
                .status()
                .expect("what was salvaged can be read");
        }
        Err(error) => panic!("{error}"),
    }
}

fn spoil_places(content: &mut [u8], damage: &[u8]) {
    for place in damage.chunks_exact(5) {
        let at = u32::from_be_bytes([place[0], place[1], place[2], place[3]]) as usize;
        if !content.is_empty() {
            let at = at % content.len();
            content[at] = place[4];
        }
    }
}
