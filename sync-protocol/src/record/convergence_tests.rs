//! Any interleaving of edits and exchanges ends in the same record on every copy, with nothing lost.

use proptest::prelude::*;

use super::maps::Maps;
use super::scene::*;
use super::*;
use crate::DocKind;

const COPIES: usize = 3;

/// One thing that happens.
#[derive(Debug, Clone)]
enum Event {
    /// The copy's author edits it; an edit that makes no sense there is refused and changes nothing.
    Edit { copy: usize, edit: Box<Edit> },
    /// One copy takes in what another has.
    Pull { into: usize, from: usize },
    /// A copy is saved and loaded again.
    Restart { copy: usize },
}

fn event() -> impl Strategy<Value = Event> {
    let copy = 0..COPIES;
    prop_oneof![
        6 => (copy.clone(), edit()).prop_map(|(copy, edit)| Event::Edit { copy, edit: Box::new(edit) }),
        3 => (copy.clone(), copy.clone()).prop_map(|(into, from)| Event::Pull { into, from }),
        1 => copy.prop_map(|copy| Event::Restart { copy }),
    ]
}

fn edit() -> impl Strategy<Value = Edit> {
    let who = 1u8..4;
    let few = 0u8..3;
    prop_oneof![
        (who.clone(), few.clone()).prop_map(|(p, v)| correct(p, "birth", &format!("199{v}"))),
        (who.clone(), few.clone()).prop_map(|(p, v)| correct(
            p,
            "phone",
            &format!("1000000000{v}")
        )),
        (who.clone(), any::<bool>()).prop_map(|(p, yes)| Edit::CorrectPerson {
            person: person(p),
            set: assign([("languages/zh", Some(Value::Flag(yes)))]),
        }),
        who.clone().prop_map(|p| Edit::CorrectPerson {
            person: person(p),
            set: assign([("birth", None)])
        }),
        (4u8..12).prop_map(|p| Edit::AddPerson(new_person(p))),
        (who.clone(), few.clone()).prop_map(|(p, v)| remove(p, &format!("说明{v}"))),
        who.clone().prop_map(|p| Edit::RestorePerson {
            person: person(p),
            note: "还在".into()
        }),
        few.clone().prop_map(|v| set(&[
            ("contact/note", &format!("备注{v}")),
            (
                "consent/care",
                ["given", "refused", "withdrawn"][usize::from(v)]
            )
        ])),
        few.clone().prop_map(|v| {
            let entry = NewMove {
                to: format!("37078{v}"),
                on: "2026-11".into(),
                ..NewMove::default()
            };
            Edit::Move(entry)
        }),
        few.clone().prop_map(|v| {
            let entry = NewHandOver {
                to: format!("37078{v}"),
                on: "2026-12".into(),
                ..NewHandOver::default()
            };
            Edit::ProposeMove(entry)
        }),
        (0usize..6, 0usize..3).prop_map(|(of, how)| match how {
            0 => Edit::WithdrawMove {
                r#move: crate::MoveId::from_bytes([of as u8; 16]),
                reason: "不走了".into(),
            },
            how => Edit::AnswerMove(MoveAnswer {
                r#move: crate::MoveId::from_bytes([of as u8; 16]),
                accept: how == 1,
                reason: (how == 2).then(|| "没有学位".into()),
                decision: None,
            }),
        }),
        Just(Edit::NobodyHome {}),
        Just(()).prop_map(|()| {
            let need = NewNeed {
                kind: "school".into(),
                text: "学位".into(),
                ..NewNeed::default()
            };
            Edit::NoteNeed(need)
        }),
        few.clone().prop_map(|v| {
            let visit = NewVisit {
                on: format!("2026-11-0{}", v + 1),
                kind: "child".into(),
                weight_g: Some(9000 + i64::from(v)),
                ..NewVisit::default()
            };
            Edit::RecordVisit(visit)
        }),
        (who, few).prop_map(|(p, v)| Edit::SetHealth {
            person: person(p),
            set: assign([("allergy", text(["青霉素", "花生", "鸡蛋"][usize::from(v)]))]),
        }),
    ]
}

/// The edit, about one of the moves that are prepared on this copy where it withdraws or answers one.
fn answering(mut edit: Edit, core: &Document) -> Edit {
    let all = hand_overs(core);
    if let Edit::WithdrawMove { r#move, .. } | Edit::AnswerMove(MoveAnswer { r#move, .. }) =
        &mut edit
        && !all.is_empty()
    {
        *r#move = all[usize::from(r#move.as_bytes()[0]) % all.len()].id;
    }
    edit
}

#[derive(Clone)]
struct Copy {
    core: Document,
    health: Document,
}

impl Copy {
    fn of(&mut self, kind: DocKind) -> &mut Document {
        match kind {
            DocKind::Core => &mut self.core,
            DocKind::Health => &mut self.health,
        }
    }

    fn pull(&mut self, from: &Self) {
        pull(&mut self.core, &from.core);
        pull(&mut self.health, &from.health);
    }

    fn seen(&self) -> HouseholdView {
        view(household(), &self.core, Some(&self.health)).unwrap()
    }

    /// The same by way of Automerge alone.
    fn seen_in_the_documents(&self) -> HouseholdView {
        let (core, health) = (Maps::Document(&self.core), Maps::Document(&self.health));
        view::read(household(), &core, Some(&health))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_copy_ends_in_the_same_record(
        events in prop::collection::vec(event(), 1..40),
        last in prop::collection::vec((0..COPIES, 0..COPIES), 0..6),
    ) {
        let start = Copy { core: registered(), health: document(DocKind::Health) };
        let mut copies = vec![start; COPIES];
        let mut made = 1;
        // New people are drawn from a few ids; two copies never make the same one, as fresh ids ensure.
        let mut added = std::collections::HashSet::new();
        for (at, event) in events.into_iter().enumerate() {
            match event {
                Event::Edit { copy, edit } => {
                    if let Edit::AddPerson(NewPerson { id, .. }) = &*edit
                        && !added.insert(*id)
                    {
                        continue;
                    }
                    let edit = Box::new(answering(*edit, &copies[copy].core));
                    let author = Authorship { at: by(0).at.plus_millis(at as i64), ..by(copy as u8 + 10) };
                    let edit = edit.with_ids(author.at, &mut || [at as u8; 10]);
                    let document = copies[copy].of(edit.document());
                    let before = document.heads();
                    match document.edit(&edit, &author) {
                        Ok(change) => {
                            made += 1;
                            let facts = inspect(&change.bytes).unwrap();
                            prop_assert!(document.touches(&facts).unwrap().iter().all(|t| t.field.is_some()));
                        }
                        Err(_) => prop_assert_eq!(document.heads(), before),
                    }
                }
                Event::Pull { into, from } => {
                    let from = copies[from].clone();
                    copies[into].pull(&from);
                    prop_assert_eq!(copies[into].seen(), copies[into].seen_in_the_documents());
                }
                Event::Restart { copy } => {
                    for kind in DocKind::ALL {
                        let document = copies[copy].of(kind);
                        let again = Document::load(document.id(), &document.save()).unwrap();
                        prop_assert_eq!(again.heads(), document.heads());
                        *document = again;
                    }
                    prop_assert_eq!(copies[copy].seen(), copies[copy].seen_in_the_documents());
                }
            }
        }
        for (into, from) in last {
            let from = copies[from].clone();
            copies[into].pull(&from);
        }
        for _ in 0..2 {
            for at in 0..COPIES {
                let from = copies[at].clone();
                copies[(at + 1) % COPIES].pull(&from);
            }
        }

        let first = copies[0].seen();
        prop_assert_eq!(copies[0].core.changes().len() + copies[0].health.changes().len(), made);
        for copy in &copies[1..] {
            prop_assert_eq!(copy.core.heads(), copies[0].core.heads());
            prop_assert_eq!(copy.health.heads(), copies[0].health.heads());
            prop_assert_eq!(&copy.seen(), &first);
            prop_assert_eq!(residence_values(&copy.core), residence_values(&copies[0].core));
            prop_assert_eq!(hand_overs(&copy.core), hand_overs(&copies[0].core));
        }
        // A copy built from the raw changes alone is the same again.
        let mut rebuilt = document(DocKind::Core);
        pull(&mut rebuilt, &copies[0].core);
        prop_assert_eq!(rebuilt.heads(), copies[0].core.heads());
        // Every contradiction is one of different values, and every one is a field people decide.
        for contradiction in &first.contradictions {
            let distinct: std::collections::HashSet<_> = contradiction.values.iter().map(|v| &v.value).collect();
            prop_assert_eq!(distinct.len(), contradiction.values.len());
            prop_assert!(distinct.len() > 1);
            let kind = if contradiction.path.starts_with("facts") { DocKind::Health } else { DocKind::Core };
            prop_assert_eq!(field_at(kind, &contradiction.path).unwrap().rule, MergeRule::Review);
        }
    }
}
