//! Vectors of x86-64: AVX-512, AVX2 with and without fused multiply-add.

use super::{Kernel, portable};

/// Defines `dot` and `dot4` from the operations on vectors beside it.
macro_rules! vector_dots {
    ($lanes:literal, $(#[$feature:meta])*) => {
        /// What is left of a row, filled up with zeros.
        $(#[$feature])*
        #[inline]
        fn load_rest(rest: &[f32]) -> Vector {
            let mut lanes = [0.0; $lanes];
            for (lane, x) in lanes.iter_mut().zip(rest) {
                *lane = *x;
            }
            load(&lanes)
        }

        $(#[$feature])*
        #[inline]
        fn dot(query: &[f32], row: &[f32]) -> f32 {
            let (query, query_rest) = query.as_chunks::<$lanes>();
            let (row, row_rest) = row.as_chunks::<$lanes>();
            let (query, query_last) = query.as_chunks::<4>();
            let (row, row_last) = row.as_chunks::<4>();
            // Four sums, since one addition must not wait for the last one.
            let [mut a, mut b, mut c, mut d] = [zero(); 4];
            for ([qa, qb, qc, qd], [xa, xb, xc, xd]) in query.iter().zip(row) {
                a = fused(load(qa), load(xa), a);
                b = fused(load(qb), load(xb), b);
                c = fused(load(qc), load(xc), c);
                d = fused(load(qd), load(xd), d);
            }
            for (q, x) in query_last.iter().zip(row_last) {
                a = fused(load(q), load(x), a);
            }
            if !row_rest.is_empty() {
                b = fused(load_rest(query_rest), load_rest(row_rest), b);
            }
            sum(add(add(a, b), add(c, d)))
        }

        $(#[$feature])*
        #[inline]
        fn dot4(queries: [&[f32]; 4], row: &[f32]) -> [f32; 4] {
            let [(p, p_rest), (q, q_rest), (r, r_rest), (s, s_rest)] =
                queries.map(|query| query.as_chunks::<$lanes>());
            let (row, row_rest) = row.as_chunks::<$lanes>();
            let [mut a, mut b, mut c, mut d] = [zero(); 4];
            let queries = p.iter().zip(q).zip(r.iter().zip(s));
            for (x, ((p, q), (r, s))) in row.iter().zip(queries) {
                let x = load(x);
                a = fused(load(p), x, a);
                b = fused(load(q), x, b);
                c = fused(load(r), x, c);
                d = fused(load(s), x, d);
            }
            if !row_rest.is_empty() {
                let x = load_rest(row_rest);
                a = fused(load_rest(p_rest), x, a);
                b = fused(load_rest(q_rest), x, b);
                c = fused(load_rest(r_rest), x, c);
                d = fused(load_rest(s_rest), x, d);
            }
            [sum(a), sum(b), sum(c), sum(d)]
        }
    };
}

pub(super) mod avx512 {
    use std::arch::x86_64::{
        __m512 as Vector, _mm512_add_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_setzero_ps,
        _mm512_storeu_ps,
    };

    use super::super::{Kernel, row_loops, sum16};

    pub(in super::super) const KERNEL: Kernel = Kernel {
        name: "AVX-512",
        one,
        apart,
        four,
        // Of `dot4`, one vector a query. `dot` has four times as many …
        sums: 16,
        // … but up to 3 vectors after the last four; then there is a rest, and
        // there are the additions of 4 vectors and of 16 lanes.
        others: 3 + 1 + 2 + 4,
    };

    #[target_feature(enable = "avx512f")]
    #[inline]
    fn zero() -> Vector {
        _mm512_setzero_ps()
    }

    #[target_feature(enable = "avx512f")]
    #[inline]
    fn add(a: Vector, b: Vector) -> Vector {
        _mm512_add_ps(a, b)
    }

    #[target_feature(enable = "avx512f")]
    #[inline]
    fn fused(a: Vector, b: Vector, sum: Vector) -> Vector {
        _mm512_fmadd_ps(a, b, sum)
    }

    #[target_feature(enable = "avx512f")]
    #[inline]
    fn load(lanes: &[f32; 16]) -> Vector {
        // SAFETY: the 64 bytes that are read are those of `lanes`; this load
        // asks for no alignment.
        unsafe { _mm512_loadu_ps(lanes.as_ptr()) }
    }

    #[target_feature(enable = "avx512f")]
    #[inline]
    fn sum(vector: Vector) -> f32 {
        let mut lanes = [0.0; 16];
        // SAFETY: the 64 bytes that are written are those of `lanes`; this
        // store asks for no alignment.
        unsafe { _mm512_storeu_ps(lanes.as_mut_ptr(), vector) };
        sum16(lanes)
    }

    vector_dots! { 16, #[target_feature(enable = "avx512f")] }
    row_loops! { #[target_feature(enable = "avx512f")] }
}

pub(super) mod avx2_fma {
    use std::arch::x86_64::{
        __m256 as Vector, _mm256_add_ps, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_setzero_ps,
        _mm256_storeu_ps,
    };

    use super::super::{Kernel, row_loops, sum8};

    pub(in super::super) const KERNEL: Kernel = Kernel {
        name: "AVX2 and FMA",
        one,
        apart,
        four,
        // As for AVX-512, with 8 lanes.
        sums: 8,
        others: 3 + 1 + 2 + 3,
    };

    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn zero() -> Vector {
        _mm256_setzero_ps()
    }

    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn add(a: Vector, b: Vector) -> Vector {
        _mm256_add_ps(a, b)
    }

    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn fused(a: Vector, b: Vector, sum: Vector) -> Vector {
        _mm256_fmadd_ps(a, b, sum)
    }

    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn load(lanes: &[f32; 8]) -> Vector {
        // SAFETY: the 32 bytes that are read are those of `lanes`; this load
        // asks for no alignment.
        unsafe { _mm256_loadu_ps(lanes.as_ptr()) }
    }

    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn sum(vector: Vector) -> f32 {
        let mut lanes = [0.0; 8];
        // SAFETY: the 32 bytes that are written are those of `lanes`; this
        // store asks for no alignment.
        unsafe { _mm256_storeu_ps(lanes.as_mut_ptr(), vector) };
        sum8(lanes)
    }

    vector_dots! { 8, #[target_feature(enable = "avx2,fma")] }
    row_loops! { #[target_feature(enable = "avx2,fma")] }
}

/// AVX2 alone: the portable code, compiled for it.
pub(super) mod avx2 {
    use super::{
        super::{
            portable::{dot, dot4},
            row_loops,
        },
        Kernel, portable,
    };

    pub(in super::super) const KERNEL: Kernel = Kernel {
        name: "AVX2",
        one,
        apart,
        four,
        ..portable::KERNEL
    };

    row_loops! { #[target_feature(enable = "avx2")] }
}
