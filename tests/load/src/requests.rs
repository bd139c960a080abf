//! The calls that are measured, as the bytes that are sent.

use std::io::Write;

use crate::people::Person;

pub struct Requests {
    authority: String,
}

impl Requests {
    /// To the system at `host:port`.
    pub fn to(authority: &str) -> Self {
        Self { authority: authority.to_owned() }
    }

    pub fn create_user(&self, into: &mut Vec<u8>, person: &Person) {
        let body = person.json();
        self.head(into, "POST", format_args!("/user/v1/users"));
        let _ = write!(into, "content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    }

    pub fn add_friend(&self, into: &mut Vec<u8>, user: u64, friend: u64) {
        self.head(into, "POST", format_args!("/friend/v1/users/{user}/commands/addFriend?friendId={friend}"));
        into.extend_from_slice(b"content-length: 0\r\n\r\n");
    }

    pub fn update_user(&self, into: &mut Vec<u8>, id: u64, person: &Person) {
        let body = person.json_with_id(id);
        self.head(into, "PUT", format_args!("/user/v1/users/{id}"));
        let _ = write!(into, "content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    }

    pub fn remove_friend(&self, into: &mut Vec<u8>, user: u64, friend: u64) {
        self.head(into, "POST", format_args!("/friend/v1/users/{user}/commands/removeFriend?friendId={friend}"));
        into.extend_from_slice(b"content-length: 0\r\n\r\n");
    }

    pub fn user(&self, into: &mut Vec<u8>, id: u64) {
        self.get(into, format_args!("/user/v1/users/{id}"));
    }

    pub fn friends(&self, into: &mut Vec<u8>, id: u64) {
        self.get(into, format_args!("/friend/v1/users/{id}/friends"));
    }

    pub fn mutual_friends(&self, into: &mut Vec<u8>, id: u64, friend: u64) {
        let path = "/recommendation/v1/users";
        self.get(into, format_args!("{path}/{id}/commands/findMutualFriends?friendId={friend}"));
    }

    /// As far as the worker is: it waits for nothing.
    pub fn recommended_now(&self, into: &mut Vec<u8>, id: u64, limit: usize) {
        self.get(into, format_args!("/recommendation/v1/users/{id}/commands/recommendFriends?limit={limit}"));
    }

    pub fn directory(&self, into: &mut Vec<u8>, name: &str, limit: usize) {
        self.get(into, format_args!("/user/v1/directory?name={name}&limit={limit}"));
    }

    pub fn activity(&self, into: &mut Vec<u8>, id: u64, limit: usize) {
        self.get(into, format_args!("/user/v1/users/{id}/activity?limit={limit}"));
    }

    /// `after`: the `Last-Event` of the command that the answer has to include.
    pub fn recommendations(&self, into: &mut Vec<u8>, id: u64, limit: usize, after: &str) {
        let path = "/recommendation/v1/users";
        self.get(into, format_args!("{path}/{id}/commands/recommendFriends?limit={limit}&after={after}"));
    }

    pub fn get(&self, into: &mut Vec<u8>, path: std::fmt::Arguments<'_>) {
        self.head(into, "GET", path);
        into.extend_from_slice(b"\r\n");
    }

    fn head(&self, into: &mut Vec<u8>, method: &str, path: std::fmt::Arguments<'_>) {
        into.clear();
        // Writing to a vector does not fail.
        let _ = write!(into, "{method} {path} HTTP/1.1\r\nhost: {}\r\n", self.authority);
    }
}
