//! What can be asked of the system, as `wit/openapi.yaml` names it.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Operation {
    CreateUser,
    UpdateUser,
    AddFriend,
    RemoveFriend,
    GetUser,
    ListFriends,
    FindMutualFriends,
    RecommendFriends,
    ListDirectory,
    ListActivity,
    GetStats,
}

/// What an answer means for the one who asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// The system works, and says no: the two are friends already, somebody else was faster.
    Refused,
    /// A healthy system does not give this answer here.
    Failed,
}

impl Operation {
    pub const ALL: [Operation; 11] = [
        Operation::CreateUser,
        Operation::UpdateUser,
        Operation::AddFriend,
        Operation::RemoveFriend,
        Operation::GetUser,
        Operation::ListFriends,
        Operation::FindMutualFriends,
        Operation::RecommendFriends,
        Operation::ListDirectory,
        Operation::ListActivity,
        Operation::GetStats,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Operation::CreateUser => "createUser",
            Operation::UpdateUser => "updateUser",
            Operation::AddFriend => "addFriend",
            Operation::RemoveFriend => "removeFriend",
            Operation::GetUser => "getUser",
            Operation::ListFriends => "listFriends",
            Operation::FindMutualFriends => "findMutualFriends",
            Operation::RecommendFriends => "recommendFriends",
            Operation::ListDirectory => "listDirectory",
            Operation::ListActivity => "listActivity",
            Operation::GetStats => "getStats",
        }
    }

    /// Only people who are there are asked for, and only friendships that are there are ended: a 404 is a failure.
    pub fn outcome(self, status: u16) -> Outcome {
        let done = match self {
            Operation::CreateUser | Operation::AddFriend => 201,
            Operation::RemoveFriend => 204,
            _ => 200,
        };
        // Of several changes of one person at the same moment one wins, and friends cannot become friends.
        let refused = matches!(self, Operation::UpdateUser | Operation::AddFriend) && status == 409;
        match status {
            status if status == done => Outcome::Done,
            _ if refused => Outcome::Refused,
            _ => Outcome::Failed,
        }
    }

    /// Whether it is about people who have signed up before.
    pub fn needs_people(self) -> bool {
        !matches!(self, Operation::CreateUser | Operation::ListDirectory | Operation::GetStats)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_those_of_the_api() {
        let document = include_str!("../../../wit/openapi.yaml");
        for (n, operation) in Operation::ALL.into_iter().enumerate() {
            assert_eq!(operation as usize, n);
            assert_eq!(serde_json::to_value(operation).unwrap(), operation.name());
            let line = format!("operationId: {}\n", operation.name());
            assert!(document.contains(&line), "{line}");
        }
    }

    #[test]
    fn a_refusal_is_no_failure_and_a_missing_person_is() {
        assert_eq!(Operation::AddFriend.outcome(201), Outcome::Done);
        assert_eq!(Operation::AddFriend.outcome(409), Outcome::Refused);
        assert_eq!(Operation::CreateUser.outcome(409), Outcome::Failed);
        assert_eq!(Operation::GetUser.outcome(404), Outcome::Failed);
        assert_eq!(Operation::RemoveFriend.outcome(200), Outcome::Failed);
    }
}
