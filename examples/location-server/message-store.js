/**
 * Messages on disk: an SQLite database where Node has one (from 22.13 on), a file of JSON lines where it has not.
 *
 *   openStore(file, { empty }) -> { kind, save(messages), count(), close() }
 *   countMessages(file)        -> the number of messages in the file, which another process may be writing
 */
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
} from 'node:fs';
import path from 'node:path';

const sqlite = await import('node:sqlite').catch(() => null);

const magic = 'SQLite format 3\0';

const isDatabase = (file) => {
  const start = Buffer.alloc(magic.length);
  const descriptor = openSync(file, 'r');
  try {
    readSync(descriptor, start, 0, start.length, 0);
  } finally {
    closeSync(descriptor);
  }
  return start.toString('latin1') === magic;
};

const columns = ['id', 'sender', 'longitude', 'latitude', 'contents', 'radius', 'savedAt'];

const openDatabase = (file) => {
  const database = new sqlite.DatabaseSync(file);
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    CREATE TABLE IF NOT EXISTS messages (
      id TEXT PRIMARY KEY, sender TEXT NOT NULL, longitude REAL NOT NULL, latitude REAL NOT NULL,
      contents TEXT NOT NULL, radius REAL NOT NULL, savedAt TEXT NOT NULL
    );
  `);
  const insert = database.prepare(
    `INSERT INTO messages (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
  );
  const insertOne = (message) => insert.run(...columns.map((column) => message[column]));
  return {
    kind: 'sqlite',
    save: (messages) => {
      if (messages.length === 1) {
        insertOne(messages[0]);
        return;
      }
      database.exec('BEGIN');
      try {
        for (const message of messages) insertOne(message);
        database.exec('COMMIT');
      } catch (error) {
        database.exec('ROLLBACK');
        throw error;
      }
    },
    count: () => Number(database.prepare('SELECT count(*) AS n FROM messages').get().n),
    close: () => database.close(),
  };
};

const countLines = (file) => {
  const text = readFileSync(file);
  let lines = 0;
  for (let at = text.indexOf(10); at >= 0; at = text.indexOf(10, at + 1)) lines += 1;
  return lines;
};

const openLines = (file) => {
  const descriptor = openSync(file, 'a');
  return {
    kind: 'json-lines',
    save: (messages) =>
      appendFileSync(descriptor, messages.map((message) => `${JSON.stringify(message)}\n`).join('')),
    count: () => countLines(file),
    close: () => closeSync(descriptor),
  };
};

/** Opens the store; `empty` throws away what is in it. */
export const openStore = (file, { empty = false } = {}) => {
  mkdirSync(path.dirname(file), { recursive: true });
  if (empty) for (const suffix of ['', '-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true });
  return sqlite === null ? openLines(file) : openDatabase(file);
};

export const countMessages = (file) => {
  if (!existsSync(file)) throw new Error(`There is no database at ${file}`);
  if (!isDatabase(file)) return countLines(file);
  if (sqlite === null) throw new Error(`${file} is an SQLite database, and this Node.js cannot read one`);
  const database = new sqlite.DatabaseSync(file, { readOnly: true });
  try {
    return Number(database.prepare('SELECT count(*) AS n FROM messages').get().n);
  } finally {
    database.close();
  }
};
