//! The two sides of a call, whatever carries it.

/// The side that calls.
pub trait Caller {
    /// Makes the `n`-th call since the last [`stop`](Self::stop), and returns when it was answered.
    fn call(&self, n: u64);

    /// Makes the server return from [`Server::serve`], and returns when it will.
    fn stop(&self);
}

/// The side that is called.
pub trait Server {
    /// Answers call after call until told to stop. Ends the process if one is missing, comes twice or out of turn, as far
    /// as that can be told: a fast wrong answer is no result.
    fn serve(&self);
}
