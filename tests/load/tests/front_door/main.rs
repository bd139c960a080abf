//! The load generator as its users meet it: started as a program, against real systems and against strangers.

mod documentation;
mod generator;
mod mistakes;
mod networks;
mod outcomes;
mod ramps;
mod runs;
mod settings;
mod stalls;
mod targets;
