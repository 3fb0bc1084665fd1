//! How long threads waited for a lock, and whether it served them alike.

use hdrhistogram::Histogram;

/// What threads got of a lock while they contended for it.
#[derive(Clone, Debug)]
pub struct Fairness {
    /// The waits of all threads, in nanoseconds.
    pub waits: Histogram<u64>,
    /// How often each thread got it.
    pub visits: Vec<u64>,
}

impl Fairness {
    /// No waits yet: to keep two digits of each, up to a minute.
    pub(super) fn no_waits() -> Histogram<u64> {
        Histogram::new_with_bounds(1, 60_000_000_000, 2).expect("the bounds are in order")
    }

    /// How often all threads together got it.
    pub fn total(&self) -> u64 {
        self.visits.iter().sum()
    }

    /// The share of the thread that got it most often; 1/n if it served n threads alike.
    pub fn luckiest(&self) -> f64 {
        self.share(self.visits.iter().max())
    }

    /// The share of the thread that got it least often.
    pub fn unluckiest(&self) -> f64 {
        self.share(self.visits.iter().min())
    }

    fn share(&self, visits: Option<&u64>) -> f64 {
        *visits.unwrap_or(&0) as f64 / self.total().max(1) as f64
    }

    /// Jain's index, (Σx)² / (n·Σx²): 1 if it served n threads alike, 1/n if it served but one.
    pub fn jain(&self) -> f64 {
        let squares: f64 = self.visits.iter().map(|&visits| (visits as f64).powi(2)).sum();
        (self.total() as f64).powi(2) / (self.visits.len() as f64 * squares).max(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(visits: &[u64]) -> Fairness {
        Fairness { waits: Fairness::no_waits(), visits: visits.to_vec() }
    }

    #[test]
    fn jains_index_is_1_for_alike_and_1_in_n_for_a_single_winner() {
        assert_eq!(of(&[7, 7, 7, 7]).jain(), 1.0);
        assert_eq!(of(&[9, 0, 0, 0]).jain(), 0.25);
        assert_eq!(of(&[0, 0]).jain(), 0.0);
    }

    #[test]
    fn shares_are_of_all_visits() {
        assert_eq!((of(&[6, 2]).luckiest(), of(&[6, 2]).unluckiest()), (0.75, 0.25));
        assert_eq!((of(&[0, 0]).luckiest(), of(&[0, 0]).unluckiest()), (0.0, 0.0));
    }
}
