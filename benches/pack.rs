//! `pack` and `unpack` of a vector store, for each class of numbers, beside what their
//! parts take by themselves on one thread: over all processors, that is the time that
//! they cannot beat. (They are made of what the library offers to everybody. Pack reads plain
//! decimals faster, with a parser of its own; so its processor time is told as well.)

use std::{
    fs::{self, File},
    io::{Read, Write},
    path::Path,
    thread,
    time::Duration,
};

use twinstore::{
    StorageContext,
    convert::{Silent, UnpackOptions, unpack},
    json::{Elements, Members, NumberLayout, parse_f64, print_f32_shortest, print_f64, value_end},
};
use xxhash_rust::xxh3::xxh3_128;

use crate::common::{
    Run, by_turns, gb_per_s, line,
    storage::{Like, Numbers, Storage, VECTORS, Vectors},
    timed,
};

const DIM: usize = 384;

pub fn bench(run: &Run) {
    for numbers in [Numbers::Exact, Numbers::Decimal, Numbers::Delta] {
        let vectors = Vectors::new(DIM, numbers, Like::MiniLm);
        let storage = Storage::of_vectors(run.rows(20_000), &vectors);
        storage.pack();
        check_class(&storage, numbers);
        measure(run, &storage, numbers);
    }
}

fn check_class(storage: &Storage, numbers: Numbers) {
    let context = StorageContext::from_persist_dir(storage.dir()).unwrap();
    let store = context.vector_store("default").unwrap();
    let segment = store.segments().unwrap().unwrap().remove(0);
    let classes = segment.segment().classes();
    let of_class = match numbers {
        Numbers::Exact => classes.exact,
        Numbers::Decimal => classes.decimal,
        Numbers::Delta => classes.delta,
    };
    assert_eq!(of_class as usize, storage.rows);
}

fn measure(run: &Run, storage: &Storage, numbers: Numbers) {
    let file = storage.dir().join(VECTORS);
    let text = fs::read(&file).unwrap();
    let parts = Parts::new(&text, numbers);
    let out = tempfile::tempdir().unwrap();
    let rounds = run.rounds(5);
    let [mut pack_cpu, mut unpack_cpu] = [Some(Duration::ZERO); 2];
    let [
        read,
        scan,
        parse,
        print,
        compare,
        plane,
        json,
        packing,
        unpacking,
    ] = by_turns(
        rounds,
        [
            &mut |_| parts.read(&file),
            &mut |_| parts.scan(),
            &mut |_| parts.parse(),
            &mut |_| parts.print(),
            &mut |_| parts.compare(),
            &mut |_| write(out.path(), bytemuck::cast_slice(&parts.plane)),
            &mut |_| write(out.path(), parts.text),
            &mut |_| {
                storage.forget();
                let before = cpu_time();
                let ((), time) = timed(|| storage.pack());
                add_since(&mut pack_cpu, before);
                time
            },
            &mut |round| {
                let to = out.path().join(round.to_string());
                let options = UnpackOptions {
                    out: Some(to.clone()),
                    ..UnpackOptions::default()
                };
                let before = cpu_time();
                let (_, time) = timed(|| unpack(storage.dir(), &options, &Silent).unwrap());
                add_since(&mut unpack_cpu, before);
                assert!(fs::read(to.join(VECTORS)).unwrap() == text);
                fs::remove_dir_all(to).unwrap();
                time
            },
        ],
    );
    let bytes = text.len() as u64;
    println!(
        "  {} x {DIM}, {numbers:?}, {bytes} bytes of JSON, medians of {rounds}",
        storage.rows
    );
    let rate = |time| format!("{:.2} GB/s", gb_per_s(bytes, time));
    for (part, time) in [
        ("read", read),
        ("scan", scan),
        ("parse", parse),
        ("print", print),
        ("compare and hash", compare),
        ("write and sync the plane", plane),
        ("write and sync the JSON", json),
    ] {
        line(&format!("part: {part}"), time, &rate(time));
    }
    let threads = thread::available_parallelism().unwrap().get() as u32;
    // Pack reads its source twice: once to pack it, once to prove it.
    let packed = (read * 2 + scan + parse + print + compare + plane) / threads;
    let printed = (print + json) / threads;
    for (what, time, least, cpu) in [
        ("pack", packing, packed, pack_cpu),
        ("unpack", unpacking, printed, unpack_cpu),
    ] {
        let part = 100.0 * least.as_secs_f64() / time.as_secs_f64();
        let note = format!(
            "{}; its parts on {threads} threads {}: {part:.0} % of that",
            rate(time),
            rate(least)
        );
        line(what, time, &note);
        if let Some(cpu) = cpu {
            let even = cpu / rounds as u32 / threads;
            let part = 100.0 * even.as_secs_f64() / time.as_secs_f64();
            let note = format!("{}; they are busy {part:.0} % of the time", rate(even));
            line(&format!("processor time on {threads} threads"), even, &note);
        }
    }
}

/// What this process has taken of all processors; `None` where the system does not tell.
fn cpu_time() -> Option<Duration> {
    // Linux counts in hundredths of a second: user and system time, the 14th and 15th field.
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let times = fields.split_whitespace().skip(11).take(2);
    let ticks: Option<Vec<u64>> = times.map(|ticks| ticks.parse().ok()).collect();
    Some(Duration::from_millis(10 * ticks?.iter().sum::<u64>()))
}

fn add_since(sum: &mut Option<Duration>, before: Option<Duration>) {
    let taken = cpu_time().zip(before).map(|(now, before)| now - before);
    *sum = sum.zip(taken).map(|(sum, taken)| sum + taken);
}

/// The parts of both ways, on a text that is in memory.
struct Parts<'t> {
    text: &'t [u8],
    numbers: Numbers,
    rows: Vec<&'t [u8]>,
    values: Vec<f64>,
    plane: Vec<f32>,
}

impl<'t> Parts<'t> {
    fn new(text: &'t [u8], numbers: Numbers) -> Parts<'t> {
        let (_, embeddings) = Members::new(text).next().unwrap();
        let rows: Vec<_> = Members::new(embeddings).map(|(_, row)| row).collect();
        let values = rows.iter().flat_map(|row| Elements::new(row));
        let values: Vec<_> = values.map(|token| parse_f64(token).unwrap()).collect();
        Parts {
            text,
            numbers,
            plane: values.iter().map(|value| *value as f32).collect(),
            rows,
            values,
        }
    }

    fn read(&self, path: &Path) -> Duration {
        let mut buffer = vec![0; 1 << 20];
        let (bytes, time) = timed(|| {
            let mut file = File::open(path).unwrap();
            let mut bytes = 0;
            loop {
                match file.read(&mut buffer).unwrap() {
                    0 => break bytes,
                    n => bytes += n,
                }
            }
        });
        assert_eq!(bytes, self.text.len());
        time
    }

    /// Finds out that it is JSON.
    fn scan(&self) -> Duration {
        let (end, time) = timed(|| value_end(self.text, 0, true).unwrap());
        assert_eq!(end, self.text.len());
        time
    }

    /// From texts of rows to floats.
    fn parse(&self) -> Duration {
        let mut plane = Vec::with_capacity(DIM);
        let (sum, time) = timed(|| {
            let mut sum = 0.0;
            for row in &self.rows {
                plane.clear();
                plane.extend(Elements::new(row).map(|token| parse_f64(token).unwrap() as f32));
                sum += f64::from(plane[DIM / 2]);
            }
            sum
        });
        let expected = self.plane.iter().skip(DIM / 2).step_by(DIM);
        assert!(sum == expected.map(|value| f64::from(*value)).sum::<f64>());
        time
    }

    /// From floats to the text of rows, comma and all.
    fn print(&self) -> Duration {
        let mut out = Vec::with_capacity(1 << 20);
        let (same, time) = timed(|| {
            let mut same = true;
            for ((row, values), floats) in self
                .rows
                .iter()
                .zip(self.values.chunks(DIM))
                .zip(self.plane.chunks(DIM))
            {
                out.clear();
                out.push(b'[');
                for (n, (value, float)) in values.iter().zip(floats).enumerate() {
                    if n > 0 {
                        out.extend_from_slice(b", ");
                    }
                    match self.numbers {
                        Numbers::Decimal => {
                            print_f32_shortest(*float, NumberLayout::Python, &mut out);
                        }
                        _ => print_f64(*value, NumberLayout::Python, &mut out),
                    }
                }
                out.push(b']');
                same &= out.len() == row.len();
            }
            same
        });
        assert!(same);
        time
    }

    /// What is done with each byte of the source and of the proof.
    fn compare(&self) -> Duration {
        let copy = self.text.to_vec();
        let (hash, time) = timed(|| (copy == self.text).then(|| xxh3_128(&copy)));
        assert!(hash.is_some());
        time
    }
}

/// Writes a new file, and waits until it is on the disk.
fn write(dir: &Path, bytes: &[u8]) -> Duration {
    let path = dir.join("file");
    let ((), time) = timed(|| {
        let mut file = File::create(&path).unwrap();
        for piece in bytes.chunks(1 << 20) {
            file.write_all(piece).unwrap();
        }
        file.sync_all().unwrap();
    });
    fs::remove_file(path).unwrap();
    time
}
