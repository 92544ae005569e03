//! Dot products of codes: whole numbers of one byte, summed up exactly.

mod portable;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod x86;

#[cfg(test)]
mod tests;

use std::sync::LazyLock;

/// Codes that are taken at once; queries are filled up to a multiple with zeros.
const STEP: usize = 64;

/// The codes of a query, two for each component: `coarse` and `fine`. None is -128.
#[derive(Debug, Clone)]
pub(crate) struct QueryCodes {
    dim: usize,
    coarse: Codes,
    fine: Codes,
}

#[derive(Debug, Clone)]
struct Codes {
    bytes: Vec<[i8; STEP]>,
    /// The same, widened for products of 16 bits.
    words: Vec<[i16; STEP]>,
    /// 128 times their sum.
    offset: i32,
}

impl QueryCodes {
    /// Both are of one length, at most 65,536.
    pub(crate) fn new(coarse: &[i8], fine: &[i8]) -> QueryCodes {
        QueryCodes {
            dim: coarse.len().min(fine.len()),
            coarse: Codes::new(coarse),
            fine: Codes::new(fine),
        }
    }
}

impl Codes {
    fn new(codes: &[i8]) -> Codes {
        let bytes: Vec<[i8; STEP]> = codes.chunks(STEP).map(filled_up).collect();
        Codes {
            words: bytes.iter().map(|codes| codes.map(i16::from)).collect(),
            offset: codes.iter().map(|&code| 128 * i32::from(code)).sum(),
            bytes,
        }
    }
}

/// At most 64 codes, and zeros.
#[inline(always)]
fn filled_up(codes: &[i8]) -> [i8; STEP] {
    let mut all = [0; STEP];
    for (place, code) in all.iter_mut().zip(codes) {
        *place = *code;
    }
    all
}

/// The dot products of a query with rows that stand one after another, one pair for each
/// element of `out`: with the coarse and with the fine codes.
///
/// Unsafe to call where the processor lacks what the kernel is compiled for, and for no
/// other reason.
type Dots = unsafe fn(query: &QueryCodes, rows: &[i8], out: &mut [[i32; 2]]);

/// One way to compute dot products of codes. All give the same numbers: of up to 65,536
/// codes no sum leaves an `i32`, since `65,536 * 255 * 127 < 2^31`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CodesKernel {
    /// What it needs, for messages of tests.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "only tests say which one failed")
    )]
    pub(crate) name: &'static str,
    dots: Dots,
}

static BEST: LazyLock<CodesKernel> = LazyLock::new(|| {
    let mut kernels = CodesKernel::available().into_iter();
    kernels.next().unwrap_or(portable::KERNEL)
});

impl CodesKernel {
    /// The fastest one that this processor has.
    pub(crate) fn best() -> &'static CodesKernel {
        &BEST
    }

    /// All that this processor has, the fastest first.
    pub(crate) fn available() -> Vec<CodesKernel> {
        let mut kernels = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni") {
                kernels.push(x86::avx512_vnni::KERNEL);
            }
            if is_x86_feature_detected!("avx2") {
                kernels.push(x86::avx2::KERNEL);
            }
        }
        kernels.push(portable::KERNEL);
        kernels
    }

    /// The dot products of `query` with the rows in `rows`.
    pub(crate) fn dots(&self, query: &QueryCodes, rows: &[i8], out: &mut [[i32; 2]]) {
        if query.dim == 0 {
            return out.fill([0; 2]);
        }
        // SAFETY: kernels are made by `available` alone, which names only those whose
        // features were detected.
        #[allow(unsafe_code)]
        unsafe {
            (self.dots)(query, rows, out);
        }
    }
}

/// Defines `dots` from a function `dot` that takes one row: its full steps, and its rest.
/// A macro for the reason that `row_loops` is one.
macro_rules! code_loop {
    ($(#[$feature:meta])*) => {
        $(#[$feature])*
        fn dots(query: &QueryCodes, rows: &[i8], out: &mut [[i32; 2]]) {
            for (row, out) in rows.chunks_exact(query.dim).zip(out) {
                $crate::search::kernels::fetch_ahead(row);
                let (steps, rest) = row.as_chunks::<STEP>();
                *out = dot(query, steps, rest);
            }
        }
    };
}
use code_loop;
