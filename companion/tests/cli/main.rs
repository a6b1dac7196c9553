//! The companion as its users run it: the built binary, real files, its exit code and what it prints.
//!
//! One program for all of it, so that it is linked once. Every test works in a folder of its own.

mod attributes;
mod backbone;
mod bad_input;
mod before;
#[cfg(feature = "s3")]
mod bucket;
mod canary;
mod channels;
mod clean;
mod compile;
mod crossvalidate;
mod damage;
mod determinism;
mod evaluate;
mod export;
mod folder;
mod import;
mod kill;
mod onnx;
mod orientation;
mod plan;
mod pretrain;
mod publish;
mod pycheck;
mod real_data;
mod report;
#[cfg(feature = "s3")]
mod s3;
mod sequence;
mod serve;

mod shop;
mod sign;
mod small;
mod teach;
mod train;
mod versions;
