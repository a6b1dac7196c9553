//! Tests of the companion as its users run it: the built program, real files, its exit status and its output.
//!
//! All tests are one program, which is linked once. Every test has a folder of its own.

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
mod datasets;
mod determinism;
mod evaluate;
mod export;
mod folder;
mod foreign;
mod import;
mod jobs;
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
mod service;

mod shop;
mod sign;
mod small;
mod teach;
mod train;
mod versions;
