//! Recommendations and mutual friends, compared with the plainest possible computation.

mod random_networks;
mod real_network;
