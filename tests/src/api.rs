//! The HTTP API, as a client sees it.

use std::time::{Duration, Instant};

use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::random::word;

/// No answer takes longer, whatever is away: 2 s are promised, and a busy machine may add to them.
const LONGEST: Duration = Duration::from_secs(3);
/// A hung connection must not hang the tests.
const TIMEOUT: Duration = Duration::from_secs(20);
pub const JSON: &str = "application/json";

/// A client of its own: connections belong to the runtime of one test.
#[derive(Clone)]
pub struct Api {
    client: Client,
    base: String,
    longest: Duration,
}

/// Somebody who has signed up, and the answer that said so.
#[derive(Clone, Debug)]
pub struct Person {
    pub id: u64,
    pub first_name: String,
    pub last_name: String,
    pub answer: Answer,
}

impl Api {
    pub fn new(base: impl Into<String>) -> Self {
        let client = Client::builder().no_proxy().timeout(TIMEOUT).build().expect("a client");
        Self { client, base: base.into(), longest: LONGEST }
    }

    /// For more requests at once than are worked on at a time: those that wait for their turn wait longer.
    pub fn patient(self, longest: Duration) -> Self {
        Self { longest, ..self }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    /// Sends it, and holds the answer to what must hold for all. Err: nobody answered.
    pub async fn try_send(&self, request: RequestBuilder) -> Result<Answer, String> {
        let request = request.build().map_err(|error| format!("no request: {error}"))?;
        let asked = format!("{} {}", request.method(), request.url());
        let head = request.method() == Method::HEAD;
        let start = Instant::now();
        let response = self.client.execute(request).await.map_err(|error| format!("{asked}: {error:?}"))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.map_err(|error| format!("{asked}: {error:?}"))?;
        let took = start.elapsed();
        let answer = Answer::checked(&asked, head, status, headers, body.to_vec());
        assert!(status != 503 || took < self.longest, "{asked} took {took:?}: {answer}");
        Ok(answer)
    }

    pub async fn send(&self, request: RequestBuilder) -> Answer {
        self.try_send(request).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// A stream is read piece by piece.
    pub async fn open(&self, request: RequestBuilder) -> Response {
        request.send().await.unwrap_or_else(|error| panic!("{error:?}"))
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    pub async fn head(&self, path: &str) -> Answer {
        self.send(self.request(Method::HEAD, path)).await
    }

    /// A POST without a body, as commands on friendships are.
    pub async fn post(&self, path: &str) -> Answer {
        self.send(self.request(Method::POST, path)).await
    }

    pub fn with_json(&self, method: Method, path: &str, body: &Value) -> RequestBuilder {
        self.request(method, path).header("content-type", JSON).body(body.to_string())
    }

    pub async fn post_json(&self, path: &str, body: &Value) -> Answer {
        self.send(self.with_json(Method::POST, path, body)).await
    }

    pub async fn put_json(&self, path: &str, body: &Value) -> Answer {
        self.send(self.with_json(Method::PUT, path, body)).await
    }

    pub fn creation(&self, first_name: &str, last_name: &str) -> RequestBuilder {
        let body = json!({"firstName": first_name, "lastName": last_name});
        self.with_json(Method::POST, "/user/v1/users", &body)
    }

    pub async fn create(&self, first_name: &str, last_name: &str) -> Person {
        let answer = self.send(self.creation(first_name, last_name)).await.is(201);
        let id = answer.json()["id"].as_u64().expect("an id");
        Person { id, first_name: first_name.to_owned(), last_name: last_name.to_owned(), answer }
    }

    /// Somebody with a name of their own.
    pub async fn person(&self) -> Person {
        self.create(&word(), &word()).await
    }

    pub async fn people(&self, count: usize) -> Vec<Person> {
        let mut people = Vec::with_capacity(count);
        for _ in 0..count {
            people.push(self.person().await);
        }
        people
    }

    pub async fn user(&self, id: u64) -> Answer {
        self.get(&format!("/user/v1/users/{id}")).await
    }

    pub fn addition(&self, of: u64, friend: u64) -> RequestBuilder {
        self.request(Method::POST, &format!("/friend/v1/users/{of}/commands/addFriend?friendId={friend}"))
    }

    pub fn removal(&self, of: u64, friend: u64) -> RequestBuilder {
        self.request(Method::POST, &format!("/friend/v1/users/{of}/commands/removeFriend?friendId={friend}"))
    }

    pub async fn add_friend(&self, of: u64, friend: u64) -> Answer {
        self.send(self.addition(of, friend)).await
    }

    pub async fn remove_friend(&self, of: u64, friend: u64) -> Answer {
        self.send(self.removal(of, friend)).await
    }

    pub async fn friends(&self, of: u64) -> Vec<Value> {
        self.get(&format!("/friend/v1/users/{of}/friends?limit=1000")).await.is(200).list()
    }

    /// Their ids, in the order of the friendships.
    pub async fn friend_ids(&self, of: u64) -> Vec<u64> {
        let friends = self.friends(of).await;
        assert!(friends.iter().all(|friendship| friendship["userId"] == of), "{friends:?}");
        friends.iter().map(|friendship| friendship["friendId"].as_u64().expect("an id")).collect()
    }

    pub async fn recommendations(&self, of: u64, query: &str) -> Answer {
        self.get(&format!("/recommendation/v1/users/{of}/commands/recommendFriends?{query}")).await
    }

    pub async fn mutual_friends(&self, of: u64, friend: u64, query: &str) -> Answer {
        self.get(&format!("/recommendation/v1/users/{of}/commands/findMutualFriends?friendId={friend}&{query}")).await
    }
}
