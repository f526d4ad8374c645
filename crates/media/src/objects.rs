//! The object store: one file a medium, named after its SID. A store of another kind needs the same four verbs.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use confab_types::{MediaSid, Sid as _};
use futures_util::Stream;
use tokio::fs::{self, DirBuilder, File, OpenOptions};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _, SeekFrom, Take};

/// Bytes that are read at once.
const CHUNK: usize = 64 * 1024;

/// Objects in a directory. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Objects {
    root: Arc<Path>,
}

/// An object that is being written. Nobody reads it before a row says that it is complete; so it needs no other name
/// until then.
pub struct Writer {
    file: File,
    directory: PathBuf,
}

/// An object that is being read.
pub struct Reader {
    file: Take<File>,
}

impl Objects {
    /// Opens a store, which is made when it is not there.
    ///
    /// # Errors
    /// When the directory cannot be made or written.
    pub async fn open(root: impl Into<PathBuf>) -> io::Result<Self> {
        let root: PathBuf = root.into();
        let mut builder = DirBuilder::new();
        builder.mode(0o700).recursive(true);
        // All at once, so that no upload has to make one durable. Files spread evenly by the last digits of their
        // names, the random ones.
        for shard in 0..=u8::MAX {
            builder.create(root.join(format!("{shard:02x}"))).await?;
        }
        sync_directory(root.clone()).await?;
        if let Some(parent) = root.parent() {
            sync_directory(parent.to_owned()).await?;
        }
        Ok(Self { root: root.into() })
    }

    fn directory(&self, media: MediaSid) -> PathBuf {
        self.root.join(format!("{:02x}", media.bits() & 0xff))
    }

    fn path(&self, media: MediaSid) -> PathBuf {
        self.directory(media).join(media.to_string())
    }

    /// Begins an object.
    ///
    /// # Errors
    /// When there is one of this name, or the file system refuses.
    pub async fn create(&self, media: MediaSid) -> io::Result<Writer> {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(self.path(media))
            .await?;
        Ok(Writer {
            file,
            directory: self.directory(media),
        })
    }

    /// Reads `length` bytes of an object from `start`.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`], or the file system's.
    pub async fn read(&self, media: MediaSid, start: u64, length: u64) -> io::Result<Reader> {
        let mut file = File::open(self.path(media)).await?;
        if start > 0 {
            file.seek(SeekFrom::Start(start)).await?;
        }
        Ok(Reader {
            file: file.take(length),
        })
    }

    /// Removes an object; one that is not there is removed.
    ///
    /// # Errors
    /// The file system's.
    pub async fn remove(&self, media: MediaSid) -> io::Result<()> {
        match fs::remove_file(self.path(media)).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

impl Writer {
    /// Appends bytes.
    ///
    /// # Errors
    /// The file system's.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes).await
    }

    /// Ends the object; it survives the loss of power from here on.
    ///
    /// # Errors
    /// The file system's.
    pub async fn finish(mut self) -> io::Result<()> {
        self.file.flush().await?;
        self.file.sync_all().await?;
        sync_directory(self.directory).await
    }
}

impl Reader {
    /// The bytes, piece by piece.
    pub fn stream(self) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
        futures_util::stream::try_unfold(self.file, |mut file| async move {
            let mut chunk = BytesMut::with_capacity(CHUNK);
            let read = file.read_buf(&mut chunk).await?;
            Ok((read > 0).then(|| (chunk.freeze(), file)))
        })
    }
}

/// Makes the names in a directory durable.
async fn sync_directory(path: PathBuf) -> io::Result<()> {
    tokio::task::spawn_blocking(move || std::fs::File::open(path)?.sync_all())
        .await
        .map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt as _;

    use super::*;

    async fn bytes(reader: Reader) -> Vec<u8> {
        let chunks: Vec<Bytes> = reader.stream().try_collect().await.unwrap();
        chunks.concat()
    }

    #[tokio::test]
    async fn an_object_is_written_once_read_in_parts_and_removed() {
        let directory = tempfile::tempdir().unwrap();
        let objects = Objects::open(directory.path().join("media")).await.unwrap();
        let name = MediaSid::from_bits(0xab);
        let mut writer = objects.create(name).await.unwrap();
        writer.write(b"0123").await.unwrap();
        writer.write(b"456789").await.unwrap();
        writer.finish().await.unwrap();
        assert!(
            objects.create(name).await.is_err(),
            "no object is written over another"
        );
        assert_eq!(
            bytes(objects.read(name, 0, 10).await.unwrap()).await,
            b"0123456789"
        );
        assert_eq!(bytes(objects.read(name, 3, 4).await.unwrap()).await, b"3456");
        objects.remove(name).await.unwrap();
        objects.remove(name).await.unwrap();
        let gone = objects.read(name, 0, 1).await.err().map(|e| e.kind());
        assert_eq!(gone, Some(io::ErrorKind::NotFound));
    }
}
