//! What a file becomes, and what is said about it.
use super::*;
