//! What is learnt from photos, and how well: training, its networks, cross-validation and measures.

pub mod crossvalidate;
pub mod evaluate;
pub mod fine_tune;
pub mod measure;
pub mod network;
pub mod pretrain;
pub mod train;
