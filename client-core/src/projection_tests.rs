//! What people read equals what is made again from the documents.

use proptest::prelude::*;
use rusqlite::params_from_iter;
use rusqlite::types::Value;
use sojourn_sync_protocol::message::{Fate, Leave, NewChanges, QuarantineReason};
use sojourn_sync_protocol::record::{Edit, NewHandOver, NewMove, NewNeed, NewPerson, NewVisit};
use sojourn_sync_protocol::{DocKind, DocumentId, HouseholdId};

use crate::cache::DOCUMENTS_LOADED_MAX;
use crate::clock::SeededRandom;
use crate::outbox::{self, BatchBounds};
use crate::projection::{ListQuery, Screen};
use crate::store::migrations::TABLET;
use crate::store::{KeyCost, Store, StoreError};
use crate::testing::{Elsewhere, HOME, NEAR, NOW, area, enrolled, family, rename, set_phone};
use crate::{Error, Tablet, documents};

/// Every row that can be made again, as text.
fn dump(tablet: &Tablet) -> Vec<String> {
    tablet
        .read::<_, StoreError>("dump", |tx| {
            let mut all = tx.all(
                "SELECT hex(household) || '|' || area || '|' || name || '|' || address || '|' || phone || '|'
                     || persons || '|' || contradictions || '|' || pending || '|' || held || '|' || leaving
                      || '|' || updated || '|' || moving_to || '|' || moving_on || '|' || asked || '|' || goes_on
                 FROM households ORDER BY household",
                [],
                |row| row.get::<_, String>(0),
            )?;
            all.extend(tx.all(
                "SELECT hex(household) || '|' || lines || '|' || letters FROM search_lines ORDER BY 1",
                [],
                |row| row.get::<_, String>(0),
            )?);
            all.extend(tx.all(
                "SELECT area || '|' || kind || '|' || count || '|' || hex(sum)
                 FROM area_digests WHERE count > 0 ORDER BY area, kind",
                [],
                |row| row.get::<_, String>(0),
            )?);
            Ok(all)
        })
        .unwrap()
}

fn assert_is_rebuild(tablet: &Tablet) {
    let kept = dump(tablet);
    tablet
        .write::<_, Error>("recount", NOW, |work| {
            assert!(documents::recount(work)?.is_empty());
            crate::projection::rebuild(work)
        })
        .unwrap();
    assert_eq!(dump(tablet), kept);
}

/// One thing that happens to a tablet.
#[derive(Debug, Clone)]
enum Event {
    Register(usize),
    Phone(usize, u8),
    Rename(usize, u8),
    AddPerson(usize, u8),
    Remove(usize),
    Need(usize),
    Visit(usize, u8),
    Move(usize),
    Propose(usize),
    Stay(usize),
    ArriveWhole(u8),
    ArriveTogether,
    ArriveChange(u8, u8),
    ArriveName(u8, u8),
    Leave(u8),
    Answer(u8),
}

fn event() -> impl Strategy<Value = Event> {
    let any = 0usize..4;
    prop_oneof![
        (0usize..40).prop_map(Event::Register),
        (any.clone(), 0u8..9).prop_map(|(h, n)| Event::Phone(h, n)),
        (any.clone(), 0u8..9).prop_map(|(h, n)| Event::Rename(h, n)),
        (any.clone(), 0u8..9).prop_map(|(h, n)| Event::AddPerson(h, n)),
        any.clone().prop_map(Event::Remove),
        any.clone().prop_map(Event::Need),
        (any.clone(), 0u8..9).prop_map(|(h, n)| Event::Visit(h, n)),
        any.clone().prop_map(Event::Move),
        any.clone().prop_map(Event::Propose),
        any.prop_map(Event::Stay),
        (1u8..4).prop_map(Event::ArriveWhole),
        Just(Event::ArriveTogether),
        ((1u8..4), 0u8..9).prop_map(|(h, n)| Event::ArriveChange(h, n)),
        ((1u8..4), 0u8..9).prop_map(|(h, n)| Event::ArriveName(h, n)),
        (1u8..4).prop_map(Event::Leave),
        (0u8..5).prop_map(Event::Answer),
    ]
}

struct World {
    tablet: Tablet,
    elsewhere: Vec<Elsewhere>,
    clock: i64,
}

impl World {
    fn pick(&self, nth: usize) -> Option<HouseholdId> {
        let rows = self.tablet.list(&Default::default()).unwrap();
        (!rows.is_empty()).then(|| rows[nth % rows.len()].id)
    }

    fn edit(&mut self, nth: usize, make: impl FnOnce(&Tablet, HouseholdId) -> Option<Edit>) {
        let Some(id) = self.pick(nth) else { return };
        let Some(edit) = make(&self.tablet, id) else {
            return;
        };
        self.clock += 1;
        match self.tablet.edit(NOW.plus_millis(self.clock), id, edit) {
            Ok(_) | Err(Error::Edit(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }

    fn arrive(&mut self, n: u8, edit: Edit) {
        let elsewhere = &mut self.elsewhere[usize::from(n) - 1];
        let id = elsewhere.document.id();
        let Some(bytes) = elsewhere.try_edit(edit) else {
            return;
        };
        let whole = elsewhere.whole(NEAR);
        let changes = vec![serde_bytes::ByteBuf::from(bytes)];
        let new = NewChanges {
            document: id,
            area: area(NEAR),
            epoch: 1,
            changes,
        };
        self.tablet
            .write::<_, Error>("page", NOW, |work| {
                match documents::append_changes(work, &new)? {
                    documents::Taken::Applied => Ok(()),
                    documents::Taken::NeedsWhole => documents::install(work, &whole),
                }
            })
            .unwrap();
    }

    fn happen(&mut self, event: &Event) {
        let first_person =
            |tablet: &Tablet, id| tablet.show(id).unwrap().1.persons.keys().next().copied();
        match *event {
            Event::Register(n) => drop(self.tablet.register(NOW, family(n)).unwrap()),
            Event::Phone(h, n) => self.edit(h, |_, _| Some(set_phone(&format!("100 000{n}")))),
            Event::Rename(h, n) => {
                self.edit(h, |tablet, id| {
                    Some(rename(first_person(tablet, id)?, &format!("吕{n}")))
                });
            }
            Event::AddPerson(h, n) => self.edit(h, |_, _| {
                Some(Edit::AddPerson(NewPerson {
                    name: format!("Ana {n}"),
                    ..NewPerson::default()
                }))
            }),
            Event::Remove(h) => self.edit(h, |tablet, id| {
                let person = first_person(tablet, id)?;
                Some(Edit::RemovePerson {
                    person,
                    reason: "moved-out".into(),
                    on: None,
                    note: None,
                    to: None,
                })
            }),
            Event::Need(h) => self.edit(h, |tablet, id| {
                let (_, view) = tablet.show(id).unwrap();
                if let Some((asked, _)) = view.asked().next() {
                    return Some(Edit::answer_to(asked, "a place was found"));
                }
                let need = NewNeed {
                    kind: "school".into(),
                    text: "a place".into(),
                    asks: Some("contradiction 0011223344556677".into()),
                    ..NewNeed::default()
                };
                Some(Edit::NoteNeed(need))
            }),
            Event::Visit(h, n) => self.edit(h, |_, _| {
                let on = format!("2026-11-1{n}");
                Some(Edit::RecordVisit(NewVisit {
                    on,
                    kind: "child".into(),
                    ..NewVisit::default()
                }))
            }),
            Event::Move(h) => self.edit(h, |_, _| {
                let on = "2026-11-24".into();
                Some(Edit::Move(NewMove {
                    to: NEAR.into(),
                    on,
                    ..NewMove::default()
                }))
            }),
            Event::Propose(h) => self.edit(h, |_, _| {
                Some(Edit::ProposeMove(NewHandOver {
                    to: NEAR.into(),
                    on: "2026-12-01".into(),
                    ..NewHandOver::default()
                }))
            }),
            Event::Stay(h) => self.edit(h, |tablet, id| {
                let (_, view) = tablet.show(id).unwrap();
                let (prepared, _) = view.prepared_moves().next()?;
                Some(Edit::WithdrawMove {
                    r#move: prepared,
                    reason: "不走了".into(),
                })
            }),
            Event::ArriveWhole(n) => {
                let whole = self.elsewhere[usize::from(n) - 1].whole(NEAR);
                self.tablet
                    .write("page", NOW, |work| documents::install(work, &whole))
                    .unwrap();
            }
            Event::ArriveTogether => {
                let core = self.elsewhere.iter().map(|elsewhere| elsewhere.whole(NEAR));
                let health = self.elsewhere.iter().map(|elsewhere| {
                    let id = DocumentId::new(elsewhere.id(), DocKind::Health);
                    let mut health = Elsewhere::of(id, 0xe9);
                    let visit = NewVisit {
                        on: "2026-11-24".into(),
                        kind: "child".into(),
                        ..NewVisit::default()
                    };
                    health.edit(Edit::RecordVisit(visit));
                    health.whole(NEAR)
                });
                let all: Vec<_> = core.chain(health).collect();
                self.tablet
                    .write::<_, Error>("page", NOW, |work| {
                        let all: Vec<_> = all.iter().collect();
                        crate::arrivals::install_all(work, &all, Default::default())
                    })
                    .unwrap();
            }
            Event::ArriveChange(n, to) => self.arrive(n, set_phone(&format!("100 11{to}1"))),
            Event::ArriveName(n, to) => {
                let person = Edit::AddPerson(NewPerson {
                    name: format!("曾{to}"),
                    ..NewPerson::default()
                });
                let held = &self.elsewhere[usize::from(n) - 1].document;
                let view =
                    sojourn_sync_protocol::record::view(held.id().household, held, None).unwrap();
                let edit = match view.persons.keys().nth(4) {
                    Some(person) => rename(*person, &format!("曾{to}{}", view.persons.len())),
                    None => person,
                };
                self.arrive(n, edit);
            }
            Event::Leave(n) => {
                let household = self.elsewhere[usize::from(n) - 1].id();
                let leave = Leave {
                    household,
                    area: area(NEAR),
                    to: area(HOME),
                };
                self.tablet
                    .write("page", NOW, |work| documents::leave(work, &leave))
                    .unwrap();
            }
            Event::Answer(how) => {
                let bounds = BatchBounds {
                    changes: 3,
                    bytes: 1 << 20,
                };
                let batch = self
                    .tablet
                    .write::<_, Error>("next", NOW, |work| outbox::next_batch(work, bounds))
                    .unwrap();
                let Some(batch) = batch else { return };
                let fate = |at: usize| match how {
                    0 => Fate::Fork,
                    1 if at == 0 => Fate::Quarantined {
                        reason: QuarantineReason::NotAuthorised,
                    },
                    2 if at == 0 => Fate::MissingDeps,
                    1 | 2 => Fate::Quarantined {
                        reason: QuarantineReason::Descendant,
                    },
                    3 => Fate::Duplicate,
                    _ => Fate::Accepted { late: false },
                };
                let fates: Vec<Fate> = (0..batch.changes.len()).map(fate).collect();
                self.tablet
                    .write("settle", NOW, |work| outbox::settle(work, &fates))
                    .unwrap();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn what_people_read_equals_a_rebuild(events in prop::collection::vec(event(), 1..25)) {
        let dir = tempfile::tempdir().unwrap();
        let elsewhere = (1..4).map(|n| Elsewhere::household(n, 0xe0 + n)).collect();
        let mut world = World { tablet: enrolled(dir.path(), 21), elsewhere, clock: 0 };
        for event in &events {
            world.happen(event);
        }
        assert_is_rebuild(&world.tablet);
        // Every edit made is acknowledged, pending or held, and pending ones are in their document.
        for row in world.tablet.pending().unwrap() {
            let there = world.tablet.read::<_, Error>("load", |tx| {
                Ok(documents::load(tx, world.tablet.cache(), row.document)?
                    .is_some_and(|(_, document)| document.has(&row.change)))
            }).unwrap();
            prop_assert!(there, "{:?}", row.edit);
        }
    }
}

#[test]
fn at_most_so_many_documents_are_in_memory() {
    let dir = tempfile::tempdir().unwrap();
    let tablet = enrolled(dir.path(), 22);
    tablet.import(NOW, (0..300).map(family).collect()).unwrap();
    let rows = tablet.list(&Default::default()).unwrap();
    assert_eq!(rows.len(), 300);
    for row in &rows {
        let visit = NewVisit {
            on: "2026-11-24".into(),
            kind: "child".into(),
            ..NewVisit::default()
        };
        tablet.edit(NOW, row.id, Edit::RecordVisit(visit)).unwrap();
        tablet.history(row.id, None).unwrap();
    }
    tablet.rebuild(NOW).unwrap();
    assert_eq!(tablet.cache().peak(), DOCUMENTS_LOADED_MAX);
    assert_is_rebuild(&tablet);
}

#[test]
fn looking_loads_no_document() {
    let dir = tempfile::tempdir().unwrap();
    let id = enrolled(dir.path(), 23)
        .register(NOW, family(1))
        .unwrap()
        .household;
    let tablet = crate::testing::reopen(dir.path(), 24).tablet;
    assert_eq!(tablet.list(&Default::default()).unwrap().len(), 1);
    assert_eq!(
        tablet.search("王", 5).unwrap().len() + tablet.search("李", 5).unwrap().len(),
        1
    );
    let (_, view) = tablet.show(id).unwrap();
    assert_eq!(view.persons.len(), 4);
    let mut exported = 0;
    tablet
        .export::<StoreError>(|_| {
            exported += 1;
            Ok(())
        })
        .unwrap();
    assert_eq!((exported, tablet.cache().peak()), (1, 0));
    tablet.edit(NOW, id, set_phone("100 1111")).unwrap();
    let (row, edited) = tablet.show(id).unwrap();
    assert_eq!(
        (row.phone.as_str(), edited.persons),
        ("100 1111", view.persons)
    );
}

#[test]
fn every_screen_follows_the_one_before() {
    let dir = tempfile::tempdir().unwrap();
    let tablet = enrolled(dir.path(), 27);
    tablet.import(NOW, (0..95).map(family).collect()).unwrap();
    let all = tablet.list(&Default::default()).unwrap();
    assert!(all.is_sorted_by_key(|row| row.place()));
    for area in [None, Some(HOME.to_owned())] {
        let read = |screen: Screen| {
            let (area, limit) = (area.clone(), Some(20));
            let query = ListQuery {
                area,
                limit,
                screen,
                ..ListQuery::default()
            };
            tablet.list(&query).unwrap()
        };
        let mut forwards = read(Screen::First);
        while let Some(last) = forwards.last().map(|row| row.place()) {
            let next = read(Screen::After(last));
            if next.is_empty() {
                break;
            }
            forwards.extend(next);
        }
        assert_eq!(forwards, all);
        let mut backwards = read(Screen::Last);
        assert_eq!(backwards, all[75..]);
        while let Some(first) = backwards.first().map(|row| row.place()) {
            let mut before = read(Screen::Before(first));
            if before.is_empty() {
                break;
            }
            before.extend(backwards);
            backwards = before;
        }
        assert_eq!(backwards, all);
    }
}

#[test]
fn an_edit_is_one_transaction() {
    let dir = tempfile::tempdir().unwrap();
    let tablet = enrolled(dir.path(), 25);
    let id = tablet.register(NOW, family(1)).unwrap().household;
    tablet.edit(NOW, id, set_phone("100 1111")).unwrap();
    assert_eq!(tablet.store().committed("edit household"), 1);
    let history = tablet.history(id, Some("contact/phone")).unwrap();
    assert_eq!(history.len(), 2);
    assert!(
        history
            .iter()
            .all(|written| written.here && written.pending)
    );
    assert_eq!(history[1].entry.edit.as_deref(), Some("set"));
}

#[test]
fn both_values_of_a_contradicted_field_are_on_the_line() {
    let dir = tempfile::tempdir().unwrap();
    let tablet = enrolled(dir.path(), 26);
    let mut elsewhere = Elsewhere::household(1, 0xe1);
    let id = elsewhere.id();
    tablet
        .write("page", NOW, |work| {
            documents::install(work, &elsewhere.whole(NEAR))
        })
        .unwrap();
    let (_, view) = tablet.show(id).unwrap();
    let is_head = |relation: Option<&String>| relation.is_some_and(|word| word == "head");
    let head = view
        .persons
        .iter()
        .find(|(_, person)| is_head(person.relation.as_ref().and_then(|shown| shown.agreed())))
        .map(|(id, _)| *id)
        .unwrap();
    tablet.edit(NOW, id, rename(head, "王甲")).unwrap();
    let bytes = elsewhere.edit(rename(head, "王乙"));
    let changes = vec![serde_bytes::ByteBuf::from(bytes)];
    let document = DocumentId::new(id, DocKind::Core);
    let new = NewChanges {
        document,
        area: area(NEAR),
        epoch: 1,
        changes,
    };
    tablet
        .write("page", NOW, |work| documents::append_changes(work, &new))
        .unwrap();
    let (row, view) = tablet.show(id).unwrap();
    assert!(
        row.name.contains("王甲") && row.name.contains("王乙"),
        "{}",
        row.name
    );
    assert_eq!((row.contradictions, view.contradictions.len()), (1, 1));
    for name in ["王甲", "wangyi"] {
        assert_eq!(tablet.search(name, 5).unwrap().len(), 1, "{name}");
    }
}

#[test]
fn a_tablet_of_the_former_schema_is_made_anew_from_its_documents() {
    let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let tablet = enrolled(new.path(), 28);
    let id = tablet.register(NOW, family(1)).unwrap().household;
    tablet.edit(NOW, id, set_phone("100 1111")).unwrap();
    let (row, view) = tablet.show(id).unwrap();

    let former = crate::store::Schema {
        migrations: &TABLET.migrations[..1],
        kept: TABLET.kept,
    };
    let random = &mut SeededRandom::new(29);
    let opened = Store::open(old.path(), "pass", KeyCost::TESTS, &former, random).unwrap();
    for table in TABLET.kept.iter().flat_map(|kept| kept.tables) {
        let read = format!("SELECT * FROM {table}");
        let rows = tablet
            .read::<_, StoreError>("read", |tx| {
                tx.all(&read, [], |row| {
                    let columns = row.as_ref().column_count();
                    (0..columns)
                        .map(|at| row.get(at))
                        .collect::<Result<Vec<Value>, _>>()
                })
            })
            .unwrap();
        opened
            .store
            .write::<_, StoreError>("write", |tx| {
                for row in rows {
                    let places = vec!["?"; row.len()].join(", ");
                    let sql = format!("INSERT INTO {table} VALUES ({places})");
                    tx.execute(&sql, params_from_iter(row))?;
                }
                Ok(())
            })
            .unwrap();
    }
    drop(opened);
    let tablet = crate::testing::reopen(old.path(), 30).tablet;
    assert_eq!(tablet.list(&Default::default()).unwrap(), [row]);
    assert_eq!(tablet.show(id).unwrap().1, view);
    assert_eq!(tablet.search("1001111", 5).unwrap().len(), 1);
    assert_is_rebuild(&tablet);
}

#[test]
fn what_a_reviewer_asks_is_listed_until_it_is_answered() {
    let dir = tempfile::tempdir().unwrap();
    let tablet = enrolled(dir.path(), 31);
    let [id, other] = [1, 2].map(|n| tablet.register(NOW, family(n)).unwrap().household);
    let need = |id, asks: Option<&str>| {
        let need = NewNeed {
            kind: "other".into(),
            text: "门牌是几号？".into(),
            asks: asks.map(str::to_owned),
            ..NewNeed::default()
        };
        tablet.edit(NOW, id, Edit::NoteNeed(need)).unwrap();
    };
    need(id, Some("contradiction 0011223344556677"));
    need(other, None);
    let query = ListQuery {
        asked: true,
        ..ListQuery::default()
    };
    let listed = tablet.list(&query).unwrap();
    let said: Vec<_> = listed
        .iter()
        .map(|row| (row.id, row.asked.as_str()))
        .collect();
    assert_eq!(said, [(id, "门牌是几号？")]);
    let (_, view) = tablet.show(id).unwrap();
    let (asked, _) = view.asked().next().unwrap();
    tablet
        .edit(NOW, id, Edit::answer_to(asked, "7 号"))
        .unwrap();
    assert!(tablet.list(&query).unwrap().is_empty());
    assert_is_rebuild(&tablet);
}
