//! For tests: the same family in the registers of two counties, and reviewers who are asked about it.

use sojourn_sync_protocol::record::{
    DecisionView, Document, Edit, HouseholdView, NewHousehold, NewPerson, Value, decisions,
};
use sojourn_sync_protocol::{AreaCode, DecisionId, DocKind, DocumentId, PersonId, StaffId};

use crate::check::{self, Row};
use crate::clock::Clock;
use crate::console::households;
use crate::documents;
use crate::rehearsal::{NOW, Register, Tablet, area, core, household};
use crate::review::ReviewKind;
use crate::review::case::{self, Case};
use crate::review::decide::{
    Choice, Objection, Order, Outcome, QuestionId, Reviewer, Undo, decide, undo,
};
use crate::review::queue::{self, Filter, Question};
use crate::staff::{self, Role, Staff};
use crate::store::Tx;

pub(crate) const FAMILY: [(&str, &str); 3] = [
    ("李强", "1986-02-11"),
    ("王海燕", "1988-03-07"),
    ("李子轩", "2014-05-02"),
];
/// The same people as somebody else heard and typed them.
pub(crate) const SLIPPED: [(&str, &str); 3] = [
    ("李强", "1986-11-02"),
    ("王海艳", "1988-03-07"),
    ("李子萱", "2014-05-02"),
];

pub(crate) fn someone(household: u8, at: usize) -> PersonId {
    PersonId::new(NOW, [household, at as u8, 0, 0, 0, 0, 0, 0, 0, 9])
}

pub(crate) fn family(
    n: u8,
    code: &str,
    people: &[(&str, &str)],
    phone: u32,
    address: &str,
) -> Edit {
    let person = |(at, (name, birth)): (usize, &(&str, &str))| NewPerson {
        id: Some(someone(n, at)),
        name: (*name).to_owned(),
        birth: Some((*birth).to_owned()),
        ..NewPerson::default()
    };
    Edit::RegisterHousehold(NewHousehold {
        area: Some(area(code)),
        address: Some(address.to_owned()),
        phone: Some(format!("100{phone:08}")),
        persons: people.iter().enumerate().map(person).collect(),
        ..NewHousehold::default()
    })
}

pub(crate) fn correct(n: u8, at: usize, key: &str, value: &str) -> Edit {
    Edit::CorrectPerson {
        person: someone(n, at),
        set: [(key.to_owned(), Some(Value::from(value)))].into(),
    }
}

/// A register of two counties, with a tablet in a village of each.
pub(crate) struct Counties {
    pub(crate) register: Register,
    pub(crate) clock: Clock,
    pub(crate) north: Tablet,
    pub(crate) south: Tablet,
}

impl Counties {
    /// The same family is household 1 in the north and, with slips, household 2 in the south.
    pub(crate) async fn new() -> Self {
        let mut counties = Self::empty().await;
        counties
            .north
            .edit(1, &family(1, "a", &FAMILY, 1, "河头村前街8号"));
        counties
            .south
            .edit(2, &family(2, "e", &SLIPPED, 2, "南苑社区3号"));
        counties.meet().await;
        counties
    }

    pub(crate) async fn empty() -> Self {
        let mut register = Register::new().await;
        let north = register.tablet(Role::Worker, &["a"]).await;
        let south = register.tablet(Role::Worker, &["e"]).await;
        Self {
            register,
            clock: Clock::system(),
            north,
            south,
        }
    }

    pub(crate) async fn meet(&mut self) {
        self.north.sync(&self.register).await;
        self.south.sync(&self.register).await;
    }

    pub(crate) async fn reviewer(&self, n: u8, codes: &[&str]) -> Reviewer {
        let who = Staff {
            id: StaffId::from_bytes([100 + n; 16]),
            name: format!("审{n}"),
            role: Role::Reviewer,
        };
        let staff = who.id;
        let add = move |tx: &Tx<'_>| staff::add(tx, &who, NOW);
        self.register.store.write("add", add).await.unwrap();
        Reviewer {
            staff,
            areas: codes.iter().map(|code| area(code)).collect(),
            kinds: Role::Reviewer.kinds().to_vec(),
        }
    }

    pub(crate) async fn queue(&self, codes: &[&str]) -> Vec<Question> {
        self.queue_of(codes, Filter::default()).await
    }

    pub(crate) async fn queue_of(&self, codes: &[&str], filter: Filter) -> Vec<Question> {
        let areas: Vec<AreaCode> = codes.iter().map(|code| area(code)).collect();
        let page = self.register.store.read("queue", move |tx| {
            queue::page(tx, &areas, &filter, None, 100, NOW)
        });
        page.await.unwrap().questions
    }

    pub(crate) async fn case(&self, by: &Reviewer) -> Result<Case, Objection> {
        let by = by.clone();
        let read = move |tx: &Tx<'_>| case::read(tx, &by, &question());
        self.register.store.read("case", read).await
    }

    pub(crate) async fn decide(&self, by: &Reviewer, choice: Choice) -> Result<Outcome, Objection> {
        let seen = self.case(by).await?.heads;
        self.decide_as_seen(by, choice, seen).await
    }

    pub(crate) async fn decide_as_seen(
        &self,
        by: &Reviewer,
        choice: Choice,
        seen: Vec<sojourn_sync_protocol::ChangeHash>,
    ) -> Result<Outcome, Objection> {
        let order = Order {
            question: question(),
            seen,
            choice,
            reason: "问过两边".to_owned(),
        };
        let Register { store, live, .. } = &self.register;
        decide(store, live, &self.clock, by.clone(), order).await
    }

    pub(crate) async fn undo(
        &self,
        by: &Reviewer,
        n: u8,
        decision: DecisionId,
    ) -> Result<Outcome, Objection> {
        let order = Undo {
            household: household(n),
            document: DocKind::Core,
            decision,
            reason: "看错了".to_owned(),
        };
        let Register { store, live, .. } = &self.register;
        undo(store, live, &self.clock, by.clone(), order).await
    }

    /// The decision in each of the two documents.
    pub(crate) async fn told(&self, decision: DecisionId) -> [DecisionView; 2] {
        let mut told = Vec::new();
        for n in [1, 2] {
            let load = move |tx: &Tx<'_>| crate::documents::load(tx, core(n));
            let held = self.register.store.read("load", load).await.unwrap();
            told.push(
                decisions(&held.unwrap().document)
                    .remove(&decision)
                    .unwrap(),
            );
        }
        told.try_into().unwrap()
    }

    pub(crate) async fn document(&self, id: DocumentId) -> Option<Document> {
        let load = move |tx: &Tx<'_>| documents::load(tx, id);
        let held = self.register.store.read("load", load).await.unwrap();
        held.map(|held| held.document)
    }

    /// A household as somebody who answers for everything sees it.
    pub(crate) async fn shown(&self, by: &Reviewer, n: u8) -> HouseholdView {
        let by = by.clone();
        let read = move |tx: &Tx<'_>| case::record(tx, &by, household(n));
        self.register.store.read("record", read).await.unwrap()
    }

    pub(crate) async fn linked(&self, by: &Reviewer, n: u8) -> Vec<String> {
        let areas = by.areas.clone();
        let read = move |tx: &Tx<'_>| households::linked(tx, &areas, household(n));
        let linked = self.register.store.read("linked", read).await.unwrap();
        linked
            .iter()
            .map(|linked| linked.household.to_string())
            .collect()
    }

    pub(crate) async fn execute(&self, sql: &'static str) {
        let run = move |tx: &Tx<'_>| tx.execute(sql, &[]);
        self.register.store.write("test", run).await.unwrap();
    }

    pub(crate) async fn faults(&self) -> Vec<Row> {
        let report = check::check(&self.register.store).await.unwrap();
        report.faults.into_iter().map(|fault| fault.row).collect()
    }
}

pub(crate) fn question() -> QuestionId {
    QuestionId {
        household: household(1),
        kind: ReviewKind::PossibleDuplicate,
        document: DocKind::Core,
        subject: household(2).to_string(),
    }
}

/// That the two are one, and the north's record goes on.
pub(crate) fn same() -> Choice {
    Choice::Same {
        survivor: household(1),
        persons: [(someone(2, 0), someone(1, 0))].into(),
    }
}

pub(crate) fn decided(outcome: Result<Outcome, Objection>) -> DecisionId {
    match outcome {
        Ok(Outcome::Decided { decision }) => decision,
        other => panic!("it is decided, not {other:?}"),
    }
}
