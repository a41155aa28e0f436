//! For tests: a register with two tablets of one village, and reviewers who settle what waits there.

use std::sync::atomic::{AtomicU64, Ordering};

use sojourn_sync_protocol::record::{Document, Edit, Shown, Value, contradictions, view};
use sojourn_sync_protocol::{DecisionId, DocKind, DocumentId, StaffId, Timestamp};

use super::decide::{Choice, Objection, Order, Outcome, QuestionId, Reviewer, Undo, decide, undo};
use super::queue::{self, Filter};
use crate::clock::{Clock, Source};
use crate::documents;
use crate::rehearsal::{NOW, Register, Tablet, area, core, household, register, set};
use crate::staff::{self, Role, Staff};

/// A clock that stands still, and bytes that never repeat.
#[derive(Debug, Default)]
struct Still(AtomicU64);

impl Source for Still {
    fn now(&self) -> Timestamp {
        NOW
    }

    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let next = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
            chunk.copy_from_slice(&next[8 - chunk.len()..]);
        }
    }
}

/// A clock at [`NOW`].
pub(crate) fn still() -> Clock {
    Clock::new(Still::default())
}

/// A register with two tablets of village `a`, and reviewers.
pub(crate) struct Office {
    pub(crate) register: Register,
    pub(crate) clock: Clock,
    pub(crate) one: Tablet,
    pub(crate) other: Tablet,
}

impl Office {
    /// Household 1 lives in `a`, and both tablets hold it.
    pub(crate) async fn new() -> Self {
        let mut office = Register::new().await;
        let mut one = office.tablet(Role::Worker, &["a"]).await;
        let mut other = office.tablet(Role::Worker, &["a"]).await;
        one.edit(1, &register(1, "a"));
        one.sync(&office).await;
        other.sync(&office).await;
        Self {
            register: office,
            clock: still(),
            one,
            other,
        }
    }

    /// Both write without knowing of each other, then both know.
    pub(crate) async fn contradict(&mut self, first: &Edit, second: &Edit) {
        self.one.edit(1, first);
        self.other.edit(1, second);
        self.meet().await;
    }

    pub(crate) async fn meet(&mut self) {
        for _ in 0..2 {
            self.one.sync(&self.register).await;
            self.other.sync(&self.register).await;
        }
    }

    /// A reviewer who answers for these areas.
    pub(crate) async fn reviewer(&self, n: u8, codes: &[&str]) -> Reviewer {
        let who = Staff {
            id: StaffId::from_bytes([100 + n; 16]),
            name: format!("审{n}"),
            role: Role::Reviewer,
        };
        let staff = who.id;
        let added = self
            .register
            .store
            .write("add", move |tx| staff::add(tx, &who, NOW));
        added.await.unwrap();
        Reviewer {
            staff,
            areas: codes.iter().map(|code| area(code)).collect(),
            kinds: Role::Reviewer.kinds().to_vec(),
        }
    }

    /// What waits, for somebody who answers for everything.
    pub(crate) async fn queue(&self) -> Vec<queue::Question> {
        let all = [area("p")];
        let page = self.register.store.read("queue", move |tx| {
            queue::page(tx, &all, &Filter::default(), None, 100, NOW)
        });
        page.await.unwrap().questions
    }

    /// The only question, as it was looked at now.
    pub(crate) async fn order(&self, choice: Choice) -> Order {
        let waiting = self.queue().await;
        let [question] = &waiting[..] else {
            panic!("one question waits, not {waiting:#?}");
        };
        let id = DocumentId::new(question.household, question.document);
        Order {
            question: QuestionId {
                household: question.household,
                kind: question.kind,
                document: question.document,
                subject: question.subject.clone(),
            },
            seen: self.document(id).await.heads(),
            choice,
            reason: "看过证件".to_owned(),
        }
    }

    pub(crate) async fn document(&self, id: DocumentId) -> Document {
        let held = self
            .register
            .store
            .read("load", move |tx| documents::load(tx, id));
        held.await.unwrap().unwrap().document
    }

    pub(crate) async fn decide(&self, by: &Reviewer, order: Order) -> Result<Outcome, Objection> {
        let Register { store, live, .. } = &self.register;
        decide(store, live, &self.clock, by.clone(), order).await
    }

    pub(crate) async fn decided(&self, by: &Reviewer, choice: Choice) -> DecisionId {
        let order = self.order(choice).await;
        match self.decide(by, order).await {
            Ok(Outcome::Decided { decision }) => decision,
            other => panic!("it is decided, not {other:?}"),
        }
    }

    pub(crate) async fn undo(
        &self,
        by: &Reviewer,
        decision: DecisionId,
    ) -> Result<Outcome, Objection> {
        let Register { store, live, .. } = &self.register;
        let order = Undo {
            household: household(1),
            document: DocKind::Core,
            decision,
            reason: "看错了".to_owned(),
        };
        undo(store, live, &self.clock, by.clone(), order).await
    }

    /// The choice of a value that stands in the only question.
    pub(crate) async fn value(&self, wanted: &str) -> Choice {
        let waiting = self.queue().await;
        let id = DocumentId::new(waiting[0].household, waiting[0].document);
        let found = contradictions(&self.document(id).await);
        let values = found.into_iter().flat_map(|found| found.values);
        let wanted = Some(Value::Text(wanted.to_owned()));
        let change = values
            .filter(|value| value.value == wanted)
            .map(|value| value.change)
            .next();
        Choice::Value {
            change: change.expect("the value stands"),
        }
    }

    /// Both tablets and the register hold the same, and the register is sound.
    pub(crate) async fn expect_agreement(&mut self) {
        self.meet().await;
        self.register.expect_sound().await;
        let ours = self.document(core(1)).await;
        for tablet in [&self.one, &self.other] {
            if let Some((_, theirs)) = tablet.documents.get(&core(1)) {
                assert!(ours.shows_the_same(theirs));
            }
        }
    }
}

pub(crate) fn address(text: &str) -> Edit {
    set("residence/address", text)
}

/// The values that a tablet shows for the address.
pub(crate) fn addresses(tablet: &Tablet) -> Vec<String> {
    let shown = view(household(1), &tablet.documents[&core(1)].1, None).unwrap();
    let values = shown.residence.address.iter().flat_map(Shown::values);
    let mut values: Vec<String> = values.cloned().collect();
    values.sort();
    values
}
