//! From a store with changes to segments that hold them.

#[cfg(test)]
mod tests;
