//! One row a run, as one JSON object: `seed ROW --documents N --threads N --directory DIR`.

mod document;
mod log;
mod storage;
mod zipfian;

use document::{age_text, city, email, random_number, BenchDocument, Plain, SplitMix64, AGES, CITIES};
use std::hint::black_box;
use std::sync::Barrier;
use std::time::Instant;
use storage::{Document, Storage};
use zipfian::{Scramble, Zipfian};

struct Options {
    row: String,
    documents: u64,
    threads: u64,
    directory: String,
    is_resident: bool,
}

fn main() {
    let options = options();
    if options.is_resident {
        println!("{}", resident(&options));
        return;
    }
    let (operations, seconds) = run(&options);
    let bytes = match options.row.as_str() {
        "ram-insert" | "ram-insert-indexed" => resident_of_child(&options),
        _ => "null".to_string(),
    };
    println!(
        "{{\"name\":\"{}\",\"threads\":{},\"operations\":{},\"seconds\":{},\"operations_per_second\":{},\"bytes_per_document\":{}}}",
        options.row, options.threads, operations, seconds, operations as f64 / seconds, bytes
    );
}

fn options() -> Options {
    let mut arguments = std::env::args().skip(1);
    let row = arguments.next().expect("a row");
    let mut options =
        Options { row, documents: 1_000_000, threads: 2, directory: "/tmp".to_string(), is_resident: false };
    while let Some(name) = arguments.next() {
        let mut value = || arguments.next().expect("a value");
        match name.as_str() {
            "--documents" => options.documents = value().parse().expect("a number"),
            "--threads" => options.threads = value().parse().expect("a number"),
            "--directory" => options.directory = value(),
            "--resident" => options.is_resident = true,
            _ => panic!("no option {}", name),
        }
    }
    options
}

/// Does `operation` for each number below `operations`, each thread a contiguous part, and returns the sum of what it
/// returns and the seconds from the moment that all threads were ready.
fn measure(threads: u64, operations: u64, operation: impl Fn(u64) -> u64 + Sync) -> (u64, f64) {
    let states = (0..threads).map(|_| ()).collect();
    measure_with(states, operations, |_, number| operation(number))
}

/// The same with a state for each thread.
fn measure_with<State: Send>(
    states: Vec<State>,
    operations: u64,
    operation: impl Fn(&mut State, u64) -> u64 + Sync,
) -> (u64, f64) {
    let threads = states.len() as u64;
    let barrier = Barrier::new(threads as usize + 1);
    let (barrier, operation) = (&barrier, &operation);
    std::thread::scope(|scope| {
        let workers: Vec<_> = states
            .into_iter()
            .enumerate()
            .map(|(thread, mut state)| {
                scope.spawn(move || {
                    let thread = thread as u64;
                    let mut sum = 0;
                    barrier.wait();
                    let start = Instant::now();
                    for number in operations * thread / threads..operations * (thread + 1) / threads {
                        sum += operation(&mut state, number);
                    }
                    (sum, start, Instant::now())
                })
            })
            .collect();
        barrier.wait();
        let done: Vec<_> = workers.into_iter().map(|worker| worker.join().expect("a worker")).collect();
        // Of the first worker: this thread may come to its clock when the work is half done.
        let start = done.iter().map(|(_, start, _)| *start).min().expect("a thread");
        let end = done.iter().map(|(_, _, end)| *end).max().expect("a thread");
        (done.iter().map(|(sum, _, _)| sum).sum(), (end - start).as_secs_f64())
    })
}

type Indexed = Storage<u64, BenchDocument>;

/// Inserts all documents, which are made before the clock starts and moved into the storage.
fn insert_all<Doc>(options: &Options, storage: &Storage<u64, Doc>, make: impl Fn(u64) -> Doc) -> f64
where
    Doc: serde::Serialize + serde::de::DeserializeOwned + Clone + Document + Send + Sync,
{
    let (count, threads) = (options.documents, options.threads);
    let prepared = (0..threads)
        .map(|thread| {
            let numbers = count * thread / threads..count * (thread + 1) / threads;
            numbers.map(&make).collect::<Vec<Doc>>().into_iter()
        })
        .collect();
    let (inserted, seconds) = measure_with(prepared, count, |documents, number| {
        storage.insert(number, documents.next().expect("a document")).is_ok() as u64
    });
    assert_eq!((inserted, storage.len() as u64), (count, count), "all documents are there");
    seconds
}

fn loaded(options: &Options) -> Indexed {
    let storage = Indexed::in_memory();
    insert_all(options, &storage, BenchDocument::new);
    storage
}

#[inline]
fn visit(document: &BenchDocument) -> u64 {
    black_box(document.age);
    1
}

/// The operations that were done, and the seconds.
fn run(options: &Options) -> (u64, f64) {
    let (count, threads) = (options.documents, options.threads);
    let queries = 5_000;
    match options.row.as_str() {
        "ram-insert" => {
            let storage = Storage::in_memory();
            (count, insert_all(options, &storage, |number| Plain(BenchDocument::new(number))))
        }
        "ram-insert-indexed" => (count, insert_all(options, &Indexed::in_memory(), BenchDocument::new)),
        "disk-insert-indexed" => {
            let mut storage = Indexed::open(&options.directory).expect("a storage");
            let seconds = insert_all(options, &storage, BenchDocument::new);
            let start = Instant::now();
            storage.close();
            (count, seconds + start.elapsed().as_secs_f64())
        }
        "lookup" => {
            let storage = loaded(options);
            let find = |operation| storage.lookup(&random_number(operation, count)).map_or(0, |found| visit(&found));
            measure(threads, count, find);
            checked(measure(threads, count * 5, find), count * 5)
        }
        "lookup-unique" => {
            let storage = loaded(options);
            let emails: Vec<String> = (0..count).map(|operation| email(random_number(operation, count))).collect();
            let find = |operation| storage.lookup_by_index(&emails[operation as usize]).map_or(0, |found| visit(&found));
            checked(measure(threads, count, find), count)
        }
        "tag-documents" => {
            let storage = loaded(options);
            let tags: Vec<String> = (0..CITIES).map(city).collect();
            let find = |operation| {
                let found = storage.lookup_by_tag(&tags[(operation % CITIES) as usize]);
                found.iter().map(|document| visit(document)).sum()
            };
            checked(measure(threads, queries, find), count * queries / CITIES)
        }
        "range-documents" => {
            let storage = loaded(options);
            let (field, width) = ("age".to_string(), 10);
            let find = |operation| {
                let from = operation % (AGES / width) * width;
                let found = storage.range(&field, age_text(from), age_text(from + width));
                found.iter().map(|document| visit(document)).sum()
            };
            checked(measure(threads, queries, find), count * queries / (AGES / width))
        }
        "scan" => {
            let storage = loaded(options);
            let scan = |_| storage.iter().map(|document| visit(document.value())).sum();
            checked(measure(threads, 10, scan), count * 10)
        }
        "update" => {
            let storage = loaded(options);
            let change = |operation: u64| {
                update(&storage, random_number(operation, count), |document| document.age = (operation % AGES) as i64)
            };
            (count, measure(threads, count, change).1)
        }
        "mixed-ycsb-a" => {
            let storage = loaded(options);
            let (zipfian, scramble) = (Zipfian::new(count), Scramble::new(count));
            let choose = |operation| {
                let mut random = SplitMix64(operation);
                (scramble.apply(zipfian.next(&mut random)), random.next() & 1 == 0)
            };
            let choices: Vec<(u64, bool)> = (0..count).map(choose).collect();
            let operate = |operation: u64| match choices[operation as usize] {
                (key, true) => storage.lookup(&key).map_or(0, |found| visit(&found)),
                (key, false) => update(&storage, key, |document| document.age = (document.age + 1) % AGES as i64),
            };
            (count, measure(threads, count, operate).1)
        }
        "remove" => {
            let storage = loaded(options);
            let scramble = Scramble::new(count);
            let remove = |operation| {
                storage.remove(scramble.apply(operation));
                1
            };
            let (_, seconds) = measure(threads, count, remove);
            assert_eq!(storage.len(), 0);
            (count, seconds)
        }
        "reload-indexed" => {
            let mut storage = Indexed::open(&options.directory).expect("a storage");
            insert_all(options, &storage, BenchDocument::new);
            storage.close();
            // It stays, as in the other program: the second one gets fresh memory, and not what was freed here and there.
            let first = storage;
            let start = Instant::now();
            let storage = Indexed::open(&options.directory).expect("a storage");
            let seconds = start.elapsed().as_secs_f64();
            let last = storage.lookup_by_index(&email(count - 1)).expect("the last document");
            assert!(*last == BenchDocument::new(count - 1) && storage.len() as u64 == count);
            drop(first);
            (count, seconds)
        }
        row => panic!("no row {}", row),
    }
}

fn checked(measured: (u64, f64), expected: u64) -> (u64, f64) {
    assert_eq!(measured.0, expected, "documents found");
    measured
}

/// The seed has no update: whoever wants one takes the document out and puts it back changed. Two threads that do so at
/// once to one document may find it gone for a moment.
fn update(storage: &Indexed, key: u64, change: impl Fn(&mut BenchDocument)) -> u64 {
    let found = storage.lookup(&key).map(|found| found.clone());
    match found {
        Some(mut document) => {
            change(&mut document);
            storage.remove(key);
            storage.insert(key, document).is_ok() as u64
        }
        None => 0,
    }
}

/// Resident bytes that one more document needs, with documents that are made as they are inserted.
fn resident(options: &Options) -> f64 {
    fn grown<Doc>(options: &Options, make: impl Fn(u64) -> Doc + Sync) -> f64
    where
        Doc: serde::Serialize + serde::de::DeserializeOwned + Clone + Document + Send + Sync,
    {
        let storage = Storage::in_memory();
        let before = resident_bytes();
        measure(options.threads, options.documents, |number| storage.insert(number, make(number)).is_ok() as u64);
        let after = resident_bytes();
        assert_eq!(storage.len() as u64, options.documents);
        (after - before) / options.documents as f64
    }
    if options.row == "ram-insert" {
        grown(options, |number| Plain(BenchDocument::new(number)))
    } else {
        grown(options, BenchDocument::new)
    }
}

fn resident_bytes() -> f64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("/proc");
    let pages: f64 = statm.split(' ').nth(1).expect("a second field").parse().expect("a number");
    pages * 4096.0
}

fn resident_of_child(options: &Options) -> String {
    let output = std::process::Command::new(std::env::current_exe().expect("a path"))
        .args([&options.row, "--resident", "--documents", &options.documents.to_string()])
        .args(["--threads", &options.threads.to_string()])
        .output()
        .expect("a process");
    assert!(output.status.success());
    String::from_utf8(output.stdout).expect("text").trim().to_string()
}
