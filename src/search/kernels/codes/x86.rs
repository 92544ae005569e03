//! Codes in vectors of x86-64.

/// Products of bytes, four of them summed up by one instruction.
pub(super) mod avx512_vnni {
    use std::arch::x86_64::{
        __m512i, _mm512_dpbusd_epi32, _mm512_loadu_si512, _mm512_reduce_add_epi32,
        _mm512_set1_epi8, _mm512_setzero_si512, _mm512_xor_si512,
    };

    use super::super::{CodesKernel, QueryCodes, STEP, code_loop, filled_up};

    pub(in super::super) const KERNEL: CodesKernel = CodesKernel {
        name: "AVX-512 VNNI",
        dots,
    };

    #[target_feature(enable = "avx512f")]
    #[inline]
    fn load(codes: &[i8; STEP]) -> __m512i {
        // SAFETY: the 64 bytes that are read are those of `codes`; this load asks for no
        // alignment.
        unsafe { _mm512_loadu_si512(codes.as_ptr().cast()) }
    }

    /// The instruction takes one factor without a sign: 128 is added to the row's codes by
    /// flipping their sign bit, and taken from the sum again. (That does not saturate;
    /// the sums of a lane stay below 2^31, see `CodesKernel`.)
    #[target_feature(enable = "avx512f,avx512vnni")]
    #[inline]
    fn dot(query: &QueryCodes, steps: &[[i8; STEP]], rest: &[i8]) -> [i32; 2] {
        let sign = _mm512_set1_epi8(-128);
        let (mut coarse, mut fine) = (_mm512_setzero_si512(), _mm512_setzero_si512());
        let mut codes = query.coarse.bytes.iter().zip(&query.fine.bytes);
        for (row, (a, b)) in steps.iter().zip(codes.by_ref()) {
            let row = _mm512_xor_si512(load(row), sign);
            coarse = _mm512_dpbusd_epi32(coarse, row, load(a));
            fine = _mm512_dpbusd_epi32(fine, row, load(b));
        }
        if let Some((a, b)) = codes.next() {
            let row = _mm512_xor_si512(load(&filled_up(rest)), sign);
            coarse = _mm512_dpbusd_epi32(coarse, row, load(a));
            fine = _mm512_dpbusd_epi32(fine, row, load(b));
        }
        [
            _mm512_reduce_add_epi32(coarse) - query.coarse.offset,
            _mm512_reduce_add_epi32(fine) - query.fine.offset,
        ]
    }

    code_loop! { #[target_feature(enable = "avx512f,avx512vnni")] }
}

/// Products of 16 bits, two of them summed up by one instruction.
pub(super) mod avx2 {
    use std::arch::x86_64::{
        __m128i, __m256i, _mm_loadu_si128, _mm256_add_epi32, _mm256_cvtepi8_epi16,
        _mm256_loadu_si256, _mm256_madd_epi16, _mm256_setzero_si256, _mm256_storeu_si256,
    };

    use super::super::{CodesKernel, QueryCodes, STEP, code_loop, filled_up};

    pub(in super::super) const KERNEL: CodesKernel = CodesKernel { name: "AVX2", dots };

    #[target_feature(enable = "avx2")]
    #[inline]
    fn widened(codes: &[i8; 16]) -> __m256i {
        // SAFETY: the 16 bytes that are read are those of `codes`; this load asks for no
        // alignment.
        let codes: __m128i = unsafe { _mm_loadu_si128(codes.as_ptr().cast()) };
        _mm256_cvtepi8_epi16(codes)
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn load(words: &[i16; 16]) -> __m256i {
        // SAFETY: the 32 bytes that are read are those of `words`; this load asks for no
        // alignment.
        unsafe { _mm256_loadu_si256(words.as_ptr().cast()) }
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn sum(lanes: __m256i) -> i32 {
        let mut sums = [0_i32; 8];
        // SAFETY: the 32 bytes that are written are those of `sums`; this store asks for
        // no alignment.
        unsafe { _mm256_storeu_si256(sums.as_mut_ptr().cast(), lanes) };
        sums.iter().sum()
    }

    /// Adds the products of one step to both sums.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn step(
        [mut coarse, mut fine]: [__m256i; 2],
        row: &[i8; STEP],
        a: &[i16; STEP],
        b: &[i16; STEP],
    ) -> [__m256i; 2] {
        let (row, (a, b)) = (row.as_chunks::<16>().0, (a.as_chunks().0, b.as_chunks().0));
        for (row, (a, b)) in row.iter().zip(a.iter().zip(b)) {
            let row = widened(row);
            coarse = _mm256_add_epi32(coarse, _mm256_madd_epi16(row, load(a)));
            fine = _mm256_add_epi32(fine, _mm256_madd_epi16(row, load(b)));
        }
        [coarse, fine]
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn dot(query: &QueryCodes, steps: &[[i8; STEP]], rest: &[i8]) -> [i32; 2] {
        let mut sums = [_mm256_setzero_si256(); 2];
        let mut words = query.coarse.words.iter().zip(&query.fine.words);
        for (row, (a, b)) in steps.iter().zip(words.by_ref()) {
            sums = step(sums, row, a, b);
        }
        if let Some((a, b)) = words.next() {
            sums = step(sums, &filled_up(rest), a, b);
        }
        sums.map(|lanes| sum(lanes))
    }

    code_loop! { #[target_feature(enable = "avx2")] }
}
