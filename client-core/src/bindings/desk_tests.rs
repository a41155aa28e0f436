use std::sync::Mutex;

use serde_json::{Value, json};

use super::*;
use crate::testing;

/// Does a command that is given as a page gives it, and gives the answer as a page gets it.
async fn ask(desk: &Desk, command: Value) -> Value {
    let command = serde_json::from_value(command).unwrap();
    serde_json::to_value(desk.answer(command, &|_| {}).await).unwrap()
}

fn obstacle(answer: &Value) -> &str {
    assert_eq!(answer["answer"], "failed", "{answer}");
    answer["fault"]["obstacle"].as_str().unwrap()
}

#[tokio::test]
async fn a_new_tablet_is_made_shut_and_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::new(&folder.path().join("tablet"));
    assert_eq!(ask(&desk, json!({"do": "look"})).await["door"], "new");
    let list = json!({"do": "list", "after": null, "limit": 10});
    assert_eq!(obstacle(&ask(&desk, list.clone()).await), "shut");

    let open = |passphrase: &str| json!({"do": "open", "passphrase": passphrase});
    let opened = ask(&desk, open("spring tea")).await;
    assert_eq!(
        (&opened["door"], &opened["status"]["households"]),
        (&json!("open"), &json!(0))
    );
    let household = json!({"do": "register", "household": {"persons": [{"name": "王秀英"}]}});
    assert_eq!(obstacle(&ask(&desk, household).await), "not-enrolled");
    assert_eq!(
        obstacle(&ask(&desk, json!({"do": "sync"})).await),
        "not-enrolled"
    );

    assert_eq!(ask(&desk, json!({"do": "close"})).await["door"], "shut");
    assert_eq!(
        obstacle(&ask(&desk, open("winter tea")).await),
        "wrong-passphrase"
    );
    assert_eq!(ask(&desk, open("spring tea")).await["door"], "open");
    assert_eq!(ask(&desk, open("not asked for")).await["door"], "open");
}

#[tokio::test]
async fn what_is_written_is_read_again_and_everybody_is_told() {
    let folder = tempfile::tempdir().unwrap();
    drop(testing::enrolled(folder.path(), 1));
    let desk = Desk::new(folder.path());
    ask(&desk, json!({"do": "open", "passphrase": "pass"})).await;

    let told = Mutex::new(Vec::new());
    let tell = |event| told.lock().unwrap().push(event);
    let register = json!({"do": "register", "household": {
        "address": "村东 12 号",
        "persons": [{"name": "王秀英", "relation": "head"}, {"name": "王小明", "birth": "2021"}],
    }});
    let register = serde_json::from_value(register).unwrap();
    let Answer::Edited { household } = desk.answer(register, &tell).await else {
        panic!("it was registered")
    };
    assert_eq!(told.into_inner().unwrap(), [Event::Changed]);
    let household = household.to_string();

    let found = ask(&desk, json!({"do": "search", "text": "wxm", "limit": 10})).await;
    assert_eq!(found["found"][0]["id"], household);
    let shown = ask(&desk, json!({"do": "show", "household": household})).await;
    assert_eq!(
        shown["areas"][testing::HOME],
        json!(["town", testing::HOME])
    );
    let persons = shown["record"]["persons"].as_object().unwrap();
    let (person, _) = persons
        .iter()
        .find(|(_, one)| one["name"] == "王小明")
        .unwrap();

    let visit = json!({"do": "record-visit", "household": household,
        "visit": {"person": person, "on": "2026-11-24", "kind": "child", "weight_g": 12500}});
    assert_eq!(ask(&desk, visit).await["answer"], "edited");
    let wrong = json!({"do": "correct-person", "household": household, "person": person,
        "set": {"birth": "yesterday"}});
    let wrong = ask(&desk, wrong).await;
    assert_eq!(obstacle(&wrong), "bad-value");
    assert!(wrong["fault"]["field"].as_str().unwrap().ends_with("birth"));

    let shown = ask(&desk, json!({"do": "show", "household": household})).await;
    assert_eq!(shown["row"]["pending"], 2);
    assert_eq!(shown["record"]["visits"].as_object().unwrap().len(), 1);
    let areas = ask(&desk, json!({"do": "areas"})).await;
    assert_eq!(areas["areas"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn shutting_ends_a_session_and_waits_until_the_tablet_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    drop(testing::enrolled_at(folder.path(), 1, &server));
    let desk = Desk::new(folder.path());
    let open = json!({"do": "open", "passphrase": "pass"});
    ask(&desk, open.clone()).await;
    // A server that takes the connection and never answers.
    let (synced, shut) = tokio::join!(ask(&desk, json!({"do": "sync"})), async {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let silent = listener.accept().await.unwrap();
        let shut = ask(&desk, json!({"do": "close"})).await;
        drop(silent);
        shut
    });
    assert_eq!(
        (&synced["outcome"], &shut["door"]),
        (&json!("cancelled"), &json!("shut"))
    );
    assert_eq!(ask(&desk, open).await["door"], "open");
}

#[tokio::test]
async fn without_a_connection_a_session_says_so_and_another_can_follow() {
    let folder = tempfile::tempdir().unwrap();
    drop(testing::enrolled(folder.path(), 1));
    let desk = Desk::new(folder.path());
    ask(&desk, json!({"do": "open", "passphrase": "pass"})).await;
    for _ in 0..2 {
        let ended = ask(&desk, json!({"do": "sync"})).await;
        assert_eq!(
            (&ended["outcome"], &ended["fault"]["obstacle"]),
            (&json!("gave-up"), &json!("no-connection"))
        );
    }
}
