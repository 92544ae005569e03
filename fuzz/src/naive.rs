//! What LlamaIndex answers to a query, by looking at every row
//! (`get_top_k_embeddings`, `get_top_k_mmr_embeddings`).

/// Rows that a query looks at, in the order of the store.
pub type Rows<'r> = [(&'r [u8], &'r [f64])];

/// Scores that are nearer to each other than this may change places.
pub const NEAR: f64 = 1e-12;

/// Ids with their scores.
pub type Answer = Vec<(Vec<u8>, f64)>;

/// What is known of the answer.
#[derive(Debug)]
pub enum Known {
    /// All of it.
    Answer(Answer),
    /// Rounding decides, or a score that is no number.
    Undecided,
}

pub fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    dot(a, b) / (dot(a, a).sqrt() * dot(b, b).sqrt())
}

/// The rows of the largest cosines; 0 is all.
pub fn top_k(rows: &Rows<'_>, query: &[f64], limit: usize) -> Known {
    let scores: Vec<f64> = rows.iter().map(|(_, row)| cosine(query, row)).collect();
    if !are_apart(rows, &scores) {
        return Known::Undecided;
    }
    let less = |a: usize, b: usize| {
        if scores[a] == scores[b] {
            rows[a].0 < rows[b].0
        } else {
            scores[a] < scores[b]
        }
    };
    let mut heap = Heap {
        items: Vec::new(),
        less,
    };
    for row in 0..rows.len() {
        heap.push(row);
        if limit > 0 && heap.items.len() > limit {
            heap.pop();
        }
    }
    let mut best = heap.items;
    best.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    let answer = best.iter().map(|row| (rows[*row].0.to_vec(), scores[*row]));
    Known::Answer(answer.collect())
}

/// Whether scores are equal only where rows are, and otherwise far enough apart.
fn are_apart(rows: &Rows<'_>, scores: &[f64]) -> bool {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by(|a, b| scores[*a].total_cmp(&scores[*b]));
    let is_apart = |pair: &[usize]| {
        let [a, b] = [pair[0], pair[1]];
        scores[b] - scores[a] > NEAR || rows[a].1 == rows[b].1
    };
    scores.iter().all(|score| score.is_finite()) && order.windows(2).all(is_apart)
}

/// Rows near to the query and far from the one picked last.
pub fn mmr(rows: &Rows<'_>, query: &[f64], limit: usize, threshold: f64) -> Known {
    let to_query: Vec<f64> = rows.iter().map(|(_, row)| cosine(query, row)).collect();
    let mut left: Vec<usize> = (0..rows.len()).collect();
    let wanted = if limit == 0 {
        rows.len()
    } else {
        limit.min(rows.len())
    };
    let mut answer = Answer::new();
    let mut last: Option<usize> = None;
    while answer.len() < wanted {
        let scores: Vec<f64> = left
            .iter()
            .map(|row| match last {
                None => to_query[*row] * threshold,
                Some(last) => {
                    let overlap = cosine(rows[*row].1, rows[last].1);
                    threshold * to_query[*row] - (1.0 - threshold) * overlap
                }
            })
            .collect();
        if scores.iter().any(|score| !score.is_finite()) {
            return Known::Undecided;
        }
        // Of equal rows, the first is picked.
        let mut best = 0;
        for (n, score) in scores.iter().enumerate() {
            if *score > scores[best] {
                best = n;
            }
        }
        let near = |n: &usize| {
            (scores[*n] - scores[best]).abs() <= NEAR && rows[left[*n]].1 != rows[left[best]].1
        };
        if (0..scores.len()).any(|n| near(&n)) {
            return Known::Undecided;
        }
        let row = left.remove(best);
        answer.push((rows[row].0.to_vec(), scores[best]));
        last = Some(row);
    }
    Known::Answer(answer)
}

/// CPython's `heapq`: what is equal stays where its steps leave it.
struct Heap<L: Fn(usize, usize) -> bool> {
    items: Vec<usize>,
    less: L,
}

impl<L: Fn(usize, usize) -> bool> Heap<L> {
    fn push(&mut self, item: usize) {
        self.items.push(item);
        self.sift_down(0, self.items.len() - 1);
    }

    fn pop(&mut self) {
        let last = self.items.pop().unwrap();
        if let Some(first) = self.items.first_mut() {
            *first = last;
            self.sift_up(0);
        }
    }

    fn sift_down(&mut self, start: usize, mut at: usize) {
        let new = self.items[at];
        while at > start {
            let parent = (at - 1) >> 1;
            if !(self.less)(new, self.items[parent]) {
                break;
            }
            self.items[at] = self.items[parent];
            at = parent;
        }
        self.items[at] = new;
    }

    fn sift_up(&mut self, start: usize) {
        let mut at = start;
        let new = self.items[at];
        let mut child = 2 * at + 1;
        while child < self.items.len() {
            let right = child + 1;
            if right < self.items.len() && !(self.less)(self.items[child], self.items[right]) {
                child = right;
            }
            self.items[at] = self.items[child];
            at = child;
            child = 2 * at + 1;
        }
        self.items[at] = new;
        self.sift_down(start, at);
    }
}
