//! What generated households promise, checked on the record itself: every edit is taken by a real document.

use std::collections::{BTreeMap, BTreeSet};

use sojourn_sync_protocol::{
    ActorId, DocKind, DocumentId, HouseholdId, StaffId,
    record::{Authorship, Document, Edit, id_number, view},
};

use super::*;

/// 2026-11-24, ten in the morning in UTC+8.
const NOW: Timestamp = Timestamp::from_millis(1_795_485_600_000);

fn village() -> Village {
    Village {
        code: "370281001001".parse().expect("a code"),
        name: "小于家村委会".to_owned(),
    }
}

fn by(at: Timestamp) -> Authorship {
    Authorship {
        actor: ActorId([7; 16]),
        staff: StaffId::new(NOW, [1; 10]),
        area: village().code,
        at,
    }
}

/// The two documents of a household, written only by edits.
struct Documents {
    core: Document,
    health: Document,
}

impl Documents {
    fn register(household: &Household) -> Self {
        let new = |kind| Document::new(DocumentId::new(household.id, kind));
        let mut documents = Self {
            core: new(DocKind::Core),
            health: new(DocKind::Health),
        };
        documents.make(&Edit::RegisterHousehold(household.new.clone()), NOW);
        documents
    }

    fn make(&mut self, edit: &Edit, at: Timestamp) {
        let document = match edit.document() {
            DocKind::Core => &mut self.core,
            DocKind::Health => &mut self.health,
        };
        document
            .edit(edit, &by(at))
            .unwrap_or_else(|error| panic!("{error}: {edit:?}"));
    }
}

#[test]
fn the_same_seed_gives_the_same_households_and_another_seed_others() {
    let draw = |seed| {
        let mut generator = Generator::new(seed, NOW);
        let mut households: Vec<_> = (0..20)
            .map(|_| generator.household(&village(), None))
            .collect();
        let visits = generator.visits(&households[3], 5);
        let day = generator.working_day(&mut households, NOW, 40);
        (households, visits, day)
    };
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1).0, draw(2).0);
}

#[test]
fn no_number_can_be_anybodys() {
    let mut generator = Generator::new(11, NOW);
    let mut numbers = 0;
    for _ in 0..500 {
        let household = generator.household(&village(), None);
        let phones = household
            .new
            .persons
            .iter()
            .filter_map(|person| person.phone.as_ref());
        for phone in phones.chain(&household.new.phone) {
            assert!(
                phone.starts_with(numbers::PHONE_PREFIX) && phone.len() == 11,
                "{phone}"
            );
        }
        for number in household
            .new
            .persons
            .iter()
            .filter_map(|person| person.id_number.as_ref())
        {
            assert!(number.starts_with(numbers::REGION), "{number}");
            assert_eq!(id_number::check(number), Ok(()), "{number}");
            numbers += 1;
        }
    }
    assert!(numbers > 1_000, "{numbers} identity numbers");
}

#[test]
fn households_have_the_size_asked_and_their_own_ids() {
    let mut generator = Generator::new(12, NOW);
    let mut ids = BTreeSet::new();
    let mut sizes = BTreeMap::new();
    for _ in 0..300 {
        let four = generator.household(&village(), Some(4));
        assert_eq!((four.members.len(), four.new.persons.len()), (4, 4));
        let any = generator.household(&village(), None);
        *sizes.entry(any.members.len()).or_insert(0) += 1;
        ids.insert(four.id);
        ids.insert(any.id);
    }
    assert_eq!(ids.len(), 600);
    assert_eq!(
        sizes.keys().copied().collect::<Vec<_>>(),
        [1, 2, 3, 4, 5, 6, 7]
    );
}

#[test]
fn an_address_names_the_village_and_not_its_committee() {
    let mut generator = Generator::new(13, NOW);
    let address = generator
        .household(&village(), None)
        .new
        .address
        .expect("every household has one");
    assert!(
        address.starts_with("小于家村") && address.ends_with('号'),
        "{address}"
    );
    assert!(!address.contains("委"), "{address}");
    let place = |name: &str| {
        Village {
            name: name.to_owned(),
            ..village()
        }
        .place()
    };
    assert_eq!(place("东关社区居民委员会"), "东关社区");
    assert_eq!(place("北关村民委员会"), "北关村");
    assert_eq!(place("云门山街道"), "云门山街道");
}

#[test]
fn a_month_of_working_days_is_taken_by_the_record_edit_by_edit() {
    let mut generator = Generator::new(14, NOW);
    let mut households: Vec<_> = (0..40)
        .map(|_| generator.household(&village(), None))
        .collect();
    let mut documents: BTreeMap<HouseholdId, Documents> = households
        .iter()
        .map(|household| (household.id, Documents::register(household)))
        .collect();
    for household in &households {
        for visit in generator.visits(household, 3) {
            documents
                .get_mut(&household.id)
                .expect("registered")
                .make(&Edit::RecordVisit(visit), NOW);
        }
    }
    let mut kinds = BTreeSet::new();
    let mut last = NOW;
    for day in 1..=30 {
        let morning = NOW.plus_millis(day * 24 * 3_600_000);
        let edits = generator.working_day(&mut households, morning, 67);
        assert_eq!(edits.len(), 67);
        for made in edits {
            assert!(made.at > last, "edits go forward in time");
            last = made.at;
            kinds.insert(made.edit.kind());
            documents
                .get_mut(&made.household)
                .expect("registered")
                .make(&made.edit, made.at);
        }
    }
    assert_eq!(kinds.len(), 7, "{kinds:?}");
    for household in &households {
        let documents = &documents[&household.id];
        let shown = view(household.id, &documents.core, Some(&documents.health)).expect("readable");
        assert_eq!(shown.persons.len(), household.members.len());
        assert!(shown.contradictions.is_empty());
    }
}

#[test]
fn no_households_no_edits() {
    assert!(
        Generator::new(15, NOW)
            .working_day(&mut [], NOW, 10)
            .is_empty()
    );
}
