//! The log of the seed: a thread that gets encoded records through a channel of 1,000 and appends each with one seek and
//! three writes (length, bytes, CRC-32), in pages of 5,000 records. Nothing is synced.

use std::fs::{File, OpenOptions};
use std::io::{Read, Result, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::mpsc::{sync_channel, SyncSender};
use std::thread::JoinHandle;

const PAGE_RECORDS: usize = 5_000;
const CHANNEL_RECORDS: usize = 1_000;

/// One page.
pub struct LogFile {
    file: File,
    records: usize,
}

impl LogFile {
    /// Opens or makes a page, and counts its records by reading each length.
    pub fn open(path: &PathBuf) -> Result<LogFile> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let size = file.metadata()?.len();
        let mut records = 0;
        if size >= 8 {
            let mut position = file.seek(SeekFrom::Start(8))?;
            while size - position > 8 {
                let length = read_u64(&mut file)? + 4;
                if size - position - 8 < length {
                    break;
                }
                records += 1;
                position = file.seek(SeekFrom::Current(length as i64))?;
            }
        } else {
            file.write_all(&[0; 8])?;
        }
        Ok(LogFile { file, records })
    }

    pub fn write(&mut self, record: &[u8]) -> Result<()> {
        self.file.seek(SeekFrom::End(0))?;
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(record);
        self.file.write_all(&(record.len() as u64).to_le_bytes())?;
        self.file.write_all(record)?;
        self.file.write_all(&hasher.finalize().to_le_bytes())?;
        self.records += 1;
        Ok(())
    }

    /// Calls `body` with each record, checked.
    pub fn for_each(&mut self, mut body: impl FnMut(&[u8])) -> Result<()> {
        self.file.seek(SeekFrom::Start(8))?;
        for _ in 0..self.records {
            let mut record = vec![0; read_u64(&mut self.file)? as usize];
            self.file.read_exact(&mut record)?;
            let mut checksum = [0; 4];
            self.file.read_exact(&mut checksum)?;
            let mut hasher = crc32fast::Hasher::new();
            hasher.update(&record);
            assert_eq!(hasher.finalize(), u32::from_le_bytes(checksum), "bad checksum");
            body(&record);
        }
        Ok(())
    }
}

fn read_u64(file: &mut File) -> Result<u64> {
    let mut bytes = [0; 8];
    file.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

pub fn page_path(directory: &str, page: usize) -> PathBuf {
    PathBuf::from(format!("{}/page-{}.LOG", directory, page * PAGE_RECORDS))
}

/// The thread that writes.
pub struct DiskLog {
    sender: Option<SyncSender<Vec<u8>>>,
    thread: Option<JoinHandle<()>>,
}

impl DiskLog {
    pub fn open(directory: &str) -> Result<DiskLog> {
        std::fs::create_dir_all(directory)?;
        let mut page = 1;
        while page_path(directory, page + 1).is_file() {
            page += 1;
        }
        let mut log = LogFile::open(&page_path(directory, page))?;
        let (sender, receiver) = sync_channel::<Vec<u8>>(CHANNEL_RECORDS);
        let directory = directory.to_string();
        let thread = std::thread::spawn(move || {
            for record in receiver {
                if log.records >= PAGE_RECORDS {
                    page += 1;
                    log = LogFile::open(&page_path(&directory, page)).expect("a new page");
                }
                log.write(&record).expect("a write to the log");
            }
        });
        Ok(DiskLog { sender: Some(sender), thread: Some(thread) })
    }

    pub fn log(&self, record: Vec<u8>) {
        self.sender.as_ref().expect("open").send(record).expect("the log thread runs");
    }

    /// Waits until the channel is empty and everything is written.
    pub fn close(&mut self) {
        drop(self.sender.take());
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the log thread ended well");
        }
    }
}
